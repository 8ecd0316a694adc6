"""GPT-J and its kin: one norm a block, which both sublayers read through, in parallel.

CodeGen fuses its projections in four parts, one for each core of the machine that it was trained
on: a part has the queries of a quarter of the heads, then their values, then their keys. Where
Cohere norms queries and keys, each head has weights of its own.
"""

from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Heads,
    Key,
    Run,
    Sizes,
    Stack,
)
from scrub.models.families.gpt2 import sizes

CORES = 4


def in_cores(port: str, head: int, heads: Heads) -> int:
    """One projection in four parts: in each, all queries, then all values, then all keys.

    >>> [in_cores(port, 5, Heads(queries=16, shared=16, width=64)) for port in "qkv"]
    [832, 1344, 1088]
    """
    each = heads.queries // CORES
    part, within = divmod(head, each)
    return ((3 * part + "qvk".index(port)) * each + within) * heads.width


READ = Attention("attn", before="ln_1", out="out_proj")
WRITE = MLP("mlp", before="ln_1", down="fc_out", matrices=2, parallel=True)
STACK = Stack(
    path="transformer",
    blocks="h",
    block=(READ, WRITE),
    final_norm="ln_f",
    sizes=sizes(28, 4096, 16, 50400),
    longest="n_positions",
)
GPTJ = Family("gptj", stacks=(STACK,), trunk=("transformer",))

ALL = ("qkv_proj",)
QUARTERS = replace(
    READ, projections={"q": ALL, "k": ALL, "v": ALL}, layout=in_cores, run=Run.TOGETHER
)
CODEGEN = Family(
    "codegen", stacks=(replace(STACK, block=(QUARTERS, WRITE)),), trunk=("transformer",)
)


def _sizes(layers: int, width: int, heads: int, hidden: int, vocabulary: int) -> Sizes:
    return Sizes(
        layers=Key(("num_hidden_layers",), layers),
        width=Key(("hidden_size",), width),
        heads=Key(("num_attention_heads",), heads),
        shared=Key(("num_key_value_heads",), derived=True),
        hidden=Key(("intermediate_size",), hidden),
        vocabulary=Key(("vocab_size",), vocabulary),
    )


PHI = Family(
    "phi",
    stacks=(
        Stack(
            block=(
                Attention(out="dense"),
                MLP(before="input_layernorm", down="fc2", matrices=2, parallel=True),
            ),
            final_norm="final_layernorm",
            sizes=_sizes(24, 2048, 32, 8192, 51200),
        ),
    ),
)


def _cohere(config: Config, layer: int) -> Block:
    run = Run.TOGETHER if config.get("use_qk_norm") else Run.ALONE
    return (Attention(run=run), MLP(before="input_layernorm", parallel=True))


COMMAND = Stack(block=_cohere, sizes=_sizes(40, 8192, 64, 22528, 256000))
COHERE = Family("cohere", stacks=(COMMAND,))
COHERE2 = Family("cohere2", stacks=(COMMAND,))
