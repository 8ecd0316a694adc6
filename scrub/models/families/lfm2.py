"""LFM: short gated convolutions, and an attention in some layers.

LFM 2 MoE has experts after its first layers; LFM 3 has norms on outputs too, and a gate on each
head's output that reads what the queries read.
"""

from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Block, Config, Family, Key, Mixer, Run, Stack
from scrub.models.families.mixtures import ALONE
from scrub.models.families.sizes import sized

WHY = "a gated convolution, whose channels the projections around it mix"


def _hidden(config: Config) -> int:
    """Two thirds of what the config says, times a factor, rounded up to a multiple."""
    said = int(config.get("block_ff_dim") or config.get("intermediate_size", 12288))
    if not config.get("block_auto_adjust_ff_dim", True):
        return said
    size, factor = int(2 * said / 3), config.get("block_ffn_dim_multiplier", 1.0)
    if factor is None:
        return size
    unit = int(config.get("block_multiple_of", 256))
    return (int(factor * size) + unit - 1) // unit * unit


def _convolves(config: Config, layer: int) -> bool:
    listed = config.get("layer_types")
    if listed:
        return bool(listed[layer] == "conv")
    if config["model_type"] == "lfm3":
        return layer % 4 not in (0, 2) or layer == 0
    attentions = config.get("full_attn_idxs")
    return attentions is not None and layer not in attentions


def _block(config: Config, layer: int) -> Block:
    dense = layer < config.get("num_dense_layers", 2) or config["model_type"] != "lfm2_moe"
    mlp = MLP("feed_forward", before="ffn_norm", down="w2")
    mlp = mlp if dense else replace(mlp, down=None, experts="experts", mixture=ALONE)
    if _convolves(config, layer):
        return (Mixer("conv", before="operator_norm", why=WHY), mlp)
    return (Attention(before="operator_norm", out="out_proj"), mlp)


def _gated_block(config: Config, layer: int) -> Block:
    normed = config.get("use_sandwich_norm", True)
    after = "post_operator_norm" if normed else ""
    mlp = MLP("feed_forward", before="ffn_norm", down="w2", after="post_ffn_norm" if normed else "")
    if _convolves(config, layer):
        return (Mixer("conv", before="operator_norm", after=after, why=WHY), mlp)
    gate = ("g_proj",) if config.get("use_attention_gate", True) else ()
    attention = Attention(
        before="operator_norm",
        after=after,
        projections={"q": (*gate, "q_proj"), "k": ("k_proj",), "v": ("v_proj",)},
        run=Run.TOGETHER if gate else Run.ALONE,
    )
    return (attention, mlp)


LFM2 = Family(
    "lfm2",
    (
        Stack(
            block=_block,
            final_norm="embedding_norm",
            sizes=sized(32, 2560, 32, 8, Key(("intermediate_size",), of=_hidden), 65536),
        ),
    ),
    note=WHY,
)
LFM2_MOE = Family(
    "lfm2_moe",
    (Stack(block=_block, final_norm="embedding_norm", sizes=sized(32, 2048, 32, 8, 7168, 65536)),),
    note=WHY,
)
LFM3 = Family(
    "lfm3",
    (
        Stack(
            block=_gated_block,
            final_norm="embedding_norm",
            sizes=sized(24, 2048, 16, 4, 7680, 128000, head_width=Key(("head_dim",), 128)),
        ),
    ),
    note=WHY,
)
