"""Hybrids of Mamba and attention, which the config tells apart by layer.

Falcon H1 runs both side by side on one norm, each with factors on what it reads and gives;
Granite adds up experts and a shared MLP that read the same; Nemotron H has one sublayer a block.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Mixer,
    Sizes,
    Stack,
)
from scrub.models.families.granite import BESIDE, EXPERTS, SCALE, SHARED_MLP
from scrub.models.families.layers import ATTENTION, attends
from scrub.models.families.mixtures import NARROW, WIDE
from scrub.models.families.sizes import sized

NOTE = f"Mamba: {Mixer().why}"
MAMBA = Mixer("mamba", before="input_layernorm")
DENSE = MLP("feed_forward", before="pre_ff_layernorm")


def _jamba(config: Config, layer: int) -> Block:
    def every(kind: str, period: int, offset: int) -> bool:
        each = config.get(f"{kind}_layer_period", period)
        return bool(layer % each == config.get(f"{kind}_layer_offset", offset))

    sparse = config.get("num_experts", 16) > 1 and every("expert", 2, 1)
    experts = replace(DENSE, down=None, experts="experts", mixture=WIDE)
    return (Attention() if every("attn", 8, 4) else MAMBA, experts if sparse else DENSE)


def _bamba(config: Config, layer: int) -> Block:
    listed = config.get("attn_layer_indices") or ()
    return (Attention() if layer in listed else MAMBA, DENSE)


# the MLP has a factor after its last map, so that its neurons' shares are not that map's alone
FALCON_H1_BLOCK: Block = (
    replace(MAMBA, scale="ssm_out_multiplier"),
    Attention(parallel=True, scale="attention_out_multiplier", gain="attention_in_multiplier"),
    replace(DENSE, down=None),
)

# the one sublayer of a block, by its name in the config and in older ones' pattern
NEMOTRON: dict[str, str] = {"M": "mamba", "-": "mlp", "*": "attention", "E": "moe"}


INNER = replace(NARROW, inner=Key(("moe_latent_size",), derived=True))


def _listed(config: Config) -> Sequence[str]:
    listed = config.get("layers_block_type") or config.get("layer_types")
    return listed or [NEMOTRON[letter] for letter in config.get("hybrid_override_pattern", "ME*-")]


def _nemotron(config: Config, layer: int) -> Block:
    match _listed(config)[layer]:
        case kind if kind in ATTENTION:
            return (Attention("mixer", before="norm"),)
        case "mlp" | "moe" as kind:
            dense = MLP("mixer", before="norm", matrices=2)
            sparse = replace(dense, down=None, experts="experts", mixture=INNER)
            return (dense if kind == "mlp" else sparse,)
        case _:
            return (Mixer(),)


def _granite(config: Config, layer: int) -> Block:
    """Without experts the shared MLP is the MLP; with them it is called `ms3`."""
    listed = attends(config, layer, period=1, offset=1)  # not listed: none attends
    mixing = Attention(scale=SCALE) if listed else replace(MAMBA, scale=SCALE)
    if not config.get("num_local_experts", 8):
        return (mixing, SHARED_MLP)
    return (mixing, EXPERTS, BESIDE)


def _family(
    name: str,
    block: Block | Callable[[Config, int], Block],
    sizes: Sizes,
    final_norm: str = "final_layernorm",
) -> Family:
    return Family(name, (Stack(block=block, final_norm=final_norm, sizes=sizes),), note=NOTE)


JAMBA = _family("jamba", _jamba, sized(32, 4096, 32, 8, 14336, 65536))
BAMBA = _family("bamba", _bamba, sized(32, 4096, 32, 8, 14336, 128000))
FALCON_H1 = _family("falcon_h1", FALCON_H1_BLOCK, sized(32, 4096, 32, 8, 14336, 128000))
NEMOTRON_H = _family(
    "nemotron_h",
    _nemotron,
    sized(
        Key(("num_hidden_layers",), of=lambda config: len(_listed(config))),
        4096, 32, 8, 21504, 131072,
        head_width=Key(("head_dim",), 128),
    ),
    "norm_f",
)  # fmt: skip
GRANITE = _family(
    "granitemoehybrid",
    _granite,
    sized(32, 4096, 32, None, Key(("shared_intermediate_size",), 1024), 32000),
    "norm",
)
