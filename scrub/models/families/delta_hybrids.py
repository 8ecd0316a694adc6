"""Hybrids of gated delta rules (linear attention) and attention, told apart by layer.

Qwen's attention gates its output by what the queries read; OLMo's norms queries and keys over all
heads; Kimi's and Bailing's is a latent one.
"""

from collections.abc import Callable

from scrub.models.families.base import MLP, Attention, Block, Config, Family, Key, Mixer, Run, Stack
from scrub.models.families.deepseek import latent_attention, latent_mlp, latent_sizes, queries_of
from scrub.models.families.layers import attends
from scrub.models.families.mixtures import DENSE, EXPERTS, by_step
from scrub.models.families.olmo import DENSE as NORMED_DENSE
from scrub.models.families.olmo import NORMED
from scrub.models.families.sizes import sized

NOTE = "linear attention: its heads share a convolution and norms, and it is kept whole"
DELTA = Mixer("linear_attn", before="input_layernorm", why=NOTE)
# queries and their gates come from one projection, head by head
GATED = Attention(run=Run.TOGETHER)


def _qwen3_next(config: Config, layer: int) -> Block:
    return (_qwen_mixing(config, layer), EXPERTS if by_step(config, layer) else DENSE)


def _qwen_mixing(config: Config, layer: int) -> Attention | Mixer:
    period = config.get("full_attention_interval", 4)
    return GATED if attends(config, layer, period, period - 1) else DELTA


def _qwen3_5(mlp: MLP) -> Callable[[Config, int], Block]:
    return lambda config, layer: (_qwen_mixing(config, layer), mlp)


def _olmo(config: Config, layer: int) -> Block:
    """Attention blocks norm their outputs, the others their inputs."""
    return (NORMED, NORMED_DENSE) if attends(config, layer) else (DELTA, DENSE)


def _kimi(config: Config, layer: int) -> Block:
    listed = (config.get("linear_attn_config") or {}).get("full_attn_layers", ())
    full = attends(config, layer, 4, 0) and (layer > 0 or config.get("layer_types"))
    if listed and not config.get("layer_types"):
        full = layer + 1 in listed
    return _latent_block(config, layer, bool(full), queries_of(config), dense=1)


def _bailing(config: Config, layer: int) -> Block:
    period = config.get("layer_group_size", 6)
    full = attends(config, layer, period, period - 1)
    return _latent_block(config, layer, full, ("g_proj", "q_proj"), dense=2)


def _latent_block(
    config: Config, layer: int, full: bool, queries: tuple[str, ...], dense: int
) -> Block:
    delta = Mixer("self_attn", before="input_layernorm", why=NOTE)
    return (latent_attention(queries) if full else delta, latent_mlp(config, layer, dense))


WIDE = Key(("head_dim",), 256)
QWEN3_NEXT = Family(
    "qwen3_next",
    (Stack(block=_qwen3_next, sizes=sized(48, 2048, 16, 2, 5632, 151936, head_width=WIDE)),),
    note=NOTE,
)
QWEN3_5 = Family(
    "qwen3_5_text",
    (Stack(block=_qwen3_5(DENSE), sizes=sized(32, 4096, 16, 4, 12288, 248320, head_width=WIDE)),),
    note=NOTE,
)
QWEN3_5_MOE = Family(
    "qwen3_5_moe_text",
    (Stack(block=_qwen3_5(EXPERTS), sizes=sized(40, 2048, 16, 2, 512, 248320, head_width=WIDE)),),
    note=NOTE,
)
OLMO_HYBRID = Family(
    "olmo_hybrid",
    (Stack(block=_olmo, sizes=sized(32, 3840, 30, None, 11008, 100352)),),
    note=NOTE,
)
KIMI_LINEAR = Family(
    "kimi_linear",
    (Stack(block=_kimi, sizes=latent_sizes(27, 2304, 32, 9216, 163840)),),
    note=NOTE,
)
BAILING_HYBRID = Family(
    "bailing_hybrid",
    (Stack(block=_bailing, sizes=latent_sizes(42, 2560, 32, 6144, 157184)),),
    note=NOTE,
)
