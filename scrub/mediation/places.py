"""Places of a model as users write them: `a1.h0@end`, `m3.n17`, `a5.h1<q>@subject`, `resid.4@0,3`.

What stands before the `@` names component parts, ports of components, or residual states (streams
of the model graph); what follows it, positions: a role, indices, or all. Several such groups are
parted by commas, `a0.h0,a0.h1@end,m3`: the positions are those of the names before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scrub.engine.worlds import Input, State, What
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ALL, Everywhere, ModelGraph, Part, Positions, Role, positions
from scrub.graph.names import UnknownName, expand
from scrub.graph.positions import Each

_ITEM = re.compile(r"^(?P<role>.+)\[(?P<item>\d+)\]$")
_INPUT = re.compile(r"^(?P<component>.+)<(?P<port>\w+)>$")


@dataclass(frozen=True)
class Place:
    """Something of the model, at some positions.

    >>> from scrub.graph import Role
    >>> str(Place(Part("a1.h0"), Role("end"))), str(Place(State("resid.4")))
    ('a1.h0@end', 'resid.4')
    """

    what: What
    at: Positions = ALL

    def __str__(self) -> str:
        return f"{self.what}" if isinstance(self.at, Everywhere) else f"{self.what}@{self.at}"


def places(
    written: str | Place | What | Iterable[str | Place | What], graph: ModelGraph
) -> tuple[Place, ...]:
    """The places that a name, or several, stand for; lists and ranges of components as everywhere.

    Raises `InputRefused` with every name that the model does not know.

    >>> from scrub.graph import Component, ModelGraph
    >>> graph = ModelGraph("toy", tuple(map(Component, ["a0.h0", "a0.h1", "y"])), output="y")
    >>> [str(place) for place in places("a0@end", graph)]
    ['a0.h0@end', 'a0.h1@end']
    """
    one = isinstance(written, (str, Place, Part, Input, State))
    names: list[str | Place | What] = [written] if one else list(written)  # type: ignore[arg-type,list-item]
    problems: list[Problem] = []
    found: dict[Place, None] = {}
    for name in names:
        try:
            found |= dict.fromkeys(_places(name, graph))
        except InputRefused as refused:
            problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return tuple(found)


def _places(name: str | Place | What, graph: ModelGraph) -> Sequence[Place]:
    if isinstance(name, Place):
        return [Place(what, name.at) for what in _whats(name.what, graph)]
    if not isinstance(name, str):
        return [Place(what) for what in _whats(name, graph)]
    found = []
    for group in _grouped(name):
        what, _, where = group.partition("@")
        for piece in what.split(","):
            found += [Place(what, _at(where)) for what in _whats(piece.strip(), graph)]
    return found


def _grouped(written: str) -> list[str]:
    """Groups of names, each with its own positions.

    >>> _grouped("a0.h0,a0.h1@end,resid.4@0,3,m3")
    ['a0.h0,a0.h1@end', 'resid.4@0,3', 'm3']
    """
    groups, names = [], list[str]()
    for piece in re.split(r",(?!\s*\d+\s*(?:,|$))", written):
        names.append(piece)
        if "@" in piece:
            groups.append(",".join(names))
            names = []
    return groups + ([",".join(names)] if names else [])


def _at(where: str) -> Positions:
    """A role, one of its positions (`names[1]`), indices, or all.

    >>> _at("end"), _at("names[1]"), _at("0,3")
    (Role(name='end', item=None), Role(name='names', item=1), Indices(indices=(0, 3)))
    """
    where = where.strip()
    if match := _ITEM.match(where):
        return Role(match["role"], int(match["item"]))
    numbers = [piece.strip() for piece in where.split(",")]
    written = list(map(int, numbers)) if all(map(str.isdigit, numbers)) else where or None
    found = positions(written)
    assert not isinstance(found, Each)  # which no text stands for
    return found


def _whats(name: str | What, graph: ModelGraph) -> Sequence[What]:
    where = f"place '{name}'"
    if isinstance(name, State) or (isinstance(name, str) and name in graph.streams):
        stream = name.stream if isinstance(name, State) else name
        if stream not in graph.streams:
            raise InputRefused(Problem(where, "is no stream.", nearest(stream, graph.streams)))
        return [State(stream)]
    if isinstance(name, str) and (match := _INPUT.match(name)):
        parts = _parts(match["component"], graph, where)
        return [_input(part, match["port"], graph, where) for part in parts]
    if isinstance(name, Input):
        return [_input(Part(name.component), name.port, graph, where)]
    if isinstance(name, Part) and name.subspace is not None:
        return [_part(name, graph, where)]
    return _parts(str(name), graph, where)


def _parts(name: str, graph: ModelGraph, where: str) -> Sequence[Part]:
    try:
        return [_part(part, graph, where) for part in expand(name, graph)]
    except UnknownName as unknown:
        if unknown.hint != nearest(unknown.name, graph.by_name):  # of a component that there is
            raise InputRefused(Problem(where, unknown.hint)) from None
        known = [*graph.by_name, *graph.streams]
        hint = unknown.hint if unknown.name != name else nearest(name, known)
        found = f"'{unknown.name}' is no component and no stream."
        raise InputRefused(Problem(where, found, hint)) from None


def _part(part: Part, graph: ModelGraph, where: str) -> Part:
    if part.component == graph.output:
        found = f"'{part}' is the output: it is measured, not replaced."
        raise InputRefused(Problem(where, found, "Name what feeds it."))
    if part.component not in graph:
        found = f"'{part.component}' is no component."
        raise InputRefused(Problem(where, found, nearest(part.component, graph.by_name)))
    return part


def _input(part: Part, port: str, graph: ModelGraph, where: str) -> Input:
    names = graph[part.component].port_names
    if port not in names:
        found = f"{part.component} has no port '{port}'."
        raise InputRefused(Problem(where, found, f"Its ports: {', '.join(names) or 'none'}."))
    if not part.whole:
        found = f"'{part}' reads nothing apart from {part.component}."
        raise InputRefused(Problem(where, found, f"Name {part.component}<{port}>."))
    return Input(part.component, port)
