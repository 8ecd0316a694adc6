"""Some heads of an attention, alone: as many virtual heads as there are calls, and no others.

Only the wanted slices of the projections are computed, with one norm for all inputs of which the
same are wanted; the module is told how many heads it has, each with keys and values of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from scrub.models.anatomy import Organ
from scrub.models.attending import PORTS, attend, number_of
from scrub.models.base import Call
from scrub.models.blocks import block_of, stacked
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Attention, Heads
from scrub.models.families.layouts import strips_of
from scrub.models.laying import Put, joined, lay, queries, spread
from scrub.models.linear import project, project_each, woven
from scrub.models.pieces import Tensor
from scrub.models.recording import Entries
from scrub.models.substitute import Bound, parametrised

if TYPE_CHECKING:
    from scrub.models.heads import HeadsPiece

# What an attention module calls its number of heads, of shared heads, how many queries share
# one, and the width of all heads. An attribute is set where it holds the model's own number.
COUNTS = (
    "num_heads", "num_attention_heads", "num_query_heads", "n_heads", "n_head", "nhead",
    "heads", "num_key_value_heads", "n_kv_heads", "num_kv_heads",
)  # fmt: skip
GROUPS = ("num_key_value_groups", "num_queries_per_kv", "n_rep")
WIDTHS = (
    "embed_dim", "all_head_size", "split_size", "hidden_size", "inner_dim", "q_size", "kv_size",
    "kv_dim", "key_value_dim", "dim", "d_model", "d_model_size", "query_dim",
)  # fmt: skip
MOST_NORMED = {"cpu": 2**22, "cuda": 2**27}  # elements of inputs that are normed at once


def alone(piece: HeadsPiece, calls: Sequence[Call], seen: Circumstances) -> Tensor:
    """The module's own attention over as many virtual heads as there are calls."""
    numbers = [number_of(call.part.component) for call in calls]
    length = piece.length(calls[0])
    read = piece.read(calls)
    laid = _abreast(piece, calls, numbers) or _apart(piece, calls, length, read)
    parts: dict[str, nn.Module] = {path: Bound(value) for path, value in laid.items()}
    parts |= _tables(piece, numbers)
    module = _told(piece.organ, numbers)
    z = attend(piece, module, numbers, parts, calls[0], seen, read)
    return z.reshape(len(z), length, len(calls), piece.heads.z)  # from [row, length, call · z]


Laid = Mapping[str, Tensor]  # by path, what takes the place of its output [row, position, width]


@dataclass(frozen=True)
class _Slice:
    """A head's queries, keys or values, computed from one input."""

    tensor: int  # the input's id: ports that are the same tensor are normed and projected once
    path: str
    start: int
    width: int


def _slice(piece: HeadsPiece, call: Call, port: str, of: Tensor) -> _Slice:
    start = piece.attention.layout(port, number_of(call.part.component), piece.heads)
    (path,) = piece.attention.projections[port]
    return _Slice(id(of), path, start, piece.heads.wide(port))


def _apart(piece: HeadsPiece, calls: Sequence[Call], length: int, read: Tensor | None) -> Laid:
    """One norm and one product for inputs of which the same slices are wanted; what was projected
    beforehand is laid down as it is, queries where they are read, and what is put in laid over
    it."""
    virtual = Heads(len(calls), len(calls), piece.heads.width, piece.heads.values)
    made = _slices(piece, calls)
    # queries that lie in one tensor with keys are looked up with them: apart they would be copied
    fused = piece.attention.projections["q"] == piece.attention.projections["k"]
    laid: dict[str, dict[int, Tensor | Entries]] = {}  # by path: where each slice goes
    asked: dict[int, tuple[Entries, Tensor]] = {}  # queries that are looked up, and positions
    over: dict[tuple[str, str], list[Put]] = {}  # by path and port: what is laid over it
    for port in PORTS:
        (path,) = piece.attention.projections[port]
        for i, call in enumerate(calls):
            start = piece.attention.layout(port, i, virtual)
            slices = laid.setdefault(path, {})
            if port not in call.given:
                value = made[_slice(piece, call, port, call.ports[port])]
                at = call.at if port == "q" else None
                beside = call.given["k"].own if fused and "k" in call.given else None
                if at is None or beside is None or beside.shape[2] != value.shape[2]:
                    slices[start] = value if at is None else spread(value, at, length)
                else:  # nobody reads other queries: keys, which are looked up anyway, do there
                    slices[start] = beside
                    over.setdefault((path, port), []).append(Put(start, at, value))
                continue
            given = call.given[port]
            if port == "q" and read is not None and not fused:
                asked[start] = (given.own, read[:, i])
                continue
            slices[start] = given.own
            for x, at in given.put:
                value = made[_slice(piece, call, port, x)]
                over.setdefault((path, port), []).append(Put(start, at, value))
    if asked:
        laid[piece.attention.projections["q"][0]] |= queries(asked, length)
    whole = {path: joined(some) for path, some in laid.items()}
    for (path, _), put in over.items():
        lay(whole[path], put)
    return whole


def _slices(piece: HeadsPiece, calls: Sequence[Call]) -> Mapping[_Slice, Tensor]:
    """All that has to be projected, each slice [row, n, width]: one norm and one product for all
    inputs of which the same slices are wanted."""
    inputs: dict[int, tuple[str, Tensor]] = {}
    wanted: dict[int, dict[tuple[str, int], set[int]]] = {}  # by input, path and width: starts
    for call in calls:
        for port, x in _read(call):
            inputs[id(x)] = (port, x)
            one = _slice(piece, call, port, x)
            wanted.setdefault(id(x), {}).setdefault((one.path, one.width), set()).add(one.start)
    alike: dict[object, list[int]] = {}
    for tensor, slices in wanted.items():
        port, x = inputs[tensor]
        starts = tuple(sorted((key, tuple(sorted(some))) for key, some in slices.items()))
        alike.setdefault((port, x.shape, starts), []).append(tensor)
    found: dict[_Slice, Tensor] = {}
    for tensors in _in_turns(alike.values(), inputs):  # their norms are alive one after the other
        port, _ = inputs[tensors[0]]
        normed = piece.normed_at(port, stacked([inputs[tensor][1] for tensor in tensors]))
        for (path, width), some in wanted[tensors[0]].items():
            values = project((piece.organ.projections or {})[path], normed, sorted(some), width)
            for start, value in zip(sorted(some), values, strict=True):
                each = value.chunk(len(tensors))
                found |= {
                    _Slice(t, path, start, width): v for t, v in zip(tensors, each, strict=True)
                }
    return found


def _in_turns(
    groups: Iterable[Sequence[int]], inputs: Mapping[int, tuple[str, Tensor]]
) -> Iterator[Sequence[int]]:
    """So many inputs of a group as are normed and projected at once."""
    for tensors in groups:
        _, first = inputs[tensors[0]]
        most = max(1, MOST_NORMED.get(first.device.type, 2**22) // max(first.numel(), 1))
        yield from (tensors[i : i + most] for i in range(0, len(tensors), most))


def _read(call: Call) -> Iterator[tuple[str, Tensor]]:
    """The inputs of a call that have still to be normed and projected, each with its port."""
    yield from call.ports.items()
    for port, given in call.given.items():
        yield from ((port, x) for x, _ in given.put)


def _abreast(piece: HeadsPiece, calls: Sequence[Call], heads: Sequence[int]) -> Laid | None:
    """The same where the inputs are the slices of one block, in order: one norm, and as few batched
    products as the projections allow. None where they are not."""
    if any(call.given for call in calls):
        return None
    inputs = block_of([call.ports[port] for port in PORTS for call in calls])
    if inputs is None or inputs[1] != list(range(len(inputs[1]))) or piece.organ.memory_space:
        return None
    rows, length, _ = calls[0].ports["q"].shape
    normed = piece.normed_at("q", inputs[0])  # [row · position, slice, width]
    paths = tuple(path for port in PORTS for path in piece.attention.projections[port])
    laid: dict[str, list[tuple[Sequence[int], Tensor]]] = {}  # by path: where slices go
    for strip in strips_of(piece.attention.layout, paths, tuple(heads), piece.heads):
        read = normed[:, strip.first : strip.first + len(strip.starts)]
        module = (piece.organ.projections or {})[strip.path]
        values = project_each(module, read, strip.starts, strip.width)
        laid.setdefault(strip.path, []).append((strip.laid, values))
    return {path: woven(some).view(rows, length, -1) for path, some in laid.items()}


def _tables(piece: HeadsPiece, heads: Sequence[int]) -> dict[str, nn.Module]:
    """The modules whose tables have a column for each head, with these heads' alone."""
    found = {}
    for path in piece.attention.columns:
        owner, _, name = path.rpartition(".")
        held = getattr(piece.organ.whole[0].module, owner, None)
        if held is not None:  # in some layers only
            found[owner] = parametrised(held, {name: heads}, axis=1)
    return found


def _told(organ: Organ, heads: Sequence[int]) -> nn.Module:
    """A copy told how many heads it has, each with keys and values of its own, and which."""
    own, attention = organ.step.shape.heads, organ.step.sublayer
    assert isinstance(attention, Attention)
    n = len(heads)
    counts = {own.queries: n, own.shared: n}
    widths = {count * size: n * size for count in counts for size in (own.width, own.z)}
    groups = {own.queries // own.shared: 1}
    copy = parametrised(organ.whole[0].module, dict.fromkeys(attention.per_head, heads))
    for names, told in ((COUNTS, counts), (GROUPS, groups), (WIDTHS, widths)):
        for name in names:
            value = copy.__dict__.get(name)
            if isinstance(value, int) and value in told:
                copy.__dict__[name] = told[value]
    copy.__dict__.update(attention.told)
    return copy
