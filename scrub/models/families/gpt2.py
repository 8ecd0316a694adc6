"""GPT-2 and its kin: LayerNorms and biases everywhere, serial blocks, learned positions.

GPT-2 and GPT-1 have one fused projection (`c_attn`), a `Conv1D`, whose weights are stored
transposed. GPT-1 norms the sum after each sublayer and has no norm at the end. GPTBigCode shares
one head of keys and values among all (StarCoder), or fuses head by head; GPT-Neo attends locally in
every other layer; CTRL hands its attention what it reads three times. ImageGPT reads colours, and
gives every one but the one that begins an image.
"""

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Config,
    Family,
    Key,
    Sizes,
    Stack,
    apart,
    fused,
    grouped,
    stacked,
)

READ = Attention("attn", before="ln_1", projections=fused("c_attn"), layout=stacked, out="c_proj")
WRITE = MLP("mlp", before="ln_2", down="c_proj", matrices=2)
REFUSED = {"add_cross_attention": "heads that read an encoder are not covered"}


def sizes(layers: int, width: int, heads: int, vocabulary: int) -> Sizes:
    """Under GPT-2's names."""
    return Sizes(
        layers=Key(("n_layer", "num_hidden_layers"), layers),
        width=Key(("n_embd", "hidden_size"), width),
        heads=Key(("n_head", "num_attention_heads"), heads),
        shared=Key((), derived=True),
        hidden=Key(("n_inner",), derived=True),
        vocabulary=Key(("vocab_size",), vocabulary),
    )


STACK = Stack(
    path="transformer",
    blocks="h",
    block=(READ, WRITE),
    final_norm="ln_f",
    sizes=sizes(12, 768, 12, 50257),
    longest="n_positions",
)
GPT2 = Family(
    "gpt2",
    stacks=(STACK,),
    trunk=("transformer",),
    refused=REFUSED,
    eager={"scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False},  # below 5.4
)

IMAGEGPT = Family(
    "imagegpt",
    stacks=(
        replace(STACK, block=(replace(READ, asks=False), WRITE), sizes=sizes(24, 512, 8, 513)),
    ),
    trunk=("transformer",),
    refused=REFUSED,
    classes=("ImageGPTForCausalImageModeling",),
)

OPENAI_GPT = Family(
    "openai-gpt",
    stacks=(
        replace(
            STACK,
            block=(
                replace(READ, before="", on_sum="ln_1", asks=False),
                replace(WRITE, before="", on_sum="ln_2"),
            ),
            final_norm="",
            sizes=replace(sizes(12, 768, 12, 40478), hidden=Key((), derived=True)),
        ),
    ),
    trunk=("transformer",),
)


def _shared(config: Config) -> int:
    """Heads of keys and values: one for all, or as many as of queries."""
    queries = config.get("n_head") or config.get("num_attention_heads") or 12
    return 1 if config.get("multi_query", True) else queries


GPT_BIGCODE = Family(
    "gpt_bigcode",
    stacks=(
        replace(
            STACK,
            block=(replace(READ, layout=grouped, told={"multi_query": False}), WRITE),
            sizes=replace(STACK.sizes, shared=Key((), of=_shared)),
        ),
    ),
    trunk=("transformer",),
    refused=REFUSED,
)

GPT_NEO = Family(
    "gpt_neo",
    stacks=(
        replace(
            STACK,
            block=(Attention("attn.attention", before="ln_1", out="out_proj", asks=False), WRITE),
            sizes=Sizes(
                layers=Key(("num_layers", "num_hidden_layers"), 24),
                width=Key(("hidden_size",), 2048),
                heads=Key(("num_heads", "num_attention_heads"), 16),
                hidden=Key(("intermediate_size",), derived=True),
                vocabulary=Key(("vocab_size",), 50257),
            ),
            longest="max_position_embeddings",
        ),
    ),
    trunk=("transformer",),
)

CTRL = Family(
    "ctrl",
    stacks=(
        replace(
            STACK,
            block=(
                Attention(
                    "multi_head_attention",
                    before="layernorm1",
                    projections=apart("Wq", "Wk", "Wv"),
                    out="dense",
                ),
                MLP("ffn", before="layernorm2", down="2", matrices=2),
            ),
            final_norm="layernorm",
            sizes=replace(sizes(48, 1280, 16, 246534), hidden=Key(("dff",), 8192)),
        ),
    ),
    trunk=("transformer",),
)
