"""GPT-NeoX and its kin: rotary positions on a part of each head, LayerNorms, two norms a block.

GPT-NeoX (Pythia) and StableLM run their sublayers in parallel or in turn, as the config says;
StableLM's parallel sublayers share a norm. Where StableLM norms queries and keys, each head has a
norm of its own. The last attention of GPT-NeoX Japanese has a bias that its block adds.
"""

from dataclasses import replace

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
    interleaved,
)

ALL = ("query_key_value",)
FUSED = Attention(
    "attention", projections={"q": ALL, "k": ALL, "v": ALL}, layout=interleaved, out="dense"
)
WRITE = MLP(down="dense_4h_to_h", matrices=2)


def _sizes(layers: int, width: int, heads: int, hidden: Key, vocabulary: int) -> Sizes:
    return Sizes(
        layers=Key(("num_hidden_layers",), layers),
        width=Key(("hidden_size",), width),
        heads=Key(("num_attention_heads",), heads),
        hidden=hidden,
        vocabulary=Key(("vocab_size",), vocabulary),
    )


def _neox(config: Config, layer: int) -> Block:
    return (FUSED, replace(WRITE, parallel=bool(config.get("use_parallel_residual", True))))


GPT_NEOX = Family(
    "gpt_neox",
    stacks=(
        Stack(
            path="gpt_neox",
            block=_neox,
            final_norm="final_layer_norm",
            sizes=_sizes(44, 6144, 64, Key(("intermediate_size",), 24576), 50432),
        ),
    ),
    trunk=("gpt_neox",),
)


def _multiple(config: Config) -> int:
    return int(config.get("hidden_size", 2560) * config.get("intermediate_multiple_size", 4))


GPT_NEOX_JAPANESE = Family(
    "gpt_neox_japanese",
    stacks=(
        Stack(
            path="gpt_neox_japanese",
            block=(replace(FUSED, bias="dense_bias"), WRITE),
            final_norm="final_layer_norm",
            sizes=_sizes(32, 2560, 32, Key((), of=_multiple), 32000),
        ),
    ),
    trunk=("gpt_neox_japanese",),
)

PERSIMMON = Family(
    "persimmon",
    stacks=(
        Stack(
            block=(replace(FUSED, path="self_attn"), WRITE),
            final_norm="final_layernorm",
            sizes=_sizes(36, 4096, 64, Key(("intermediate_size",), 16384), 262144),
        ),
    ),
)


def _stablelm(config: Config, layer: int) -> Block:
    read = Attention(run=Run.TOGETHER if config.get("qk_layernorm") else Run.ALONE)
    if config.get("use_parallel_residual"):
        return (read, MLP(before="input_layernorm", parallel=True))
    return (read, MLP())


STABLELM = Family(
    "stablelm",
    stacks=(
        Stack(
            block=_stablelm,
            sizes=replace(
                _sizes(32, 2560, 32, Key(("intermediate_size",), 6912), 50304),
                shared=Key(("num_key_value_heads",), 32),
            ),
        ),
    ),
)
