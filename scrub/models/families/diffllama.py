"""DiffLlama: the difference of two heads, normed. The two are one head here, twice as wide.

Its queries, keys and values are those of both, its z what is left of their difference.
"""

from __future__ import annotations

from scrub.models.families.base import MLP, Attention, Config, Family, Key, Run, Sizes, Stack


def _heads(config: Config) -> int:
    return int(config.get("num_attention_heads", 32))


def _pairs(config: Config) -> int:
    return _heads(config) // 2


def _shared(config: Config) -> int:
    return int(config.get("num_key_value_heads") or _heads(config)) // 2


def _width(config: Config) -> int:
    one = config.get("head_dim") or int(config.get("hidden_size", 2048)) // _heads(config)
    return 2 * int(one)


DIFFLLAMA = Family(
    "diffllama",
    stacks=(
        Stack(
            block=(Attention(run=Run.TOGETHER), MLP()),
            sizes=Sizes(
                heads=Key(("num_attention_heads",), of=_pairs),
                shared=Key(("num_key_value_heads",), of=_shared),
                head_width=Key(("head_dim",), of=_width),
            ),
        ),
    ),
    note="two heads whose difference is taken are one head",
)
