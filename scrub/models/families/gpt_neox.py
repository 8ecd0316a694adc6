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
    Stack,
    fused,
    interleaved,
)
from scrub.models.families.sizes import sized, usual

FUSED = Attention(
    "attention", projections=fused("query_key_value"), layout=interleaved, out="dense"
)
WRITE = MLP(down="dense_4h_to_h", matrices=2)


def _neox(config: Config, layer: int) -> Block:
    return (FUSED, replace(WRITE, parallel=bool(config.get("use_parallel_residual", True))))


GPT_NEOX = Family(
    "gpt_neox",
    stacks=(
        Stack(
            path="gpt_neox",
            block=_neox,
            final_norm="final_layer_norm",
            sizes=usual(44, 6144, 64, 24576, 50432),
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
            block=(replace(FUSED, bias="dense_bias", asks=False), WRITE),
            final_norm="final_layer_norm",
            sizes=usual(32, 2560, 32, Key((), of=_multiple), 32000),
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
            sizes=usual(36, 4096, 64, 16384, 262144),
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
            sizes=sized(32, 2560, 32, 32, 6912, 50304),
        ),
    ),
)
