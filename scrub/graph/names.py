"""Component names: one grammar for `a9.h6`, lists, ranges, whole layers, neurons and experts.

The names are those of EAP-IG and the MIB benchmark; their `input` is read as our `embed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scrub.errors import nearest
from scrub.graph.model_graph import ModelGraph

ALIASES = {"input": "embed"}

_NUMBER = re.compile(r"^(?P<first>\d+)(?:-(?P<last>\d+))?$")
_PIECE = re.compile(r"([a-z]+)(\d+(?:-\d+)?)(?=\.|$)")


@dataclass(frozen=True)
class Part:
    """A component, or a share of its output: a range of neurons or of experts, or a subspace.

    `neurons` is an inclusive range of the component's hidden units, `experts` one of its experts;
    `subspace` the fingerprint of an orthonormal basis of a subspace of its output. At most one of
    the three is set.

    >>> str(Part("m3", neurons=(0, 63))), str(Part("m3", neurons=(17, 17))), str(Part("a1.h0"))
    ('m3.n0-63', 'm3.n17', 'a1.h0')
    >>> str(Part("m3", experts=(0, 3))), str(Part("m3", experts=(5, 5)))
    ('m3.e0-3', 'm3.e5')
    """

    component: str
    neurons: tuple[int, int] | None = None
    subspace: str | None = None
    experts: tuple[int, int] | None = None

    def __str__(self) -> str:
        for letter, some in (("n", self.neurons), ("e", self.experts)):
            if some:
                first, last = some
                return f"{self.component}.{letter}{first}" + (f"-{last}" if last > first else "")
        return self.component + (f"[{self.subspace[:8]}]" if self.subspace else "")

    @property
    def whole(self) -> bool:
        return self.neurons is None and self.subspace is None and self.experts is None

    @property
    def place(self) -> tuple[int, ...]:
        """Where it stands among the parts of its component."""
        return self.neurons or self.experts or ()


@dataclass(frozen=True)
class UnknownName(Exception):
    """A name that the model graph does not know, with the sentence that helps."""

    name: str
    hint: str


def expand(names: str | Iterable[str], graph: ModelGraph) -> tuple[Part, ...]:
    """The component parts that a name, a comma list, ranges or several of these stand for.

    Parts come sorted by their order of evaluation, each once. Raises `UnknownName`.

    >>> from scrub.graph import ModelGraph, Component
    >>> names = ["embed", "a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1", "m1"]
    >>> graph = ModelGraph("toy", tuple(map(Component, names)), output="m1")
    >>> [str(part) for part in expand("m0-1,a1", graph)]
    ['m0', 'a1.h0', 'a1.h1', 'm1']
    >>> sparse = ModelGraph("toy", (Component("m0", experts=8),), output="m0")
    >>> [str(part) for part in expand("m0.e5,m0.e0-3", sparse)]
    ['m0.e0-3', 'm0.e5']
    """
    pieces = [names] if isinstance(names, str) else list(names)
    parts: set[Part] = set()
    for text in pieces:
        for name in str(text).split(","):
            parts.update(_one(name.strip(), graph))
    return tuple(sorted(parts, key=lambda part: (graph.order[part.component], part.place)))


def _one(name: str, graph: ModelGraph) -> Iterator[Part]:
    name = name if name in graph else ALIASES.get(name, name)
    if name in graph:
        yield Part(name)
        return
    for what in ("neurons", "experts"):
        stem, some = _split(name, what[0])
        if some is not None:
            yield from (_finer(name, part, what, some, graph) for part in _one(stem, graph))
            return
    found = [candidate for text in _ranges(name) for candidate in _members(text, graph)]
    if not found or any(candidate not in graph for candidate in found):
        missing = next((c for c in found if c not in graph), name)
        raise UnknownName(missing, nearest(missing, graph.by_name))
    yield from map(Part, found)


def _members(name: str, graph: ModelGraph) -> Sequence[str]:
    """A layer of attention (`a9`) stands for all its heads; anything else for itself."""
    heads = [c.name for c in graph.components if c.name.startswith(f"{name}.h")]
    return heads if name not in graph and heads else [name]


def _ranges(name: str) -> Iterator[str]:
    """`a0-1.h2-3` as its four names; a name that does not fit the pattern as itself."""
    pieces = [_PIECE.fullmatch(piece) for piece in name.split(".")]
    results = [""]
    for piece in pieces:
        if piece is None:
            yield name
            return
        letter, numbers = piece.groups()
        first, _, last = numbers.partition("-")
        span = range(int(first), int(last or first) + 1)
        results = [f"{head}{'.' if head else ''}{letter}{i}" for head in results for i in span]
    yield from results or [name]


def _split(name: str, letter: str) -> tuple[str, tuple[int, int] | None]:
    stem, _, tail = name.rpartition(f".{letter}")
    numbers = _NUMBER.match(tail)
    if not stem or not numbers:
        return name, None
    first = int(numbers["first"])
    return stem, (first, int(numbers["last"] or first))


def _finer(name: str, part: Part, what: str, some: tuple[int, int], graph: ModelGraph) -> Part:
    """Some of a component's neurons or experts."""
    component = graph[part.component]
    size = component.neurons if what == "neurons" else component.experts
    if size == 0:
        raise UnknownName(name, f"{part.component} has no {what} that can be named apart.")
    if not 0 <= some[0] <= some[1] < size:
        raise UnknownName(name, f"{part.component} has {what} 0 to {size - 1}.")
    if what == "neurons":
        return Part(part.component, neurons=some)
    return Part(part.component, experts=some)


def summarise(names: Sequence[str]) -> str:
    """Component names as a person lists them: runs of neighbours shortened to `first–last`.

    >>> summarise(["embed", "a0.h0", "a0.h1", "m0", "a1.h0"])
    'embed, a0.h0–a1.h0, m0'
    """
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(re.sub(r"\d+", "", name), []).append(name)
    shown = [
        ", ".join(members) if len(members) < 3 else f"{members[0]}–{members[-1]}"
        for members in kinds.values()
    ]
    return ", ".join(shown) if shown else "nothing"
