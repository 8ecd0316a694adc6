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
    Run,
    Stack,
    fused,
)
from scrub.models.families.gpt2 import STACK, sizes
from scrub.models.families.sizes import sized

CORES = 4


def in_cores(port: str, head: int, heads: Heads) -> int:
    """One projection in four parts: in each, all queries, then all values, then all keys.

    >>> [in_cores(port, 5, Heads(queries=16, shared=16, width=64)) for port in "qkv"]
    [832, 1344, 1088]
    """
    each = heads.queries // CORES
    part, within = divmod(head, each)
    return ((3 * part + "qvk".index(port)) * each + within) * heads.width


READ = Attention("attn", before="ln_1", out="out_proj", asks=False)
WRITE = MLP("mlp", before="ln_1", down="fc_out", matrices=2, parallel=True)
PARALLEL = replace(STACK, block=(READ, WRITE), sizes=sizes(28, 4096, 16, 50400))
GPTJ = Family("gptj", stacks=(PARALLEL,), trunk=("transformer",))

QUARTERS = replace(READ, projections=fused("qkv_proj"), layout=in_cores, run=Run.TOGETHER)
CODEGEN = Family(
    "codegen", stacks=(replace(PARALLEL, block=(QUARTERS, WRITE)),), trunk=("transformer",)
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
            sizes=sized(24, 2048, 32, None, 8192, 51200),
        ),
    ),
)


def _cohere(config: Config, layer: int) -> Block:
    run = Run.TOGETHER if config.get("use_qk_norm") else Run.ALONE
    return (Attention(run=run), MLP(before="input_layernorm", parallel=True))


COMMAND = Stack(block=_cohere, sizes=sized(40, 8192, 64, None, 22528, 256000))
COHERE = Family("cohere", stacks=(COMMAND,))
COHERE2 = Family("cohere2", stacks=(COMMAND,))
