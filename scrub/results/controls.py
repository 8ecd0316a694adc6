"""The controls of one hypothesis: a frozen value with a versioned JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrub.results.comparison import Apart
from scrub.results.decoding import decode
from scrub.results.documents import document_of, write_document
from scrub.results.result import Figure, Means, Recovered

SCHEMA = "scrub-controls/1"


@dataclass(frozen=True)
class Percentile:
    """The share of all null hypotheses of a kind that recover less than the claim.

    `below` is the share of those drawn, ties not counted; `low` and `high` are the exact interval
    (Clopper and Pearson 1934) for the share of all that could have been drawn. `p` is that of a
    null that recovers as much, the claim counted as one of them: it is never 0.
    """

    below: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Nulls:
    """Hypotheses of one kind drawn at random, and where the claim stands among them.

    `kind` is one of "random", "profile", "permuted", "labels"; `says` how they are drawn.
    `recovered` holds what each recovers (empty where the ratio is refused) and `means` the raw
    mean of the metric, in the order in which they were drawn. `coincide` of them are the claim
    itself, and are counted as ties; `matched` others recover as much as the claim or more.
    `distinct` is how many different claims there are among them, the claim included if it was
    drawn; `redrawn` were refused by the rules and drawn again. Where fewer than `asked` could be
    drawn, or none, `refusal` says why.
    """

    kind: str
    says: str
    asked: int
    recovered: tuple[float, ...]
    means: tuple[float, ...]
    percentile: Percentile | None
    coincide: int
    matched: int
    distinct: int
    redrawn: int
    refusal: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """One node or edge left out, and by how much less is then recovered.

    `what` is "node" or "edge"; an edge is named "parent → child". `gone` are the further nodes that
    no longer reach the sink. `forgotten`: the child would have been left without parents, with all
    its inputs intact; so its last parent stays as a leaf that carries nothing. `worth` is
    recovered(with) − recovered(without), `holm` over all claims left out. `idle`: it cannot be told
    from 0. Where it could not be left out, `refusal` says why, and there is nothing else.
    """

    what: str
    name: str
    gone: tuple[str, ...]
    forgotten: bool
    recovered: float | None = None
    mean: float | None = None
    worth: Apart | None = None
    idle: bool = False
    refusal: str | None = None


@dataclass(frozen=True)
class Anchor:
    """A hypothesis whose share is known beforehand: `expected`, None where it is not.

    `name` is "trivial" (the sink alone) or "full" (every edge, EXACT everywhere); `says` what it is
    under the conventions of the claim.
    """

    name: str
    says: str
    expected: float | None
    recovered: float | None = None
    mean: float | None = None
    refusal: str | None = None


@dataclass(frozen=True)
class Swap:
    """A node's donors drawn to differ from the reference on its feature: this should hurt.

    `hurt` is recovered(claim) − recovered(swapped), `holm` over all swaps. `breaks`: it is above 0
    for certain. A swap that does not break anything says that the feature carries nothing there.
    """

    node: str
    feature: str
    recovered: float | None = None
    mean: float | None = None
    hurt: Apart | None = None
    breaks: bool = False
    refusal: str | None = None


@dataclass(frozen=True)
class Group:
    """References that share a value of a column, and what is recovered there.

    `apart` is recovered there − recovered in all, `holm` over all groups looked at. `recovered` has
    no value, and `refusal` says why, where the model itself does no better there than at random.
    """

    column: str
    value: str
    references: int
    recovered: Figure
    apart: Apart | None
    refusal: str | None = None


@dataclass(frozen=True)
class Convention:
    """The same claim under one convention changed.

    `own`: the hypothesis' own value. `fragile`: recovered changes its sign, or its interval and
    that under the own convention have nothing in common; unimportant inputs that are kept never
    count, for they test nothing outside the graph. `refusal`: why it cannot be applied.
    """

    name: str
    value: str
    own: bool
    recovered: Figure
    mean: float | None = None
    fragile: bool = False
    refusal: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Controls:
    """What one hypothesis is held against; parts that were not asked for are empty.

    `left_out` has the worthiest first, `subgroups` the worst, `swaps` and `sensitivity` are in the
    order of the claim and of the conventions. `per_example` holds metric values: `references`,
    `model` [reference], `baseline` and `scrubbed` [reference, draw], and under `without.N` and
    `swap.N` those of the N-th entry of `left_out` and `swaps`.
    """

    name: str
    claim: str
    task: str
    model: str
    metric: str
    recovered: Recovered
    means: Means
    nulls: tuple[Nulls, ...]
    left_out: tuple[LeftOut, ...]
    anchors: tuple[Anchor, ...]
    swaps: tuple[Swap, ...]
    subgroups: tuple[Group, ...]
    sensitivity: tuple[Convention, ...]
    cautions: tuple[str, ...]
    conventions: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    per_example: Mapping[str, Any] = field(repr=False)
    schema: str = SCHEMA

    def __repr__(self) -> str:
        """One line: what was tested, and how much there is to be said against it."""
        found = self.recovered.value
        shown = "refused" if found is None else f"{found:.3f}"
        told = f"{len(self.cautions)} caution{'' if len(self.cautions) == 1 else 's'}"
        return f"<Controls of {self.name} on {self.model}: recovered {shown}, {told}>"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; per-example values are not in it."""
        return document_of(self, without="per_example")

    def write_json(self, path: str | Path) -> Path:
        """Write the JSON form, and the per-example values beside it as safetensors.

        Both files are complete or absent: each is written under another name and then moved.
        """
        return write_document(path, self.as_dict(), self.per_example)

    @staticmethod
    def read_json(path: str | Path) -> Controls:
        """What `write_json` wrote. Raises `InputRefused` for any other file, and a damaged one."""
        from scrub.results.reading import read_arrays, read_document  # which imports this module

        document = read_document(path, (SCHEMA,))
        arrays = read_arrays(path, document)
        held = {name: value for name, value in document.items() if name != "examples_file"}
        made: Controls = decode(Controls, held, f"'{path}'", per_example=arrays)
        return made
