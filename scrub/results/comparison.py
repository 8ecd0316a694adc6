"""The comparison of several hypotheses: a frozen value with a versioned JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from scrub.results.documents import document_of, write_document
from scrub.results.result import Floats, Result

SCHEMA = "scrub-comparison/1"

T = TypeVar("T")


@dataclass(frozen=True)
class Apart:
    """By how much the first of a pair exceeds the second, with its interval.

    `p` is that of no difference, `holm` the same for all pairs at once.
    """

    value: float
    low: float | None
    high: float | None
    p: float
    holm: float


@dataclass(frozen=True)
class Equivalence:
    """Whether two shares recovered differ by less than `margin`: `p` is that of no less."""

    margin: float
    p: float
    holm: float


@dataclass(frozen=True)
class Split:
    """One example on which two hypotheses differ: `difference` is first − second, in the metric."""

    row: int
    model: float
    first: float
    second: float
    difference: float
    shown: str


@dataclass(frozen=True)
class Subgroup:
    """References that share a value of a column: first − second there, in the metric.

    `holm` counts all subgroups of the pair.
    """

    column: str
    value: str
    references: int
    difference: Apart


@dataclass(frozen=True)
class Pair:
    """Two hypotheses on the same references and draws; every difference is first − second.

    `recovered` and `equivalence` are None where the ratio is refused, `kl` where there is none.
    """

    first: str
    second: str
    recovered: Apart | None
    equivalence: Equivalence | None
    metric: Apart
    divergence: Apart
    kl: Apart | None
    verdict: str
    examples: tuple[Split, ...]
    subgroups: tuple[Subgroup, ...]


@dataclass(frozen=True)
class Standing:
    """One hypothesis among the others.

    `rank`: 1 recovers most. `ranks` are those that the tests of all pairs leave open;
    `rank_shares` how often each rank came up in the bootstrap. `front`: no other hypothesis both
    recovers more and declares more of the model unimportant. Ranks are None where the ratio is
    refused.
    """

    name: str
    rank: int | None
    ranks: tuple[int, int] | None
    rank_shares: tuple[float, ...] | None
    front: bool | None


@dataclass(frozen=True)
class Refines:
    """One hypothesis refines another: it names all that the other does, and perhaps more."""

    finer: str
    coarser: str
    nodes: int
    edges: int
    opened: tuple[str, ...]
    sharper: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Several hypotheses of one behaviour, each with its result, and what sets them apart."""

    task: str
    model: str
    metric: str
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    refinements: tuple[Refines, ...]
    notes: tuple[str, ...]
    conventions: Mapping[str, Any]
    results: tuple[Result, ...] = field(repr=False)
    schema: str = SCHEMA

    def __repr__(self) -> str:
        """One line: how many of what, and in which order."""
        ranked = sorted(self.standings, key=lambda one: one.rank or 0)
        return f"<Comparison on {self.model}: {', '.join(one.name for one in ranked)}>"

    def result(self, name: str) -> Result:
        """The result of one hypothesis. Raises KeyError for a name that is none of them."""
        found = {one.name: one for one in self.results}
        return _of(found, name, name)

    def pair(self, first: str, second: str) -> Pair:
        """What sets two apart, in the order in which they were given. Raises KeyError."""
        found = {(pair.first, pair.second): pair for pair in self.pairs}
        return _of(found, (first, second), f"{first}, {second}")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, with that of every result; per-example values are not in it."""
        results = [one.as_dict() for one in self.results]
        return {**document_of(self, without="results"), "results": results}

    def per_example(self) -> dict[str, Floats]:
        """Values of every reference and draw: what all have in common, then each by its number."""
        first = self.results[0].per_example
        found: dict[str, Any] = {
            "references": first.references,
            "model": first.model,
            "baseline": first.baseline,
        }
        for number, one in enumerate(self.results):
            found[f"scrubbed.{number}"] = one.per_example.scrubbed
            if one.per_example.kl is not None:
                found[f"kl.{number}"] = one.per_example.kl
        return found

    def write_json(self, path: str | Path) -> Path:
        """Write the JSON form, and the per-example values beside it as safetensors.

        Both files are complete or absent: each is written under another name and then moved.
        """
        return write_document(path, self.as_dict(), self.per_example())

    @staticmethod
    def read_json(path: str | Path) -> Comparison:
        """What `write_json` wrote. Raises `InputRefused` for another or a damaged file."""
        from scrub.results.reading import read_comparison  # which imports this module

        return read_comparison(path)


def _of(found: Mapping[Any, T], key: object, asked: str) -> T:
    if key not in found:
        known = "; ".join(", ".join(k) if isinstance(k, tuple) else k for k in found)
        raise KeyError(f"no '{asked}'. There are: {known}")
    return found[key]
