"""Llama and its kin: rotary positions, RMSNorm, gated MLPs, grouped queries.

Mistral adds a sliding window, Qwen 2 biases on queries, keys and values, Qwen 3 norms on queries
and keys: all inside the attention module, which runs as it is, so that none needs a fact here.
What differs is only what transformers takes where config.json leaves a size out.
"""

from scrub.models.families.base import Family, Key, Stack
from scrub.models.families.sizes import sized


def _family(
    name: str, hidden: int, vocabulary: int, shared: int | None, head: int | None = None
) -> Family:
    wide = Key(("head_dim",), head, derived=head is None)
    sizes = sized(32, 4096, 32, shared, hidden, vocabulary, head_width=wide)
    return Family(name, stacks=(Stack(sizes=sizes),))


LLAMA = _family("llama", 11008, 32000, shared=None)
MISTRAL = _family("mistral", 14336, 32000, shared=8)
QWEN2 = _family("qwen2", 22016, 151936, shared=32)
QWEN3 = _family("qwen3", 22016, 151936, shared=32, head=128)
