"""What one architecture has to say about itself: names and layouts, no code of its own, no torch.

A family file is a `Family` with what differs from the common reading below, which is that of
Llama and of most decoders since: serial blocks, a norm before each sublayer, one projection each
for queries, keys and values. All paths are attribute names, dotted where they go deeper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Key:
    """A size in config.json: the names it goes by, and what transformers takes in its absence."""

    names: tuple[str, ...]
    default: int | None = None  # None: derived from the other sizes


@dataclass(frozen=True)
class Heads:
    """How many heads an attention module has, and how wide each is.

    >>> Heads(queries=8, shared=2, width=64).group(5)
    1
    """

    queries: int
    shared: int  # heads of keys and values; equally many as of queries unless they are grouped
    width: int

    def group(self, head: int) -> int:
        """Which head of keys and values a query head reads."""
        return head // (self.queries // self.shared)


Layout = Callable[[str, int, Heads], int]
"""Where, in the output of its projection, the slice of a port ("q", "k" or "v") of a head starts.

The slice is `heads.width` wide. The same function cuts the weights of the real module and lays
out the output of a substituted projection, so a new way of fusing is one function here.
"""


def separate(port: str, head: int, heads: Heads) -> int:
    """Three projections, heads one after the other.

    >>> separate("k", 5, Heads(queries=8, shared=2, width=64))
    64
    """
    return (head if port == "q" else heads.group(head)) * heads.width


def stacked(port: str, head: int, heads: Heads) -> int:
    """One projection: all queries, then all keys, then all values.

    >>> [stacked(port, 1, Heads(queries=12, shared=12, width=64)) for port in "qkv"]
    [64, 832, 1600]
    """
    before = {"q": 0, "k": heads.queries, "v": heads.queries + heads.shared}[port]
    return before * heads.width + separate(port, head, heads)


@dataclass(frozen=True)
class Sizes:
    """Under which keys config.json holds the sizes of the model."""

    layers: Key = Key(("num_hidden_layers",))
    width: Key = Key(("hidden_size",))
    heads: Key = Key(("num_attention_heads",))
    shared: Key = Key(("num_key_value_heads",))  # absent: as many as heads
    head_width: Key = Key(("head_dim",))  # absent: width / heads
    hidden: Key = Key(("intermediate_size",))  # absent: 4 * width
    vocabulary: Key = Key(("vocab_size",))


@dataclass(frozen=True)
class Family:
    """The facts of one architecture.

    The first group is read from config.json alone; the second says where the modules sit; the
    last what an attention module must be told when it is to run some heads instead of all.
    """

    model_type: str
    sizes: Sizes = field(default_factory=Sizes)
    mlp_matrices: int = 3  # matrix products in one MLP: gate, up, down; or up, down
    refused: Mapping[str, str] = field(default_factory=dict)  # config keys that must not be true
    longest: str = ""  # the config key that bounds the length, where positions are learned

    trunk: str = "model"  # in the module that computes logits: all but the unembedding
    unembedding: str = "lm_head"
    blocks: str = "layers"  # in the trunk
    final_norm: str = "norm"  # in the trunk
    attention_norm: str = "input_layernorm"  # in a block, as the next three
    attention: str = "self_attn"
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    projections: Mapping[str, str] = field(  # in the attention, by port
        default_factory=lambda: {"q": "q_proj", "k": "k_proj", "v": "v_proj"}
    )
    layout: Layout = separate
    out: str = "o_proj"  # in the attention
    down: str = "down_proj"  # in the MLP: reads the neurons

    head_counts: tuple[str, ...] = ("num_heads", "num_key_value_heads")
    group_sizes: tuple[str, ...] = ("num_key_value_groups",)
    widths: tuple[str, ...] = ()  # attributes that hold the number of heads times their width
