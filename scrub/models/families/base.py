"""What one architecture has to say about itself: names and layouts, no code of its own, no torch.

A family file is a `Family` with what differs from the common reading below, which is that of
Llama and of most decoders since: serial blocks, a norm before each sublayer, one projection each
for queries, keys and values. A block is a tuple of sublayers in the order of their evaluation;
paths are attribute names, dotted where they go deeper.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrub.models.families.fits import Fit, each_row, head_alone, row_and_head, row_by_head
from scrub.models.families.layouts import (
    Heads,
    Layout,
    Projections,
    apart,
    fused,
    grouped,
    interleaved,
    latent,
    separate,
    stacked,
)

__all__ = [  # all that a family file needs
    "MLP", "Attention", "Block", "Bridge", "Config", "Family", "Fit", "Heads", "Key", "Layout",
    "Mixer", "Mixture", "Run", "Sizes", "Stack", "Sublayer", "apart", "each_row", "fused",
    "grouped", "head_alone", "interleaved", "latent", "row_and_head", "row_by_head", "separate",
    "stacked",
]  # fmt: skip

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Key:
    """A size in config.json: the names it goes by, and what transformers takes in its absence."""

    names: tuple[str, ...]
    default: int | None = None  # None: not known here
    derived: bool = False  # its absence means that it follows from the other sizes
    of: Callable[[Config], int | Sequence[int]] | None = None  # computed from some keys


@dataclass(frozen=True)
class Sizes:
    """Under which keys config.json holds the sizes of a stack."""

    layers: Key = Key(("num_hidden_layers", "n_layer", "num_layers", "n_layers"))
    width: Key = Key(("hidden_size", "n_embd", "d_model", "dim"))
    heads: Key = Key(("num_attention_heads", "n_head", "num_heads", "n_heads"))
    shared: Key = Key(("num_key_value_heads",))  # absent: as many as heads
    head_width: Key = Key(("head_dim",), derived=True)  # width / heads
    value_width: Key = Key(("v_head_dim",), derived=True)  # as head_width
    common: Key = Key(("qk_rope_head_dim",), derived=True)  # no part of their keys
    hidden: Key = Key(("intermediate_size", "n_inner", "ffn_dim", "d_ff"))  # absent: 4 * width
    experts: Key = Key(
        ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts"), derived=True
    )  # absent: none that can be named
    vocabulary: Key = Key(("vocab_size",))


class Run(enum.Enum):
    """How some heads of an attention module are run by its own code."""

    ALONE = "alone"  # as virtual heads: as many as there are calls, and no others
    TOGETHER = "together"  # all heads at once, of which the wanted ones are taken
    TRACED = "traced"  # the same, where projections read what the module makes of its input


@dataclass(frozen=True)
class Sublayer:
    """What all sublayers say: where the module sits in its block, and where the norms are.

    `before` is applied to what the sublayer reads; `after` to its output, and is a component of
    its own (`an3`); so is `on_sum`, which is applied to the stream after the sublayer's output
    has been added, and alone feeds what comes later. `scale` names the config key of a factor
    on the output, `scaled` a module or parameter that scales it by channel, `gain` the config key
    of a factor on what it reads through its norm.
    """

    path: str | tuple[str, ...] = ""  # several: modules applied in turn
    before: str = ""
    after: str = ""
    on_sum: str = ""
    parallel: bool = False  # reads what its block read, not what the sublayer before it left
    beside: bool = False  # reads what the sublayer before it read
    scale: str | Callable[[Config], float] = ""
    scaled: str = ""
    gain: str = ""


@dataclass(frozen=True)
class Attention(Sublayer):
    """Heads. Paths of projections are within the module; `../x` is beside it.

    A projection that stands under several ports is fused, and `layout` says how.
    """

    path: str | tuple[str, ...] = "self_attn"
    before: str = "input_layernorm"
    projections: Projections = field(default_factory=lambda: apart("q_proj", "k_proj", "v_proj"))
    layout: Layout = separate
    out: str = "o_proj"
    run: Run = Run.ALONE
    memory: tuple[str, ...] = ()  # cross-attention: the keyword under which it gets what k, v read
    per_head: tuple[str, ...] = ()  # tensors of the module with one entry for each head
    columns: tuple[str, ...] = ()  # tensors of its parts, `part.name`, with a column for each head
    handed: Mapping[str, Fit] = field(default_factory=dict)  # by keyword, or place ("1") of it
    told: Mapping[str, object] = field(default_factory=dict)  # attributes: each head has own k, v
    bias: str = ""  # a tensor of the module that its block adds beside the output
    asks: bool = True  # for transformers' attention function, which runs for the queries read


@dataclass(frozen=True)
class Mixture:
    """What each position passes in a mixture of experts, under config.json's keys.

    It takes some of the experts, each of which has so many neurons (of the make of its MLP); and
    passes `shared` neurons, which are every position's. `inner` is the width that the experts
    read, where the stream is projected to another one before them.
    """

    taken: Key = Key(
        ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "moe_top_k"), 1
    )
    hidden: Key = Key(("intermediate_size",), derived=True)  # absent: as of a dense MLP
    shared: Key = Key((), derived=True)  # absent: none
    inner: Key = Key((), derived=True)  # absent: the stream's


@dataclass(frozen=True)
class MLP(Sublayer):
    """An MLP, dense or of experts; `down` is the linear map that reads its neurons, if it has one.

    `down` is a path within the module (the last one of several), "" for that module itself.
    `experts` is that of the module of all experts, which is handed what it reads, which experts
    each position takes, and their weights; "" where it is not laid out so. `mixture` is for its
    cost, and None for a dense one.
    """

    path: str | tuple[str, ...] = "mlp"
    before: str = "post_attention_layernorm"
    down: str | None = "down_proj"
    experts: str = ""
    mixture: Mixture | None = None
    matrices: int = 3  # matrix products: gate, up, down; or up, down
    recurrent: bool = False  # reads earlier positions too (RWKV's channel mixing)
    letter: str = "m"  # another one where a block has two of them


@dataclass(frozen=True)
class Mixer(Sublayer):
    """A sublayer that mixes positions and cannot be cut into heads exactly: one component.

    It is called `s3` (state space, recurrence), or `a3` for an attention that is kept whole.
    """

    path: str | tuple[str, ...] = "mixer"
    before: str = "norm"
    letter: str = "s"
    why: str = "a recurrence mixes its channels, so that nothing finer is exact"


Block = tuple[Sublayer, ...]


@dataclass(frozen=True)
class Stack:
    """A tower of blocks: the only one of a decoder, or a model's encoder, decoder, image tower.

    `prefix` is "" for the stack that the output reads, "e" for an encoder, "v" for images.
    """

    path: str = "model"  # in the module; "" for the module itself
    blocks: str = "layers"  # in the stack
    block: Block | Callable[[Config, int], Block] = (Attention(), MLP())
    final_norm: str = "norm"  # in the stack; "" where there is none, and a model may have None
    prefix: str = ""
    space: str = "tokens"
    causal: bool = True
    sizes: Sizes = field(default_factory=Sizes)
    config: str = ""  # the key of its own part of the config, if it has one
    shared: str = ""  # the config key of how many groups of layers share weights (ALBERT)
    inner: str = ""  # the config key of how many blocks such a group applies in turn
    memory: str = ""  # the prefix of the stack that its cross-attention reads
    longest: str = ""  # the config key that bounds the length, where positions are learned
    project: str = ""  # in the stack: applied after the last norm; a model may have None there
    reserved: int = 0  # how many of these positions no token takes (OPT keeps two)
    patches: Callable[[Config], int] | None = None  # of an image stack: its positions
    unused: int | Callable[[Config], int] = 0  # how many of its last blocks nothing reads (LLaVA)
    final_turn: int = 0  # which application of the last norm (nanochat: the second)
    start: str = ""  # where the stream begins in the first block, if a norm comes before it


@dataclass(frozen=True)
class Bridge:
    """What puts the features of an image in the places of some tokens (LLaVA): one component.

    It reads the whole of a stack, less `skipped` positions at its beginning (a class token), and
    gives nothing at other places than those of the token `placeholder`: one for each position.
    """

    path: str = "model.multi_modal_projector"  # in the module
    reads: str = "v"  # the prefix of the stack
    name: str = "image"
    placeholder: tuple[str, ...] = ("image_token_index", "image_token_id")  # config keys
    skipped: int = 0


@dataclass(frozen=True)
class Family:
    """The facts of one architecture: its stacks, in order, the last one read by the output.

    Where classes of one model type differ in their stacks, each family names its `classes`.
    """

    model_type: str
    stacks: tuple[Stack, ...] = (Stack(),)
    trunk: tuple[str, ...] = ("model",)  # all that comes before the head: what is left is the head
    pooler: str = ""  # in the trunk: what its output holds beside the last hidden state (BEiT)
    refused: Mapping[str, str] = field(default_factory=dict)  # config keys that must not be true
    differing: Mapping[str, str] = field(default_factory=dict)
    """Config keys with which transformers' own implementations of the attention disagree, and why:
    what runs is what the model was loaded with."""
    eager: Mapping[str, bool] = field(default_factory=dict)
    """Config keys, and whether they are set, where older transformers' sdpa leaves out what they
    say: a model that is loaded there is loaded with 'eager'."""
    older: tuple[Family, ...] = ()
    """The same components as older transformers lay them out, the newest first: taken where the
    module is not laid out as said here."""
    note: str = ""  # what is coarser than heads and MLPs, and why
    classes: tuple[str, ...] = ()  # in transformers; none: every class not named elsewhere
    bridge: Bridge | None = None  # from the image's stack into the main one's embeddings
    parts: Callable[[Config, Callable[[str], Family]], Family] | None = None
    """Where the stacks are those of other architectures that the config names: the family for it,
    with a way to look others up by their `model_type`."""
