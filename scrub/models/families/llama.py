"""Llama and its kin: rotary positions, RMSNorm, gated MLPs, grouped queries.

Mistral adds a sliding window, Qwen 2 biases on queries, keys and values, Qwen 3 norms on queries
and keys: all inside the attention module, which runs as it is, so that none needs a fact here.
What differs is only what transformers takes where config.json leaves a size out.
"""

from scrub.models.families.base import Family, Key, Sizes


def _sizes(hidden: int, vocabulary: int, shared: int | None, head: int | None = None) -> Sizes:
    return Sizes(
        layers=Key(("num_hidden_layers",), 32),
        width=Key(("hidden_size",), 4096),
        heads=Key(("num_attention_heads",), 32),
        shared=Key(("num_key_value_heads",), shared),
        head_width=Key(("head_dim",), head),
        hidden=Key(("intermediate_size",), hidden),
        vocabulary=Key(("vocab_size",), vocabulary),
    )


LLAMA = Family("llama", sizes=_sizes(11008, 32000, shared=None))
MISTRAL = Family("mistral", sizes=_sizes(14336, 32000, shared=8))
QWEN2 = Family("qwen2", sizes=_sizes(22016, 151936, shared=32))
QWEN3 = Family("qwen3", sizes=_sizes(22016, 151936, shared=32, head=128))
