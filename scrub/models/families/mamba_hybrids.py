"""Hybrids of Mamba and attention, which the config tells apart by layer.

Falcon H1 runs both side by side on one norm, each with factors on what it reads and gives;
Granite adds up experts and a shared MLP that read the same; Nemotron H has one sublayer a block.
"""

from collections.abc import Sequence
from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Block, Config, Family, Key, Mixer, Stack
from scrub.models.families.layers import ATTENTION, attends, sized

NOTE = f"Mamba: {Mixer().why}"
MLP_BESIDE = MLP("feed_forward", before="pre_ff_layernorm")


def _jamba(config: Config, layer: int) -> Block:
    experts = config.get("num_experts", 16) > 1 and layer % config.get(
        "expert_layer_period", 2
    ) == config.get("expert_layer_offset", 1)
    mlp = replace(MLP_BESIDE, down=None, experts="experts") if experts else MLP_BESIDE
    period, offset = config.get("attn_layer_period", 8), config.get("attn_layer_offset", 4)
    if layer % period == offset:
        return (Attention(), mlp)
    return (Mixer("mamba", before="input_layernorm"), mlp)


def _bamba(config: Config, layer: int) -> Block:
    if layer in (config.get("attn_layer_indices") or ()):
        return (Attention(), MLP_BESIDE)
    return (Mixer("mamba", before="input_layernorm"), MLP_BESIDE)


# the MLP has a factor after its last map, so that its neurons' shares are not that map's alone
FALCON_H1_BLOCK: Block = (
    Mixer("mamba", before="input_layernorm", scale="ssm_out_multiplier"),
    Attention(parallel=True, scale="attention_out_multiplier", gain="attention_in_multiplier"),
    MLP("feed_forward", before="pre_ff_layernorm", down=None),
)

# the one sublayer of a block, by its name in the config and in older ones' pattern
NEMOTRON: dict[str, str] = {"M": "mamba", "-": "mlp", "*": "attention", "E": "moe"}


def _listed(config: Config) -> Sequence[str]:
    listed = config.get("layers_block_type") or config.get("layer_types")
    return listed or [NEMOTRON[letter] for letter in config.get("hybrid_override_pattern", "ME*-")]


def _nemotron(config: Config, layer: int) -> Block:
    match _listed(config)[layer]:
        case kind if kind in ATTENTION:
            return (Attention("mixer", before="norm"),)
        case "mlp" | "moe" as kind:
            dense = MLP("mixer", before="norm", matrices=2)
            sparse = replace(dense, down=None, experts="experts")
            return (dense if kind == "mlp" else sparse,)
        case _:
            return (Mixer(),)


def _granite(config: Config, layer: int) -> Block:
    """Without experts the shared MLP is the MLP; with them it is called `ms3`."""
    factor = "residual_multiplier"
    listed = attends(config, layer, period=1, offset=1)  # not listed: none attends
    mixing = (
        Attention(scale=factor)
        if listed
        else Mixer("mamba", before="input_layernorm", scale=factor)
    )
    shared = MLP("shared_mlp", down="output_linear", scale=factor)
    if not config.get("num_local_experts", 8):
        return (mixing, shared)
    experts = MLP("block_sparse_moe", down=None, experts="experts", scale=factor)
    beside = MLP("shared_mlp", down="output_linear", scale=factor, beside=True, letter="ms")
    return (mixing, experts, beside)


JAMBA = Family(
    "jamba",
    (
        Stack(
            block=_jamba, final_norm="final_layernorm", sizes=sized(32, 4096, 32, 8, 14336, 65536)
        ),
    ),
    note=NOTE,
)
BAMBA = Family(
    "bamba",
    (
        Stack(
            block=_bamba, final_norm="final_layernorm", sizes=sized(32, 4096, 32, 8, 14336, 128000)
        ),
    ),
    note=NOTE,
)
FALCON_H1 = Family(
    "falcon_h1",
    (
        Stack(
            block=FALCON_H1_BLOCK,
            final_norm="final_layernorm",
            sizes=sized(32, 4096, 32, 8, 14336, 128000),
        ),
    ),
    note=NOTE,
)
NEMOTRON_H = Family(
    "nemotron_h",
    (
        Stack(
            block=_nemotron,
            final_norm="norm_f",
            sizes=sized(
                Key(("num_hidden_layers",), of=lambda config: len(_listed(config))),
                4096,
                32,
                8,
                21504,
                131072,
                head_width=Key(("head_dim",), 128),
            ),
        ),
    ),
    note=NOTE,
)
GRANITE = Family(
    "granitemoehybrid",
    (
        Stack(
            block=_granite,
            sizes=sized(32, 4096, 32, None, Key(("shared_intermediate_size",), 1024), 32000),
        ),
    ),
    note=NOTE,
)
