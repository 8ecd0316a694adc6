"""Multi-head latent attention: queries, keys and values are made in two steps.

Keys and values share the first step (`kv_a_proj_with_mqa`) and are fused in the second
(`kv_b_proj`); part of the first is, after rotation, a part of every head's key.
"""

import math
from collections.abc import Callable

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Run,
    Sizes,
    Stack,
    latent,
)
from scrub.models.families.mixtures import DENSE, EXPERTS, NARROW
from scrub.models.families.sizes import sized


def latent_attention(
    queries: tuple[str, ...], scale: str | Callable[[Config], float] = ""
) -> Attention:
    """The attention, whose queries these modules make."""
    return Attention(
        projections={
            "q": queries,
            "k": ("kv_a_proj_with_mqa", "kv_b_proj"),
            "v": ("kv_b_proj",),
        },
        layout=latent,
        run=Run.TRACED,
        scale=scale,
    )


def latent_sizes(
    layers: int, width: int, heads: int, hidden: int, vocabulary: int,
    nope: int = 128, rope: int = 64, values: int = 128,
) -> Sizes:  # fmt: skip
    def wide(config: Config) -> int:
        own = config.get("qk_nope_head_dim", nope)
        return int(own) + int(config.get("qk_rope_head_dim", rope))

    return sized(
        layers, width, heads, None, hidden, vocabulary,
        head_width=Key(("qk_head_dim",), of=wide),
        value_width=Key(("v_head_dim",), values),
        common=Key(("qk_rope_head_dim",), rope),
    )  # fmt: skip


def latent_mlp(config: Config, layer: int, dense: int, experts: MLP = EXPERTS) -> MLP:
    """Experts after the first few layers, or as the config lists them."""
    listed = config.get("mlp_layer_types")
    first = config.get("first_k_dense_replace", dense)
    sparse = listed[layer] == "sparse" if listed else layer >= first
    return experts if sparse else DENSE


def queries_of(config: Config) -> tuple[str, ...]:
    return ("q_proj",) if config.get("q_lora_rank") is None else ("q_b_proj",)


def _scaled_block(config: Config, layer: int) -> Block:
    return (latent_attention(queries_of(config), scale=_depth), MLP(scale=_depth))


def _depth(config: Config) -> float:
    """MiniCPM's residual multiplier."""
    layers = float(config.get("num_hidden_layers", 62))
    return float(config.get("scale_depth", 1.4)) / math.sqrt(layers)


def _family(name: str, sizes: Sizes, dense: int, experts: MLP = EXPERTS) -> Family:
    """`dense`: how many layers have no experts, by transformers' default."""

    def block(config: Config, layer: int) -> Block:
        return (latent_attention(queries_of(config)), latent_mlp(config, layer, dense, experts))

    return Family(name, (Stack(block=block, sizes=sizes),))


DEEPSEEK_V2 = _family("deepseek_v2", latent_sizes(32, 4096, 32, 11008, 102400), dense=0)
DEEPSEEK_V3 = _family("deepseek_v3", latent_sizes(61, 7168, 128, 18432, 129280), dense=3)
YOUTU = Family(
    "youtu",
    (
        Stack(
            block=lambda config, layer: (latent_attention(queries_of(config)), MLP()),
            sizes=latent_sizes(32, 2048, 16, 6144, 128256),
        ),
    ),
)
GLM4_MOE_LITE = _family(
    "glm4_moe_lite", latent_sizes(47, 2048, 20, 10240, 154880, nope=192, values=256), dense=1
)
# a norm within the module is on the sum of the experts, so that none has a share of its own
AXK1 = _family(
    "axk1",
    latent_sizes(61, 7168, 64, 18432, 163840),
    dense=1,
    experts=MLP(down=None, mixture=NARROW),
)
MISTRAL4 = _family(
    "mistral4", latent_sizes(36, 4096, 32, 12288, 131072, nope=64, values=128), dense=0
)
MINICPM3 = Family(
    "minicpm3",
    (Stack(block=_scaled_block, sizes=latent_sizes(62, 2560, 40, 6400, 73448, 64, 32, 64)),),
)
