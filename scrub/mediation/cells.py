"""The cells of a trace: what is carried from one run into another, row by row, column by column.

Rows are written `resid` (each residual state), `attn` and `mlp` (a layer's attention or MLP as a
whole), `heads`, `window:10:mlp` (ten layers together, around each), `components` (each one), or the
names of components, ports and states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scrub.engine.worlds import Input, Layout, State, What
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ModelGraph, Part, Reach
from scrub.mediation.columns import Column
from scrub.mediation.places import places

KINDS = ("resid", "attn", "mlp", "heads", "components", "window:K:attn", "window:K:mlp")
USUAL = "resid,attn,mlp"
NAMED = "named"  # the kind of rows that are named one by one

_STATE = re.compile(r"^(\w+\.)?((resid|attend|cross|mid)\.\d+|out)$|^final$")
_MLP = re.compile(r"^[a-z]*ms?\d+$")
_WORD = re.compile(r"^[a-z]+(:|$)")
_WINDOW = re.compile(r"^window:(?P<size>\d+):(?P<kind>attn|mlp)$")

Written = str | What | Sequence[str | What]


@dataclass(frozen=True)
class Row:
    """What is carried: one thing, or several at once (all heads of a layer, a window)."""

    kind: str
    name: str
    whats: tuple[What, ...]
    space: str


@dataclass(frozen=True)
class Cell:
    """A row at a column.

    >>> from scrub.graph import Role
    >>> row = Row("heads", "a1.h0", (Part("a1.h0"),), "tokens")
    >>> str(Cell(row, Column("tokens", Role("end"), "end")))
    'a1.h0@end'
    """

    row: Row
    column: Column

    def __str__(self) -> str:
        return f"{self.row.name}@{self.column.position}"

    @property
    def key(self) -> str:
        """What it is, whatever it is called: equal for equal cells."""
        return f"{'+'.join(map(repr, self.row.whats))}@{self.column.at!r} in {self.row.space}"


def rows(written: Written, layout: Layout) -> tuple[Row, ...]:
    """The rows that users write, each once, kind by kind from the input up.

    Of the usual kinds, which nobody asked for, those that a model lacks are left out.

    Raises `InputRefused` with all that the model does not have.
    """
    one = isinstance(written, (str, Part, Input, State))
    given: list[str | What] = [written] if one else list(written)  # type: ignore[arg-type,list-item]
    found: dict[tuple[str, tuple[What, ...]], Row] = {}
    problems: list[Problem] = []
    for piece in _pieces(given):
        try:
            found |= {(row.kind, row.whats): row for row in _rows(piece, layout)}
        except InputRefused as refused:
            problems += refused.problems
    if not found and not problems:
        problems = [Problem("cells", "there are none.", f"Write for example {USUAL}.")]
    if problems and not (found and written == USUAL):  # which is said of every model
        raise InputRefused(problems)
    return tuple(found.values())


def _pieces(given: Iterable[str | What]) -> Iterator[str | What]:
    for one in given:
        if isinstance(one, str):
            yield from (piece.strip() for piece in one.split(",") if piece.strip())
        else:
            yield one


def _rows(piece: str | What, layout: Layout) -> Sequence[Row]:
    if not isinstance(piece, str):
        return _named(piece, layout)
    if window := _WINDOW.match(piece):
        return _windows(piece, int(window["size"]), window["kind"], layout)
    make = {"resid": _states, "attn": _attentions, "mlp": _mlps, "heads": _heads}.get(piece)
    if piece == "components":
        return [
            Row(piece, c.name, (Part(c.name),), c.space)
            for c in layout.graph.components
            if c.name != layout.graph.output
        ]
    if make is None:
        return _named(piece, layout)
    if not (found := make(layout)):
        raise InputRefused(_absent(piece, layout.graph))
    return found


def _absent(piece: str, graph: ModelGraph) -> Problem:
    names = [c.name for c in graph.components if c.name != graph.output]
    fix = f"Write components, or name some of: {', '.join(names[:8])}."
    return Problem(f"cells '{piece}'", "the model has none of this kind.", fix)


def _named(piece: str | What, layout: Layout) -> list[Row]:
    where = f"cells '{piece}'"
    if isinstance(piece, str) and "@" in piece:
        found = "a cell's positions are given apart."
        raise InputRefused(Problem(where, found, "Leave away what follows the @."))
    graph = layout.graph
    known = [*KINDS, *graph.by_name, *graph.streams]
    if isinstance(piece, str) and _WORD.match(piece) and piece not in (*known, "input"):
        found = "is no kind of cell and no component."
        raise InputRefused(Problem(where, found, nearest(piece, known)))
    try:
        whats = [place.what for place in places(piece, graph)]
    except InputRefused as refused:
        problems = [Problem(where, p.found, p.fix) for p in refused.problems]
        raise InputRefused(problems) from None
    return [Row(NAMED, str(what), (what,), layout.space(what)) for what in whats]


def states(layout: Layout) -> list[str]:
    """The streams that are residual states, and no sum on its way to a norm, from the input up."""
    return [stream for stream in layout.graph.streams if _STATE.match(stream)]


def _states(layout: Layout) -> list[Row]:
    spaces = layout.graph.stream_spaces
    return [Row("resid", name, (State(name),), spaces[name]) for name in states(layout)]


def _groups(layout: Layout) -> Iterator[tuple[str, tuple[What, ...], str, bool]]:
    """The groups of layers, the output left out: name, members, space, whether it mixes
    positions."""
    for members in layout.groups:
        name = members[0].group or members[0].name
        if members[0].name != layout.graph.output and name[-1:].isdigit():
            wide = any(port.reach is not Reach.SAME for port in members[0].ports)
            yield name, tuple(Part(c.name) for c in members), members[0].space, wide


def _attentions(layout: Layout) -> list[Row]:
    """What reads other positions: attention, and the mixers of state-space models."""
    return [
        Row("attn", name, whats, space)
        for name, whats, space, wide in _groups(layout)
        if wide and not _MLP.match(name)
    ]


def _mlps(layout: Layout) -> list[Row]:
    found = _groups(layout)
    return [Row("mlp", name, whats, space) for name, whats, space, _ in found if _MLP.match(name)]


def _heads(layout: Layout) -> list[Row]:
    heads = [c for c in layout.graph.components if re.search(r"\.h\d+$", c.name)]
    return [Row("heads", c.name, (Part(c.name),), c.space) for c in heads]


def _windows(piece: str, size: int, kind: str, layout: Layout) -> list[Row]:
    """Layers l − ⌊k/2⌋ to l + ⌈k/2⌉ − 1 around each layer l, cut off at the ends: Meng et al. 2022.

    The windows of a stack are its own; equal ones are one row.
    """
    if not size:
        raise InputRefused(Problem(f"cells '{piece}'", "a window has at least 1 layer."))
    whole = _attentions(layout) if kind == "attn" else _mlps(layout)
    stacks: dict[str, list[Row]] = {}
    for row in whole:
        stacks.setdefault(re.sub(r"\d+$", "", row.name), []).append(row)
    if not stacks:
        raise InputRefused(_absent(piece, layout.graph))
    found: dict[tuple[What, ...], Row] = {}
    for letters, layers in stacks.items():
        for middle in range(len(layers)):
            some = layers[max(0, middle - size // 2) : middle + (size + 1) // 2]
            whats = tuple(what for row in some for what in row.whats)
            first, last = (row.name.removeprefix(letters) for row in (some[0], some[-1]))
            name = f"{letters}{first}" + (f"-{last}" if len(some) > 1 else "")
            found.setdefault(whats, Row(piece, name, whats, some[0].space))
    return list(found.values())


def cells(some: Sequence[Row], columns: Sequence[Column]) -> tuple[Cell, ...]:
    """Every row at every column of its space. Raises `InputRefused` where there is none."""
    found = tuple(Cell(r, c) for r in some for c in columns if c.space == r.space)
    if not found:
        lie = " and ".join(dict.fromkeys(f"'{row.space}'" for row in some))
        there = " and ".join(dict.fromkeys(f"'{column.space}'" for column in columns))
        said = f"the rows lie in {lie}, and the positions are of {there}."
        raise InputRefused(Problem("cells", said, "Write all, or name positions of that space."))
    return found
