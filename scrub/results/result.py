"""The result of a scrub: a frozen value with a documented, versioned JSON form.

`schema.json` beside this file is its JSON Schema; `docs/reference/result.md` explains each field.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.results.documents import document_of, write_document
from scrub.results.graph import ClaimGraph
from scrub.results.stopping import Stopping, Variance

SCHEMA = "scrub-result/1"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A number with its interval; the bounds are None where there is no interval."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "none"
        return f"{self.value:.4g}" + (
            "" if self.low is None else f" [{self.low:.4g}, {self.high:.4g}]"
        )


@dataclass(frozen=True)
class Recovered:
    """(scrubbed - baseline) / (model - baseline), never clipped.

    Where there is no such figure, `refusal` says why.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    method: str
    estimand: str
    replicates: int
    refusal: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Means:
    """The three raw means of the metric that the ratio is made of."""

    model: Figure
    scrubbed: Figure
    baseline: Figure


@dataclass(frozen=True)
class NullResult:
    """What the same graph recovers when its features carry nothing."""

    kind: str
    recovered: float | None
    mean: float


@dataclass(frozen=True)
class Claims:
    """How much the hypothesis says: the more edges unimportant and the more bits free, the more.

    `unimportant` is the share of the model graph's edges that the claim declares not to matter;
    `bits` is log2 of the class size, averaged over the nodes, of `most_bits` = log2 |D|.
    """

    nodes: int
    edges: int
    occurrences: int
    model_edges: int
    unimportant: float
    bits: float
    most_bits: float


@dataclass(frozen=True)
class NodeResult:
    """One node: what it stands for, what it carries, and what its draws were like."""

    name: str
    component: str
    positions: str
    feature: str
    occurrences: int
    draws: int
    self_share: float
    frame_self_share: float | None
    classes: int
    class_sizes: tuple[float, float, float]  # smallest, median, largest, in distinct inputs
    bits: float


@dataclass(frozen=True)
class Cost:
    """What the run took: `forward_passes` are passes over the references, recording included.

    `recorded_once` are the positions that all inputs begin with, if one row was recorded for all.
    """

    forward_passes: float
    flops: int
    recording_flops: int
    steps: int
    recording_bytes: int
    peak_bytes: int
    place: str
    chunk: int
    halvings: int
    seconds: Mapping[str, float]
    recorded_once: int = 0


@dataclass(frozen=True)
class Precision:
    """The type the model ran in, and its error against float32 where that is another."""

    dtype: str
    against: str | None = None
    references: int = 0
    max_error: float | None = None
    mean_error: float | None = None


@dataclass(frozen=True)
class Donor:
    """An example that stood in for another in one scrub.

    It supplied a node's "value" or its unimportant "inputs", in place of the reference itself
    (`of` is empty) or of the donor of the node `of`. `row` is None for a generated one. `marks`
    are the characters [start, end) of `shown` that the node reads; none where that is unknown.
    """

    node: str
    supplies: str
    of: str
    row: int | None
    shown: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Example:
    """One reference: where the explanation fails most, these come first.

    `draw` is the scrub that changes it most, `at_draw` the metric there, and `donors` the first
    of those that stood in for it, from the sink down. `marks` are the characters of `shown` that
    are scored.
    """

    row: int
    model: float
    scrubbed: float
    divergence: float
    shown: str
    marks: tuple[tuple[int, int], ...] = ()
    draw: int | None = None
    at_draw: float | None = None
    donors: tuple[Donor, ...] = ()


@dataclass(frozen=True, eq=False)
class PerExample:
    """Values of every reference and draw, kept in a file beside the JSON."""

    references: NDArray[np.int64]
    model: Floats  # [reference]
    scrubbed: Floats  # [reference, draw]
    baseline: Floats  # [reference, draw]
    kl: Floats | None  # [reference, draw]


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A scrub's score with all that is needed to believe it, or not to."""

    name: str
    claim: str
    metric: str
    task: str
    model: str
    recovered: Recovered
    means: Means
    divergence: float
    kl: float | None
    null: NullResult | None
    claims: Claims
    nodes: tuple[NodeResult, ...]
    cautions: tuple[str, ...]
    conventions: Mapping[str, Any]
    cost: Cost
    precision: Precision
    worst: tuple[Example, ...]
    fingerprints: Mapping[str, str]
    versions: Mapping[str, str]
    per_example: PerExample = field(repr=False)
    graph: ClaimGraph | None = None
    stopping: Stopping | None = None
    variance: Variance | None = None
    schema: str = SCHEMA

    def __repr__(self) -> str:
        """One line: what was tested on what, and what it recovers."""
        found = self.recovered
        if found.value is None:
            return f"<Result {self.name} on {self.model}: recovered refused>"
        between = "" if found.low is None else f" [{found.low:.3f}, {found.high:.3f}]"
        return f"<Result {self.name} on {self.model}: recovered {found.value:.3f}{between}>"

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; per-example values are not in it."""
        return document_of(self, without="per_example")

    def write_json(self, path: str | Path) -> Path:
        """Write the JSON form, and the per-example values beside it as safetensors.

        Both files are complete or absent: each is written under another name and then moved.
        """
        return write_document(path, self.as_dict(), vars(self.per_example))

    @staticmethod
    def read_json(path: str | Path) -> Result:
        """What `write_json` wrote. Raises `InputRefused` for another or a damaged file."""
        from scrub.results.reading import read_result  # which imports this module

        return read_result(path)

    def to_frame(self) -> Any:
        """One row per reference and draw, as a pandas DataFrame.

        Raises ImportError with what to install where pandas is missing.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError(
                "to_frame() needs pandas: pip install 'causal-scrub[frames]'."
            ) from error
        values = self.per_example
        references, draws = values.scrubbed.shape
        table = {
            "row": np.repeat(values.references, draws),
            "draw": np.tile(np.arange(draws), references),
            "model": np.repeat(values.model, draws),
            "scrubbed": values.scrubbed.ravel(),
            "baseline": np.broadcast_to(values.baseline, values.scrubbed.shape).ravel(),
        }
        if values.kl is not None:
            table["kl"] = values.kl.ravel()
        return pandas.DataFrame(table)

    def _repr_html_(self) -> str:
        """How a notebook shows it; `scrub.report` registers how."""
        return _renderers[-1](self)


_renderers: list[Callable[[Result], str]] = [lambda result: html.escape(repr(result))]


def register_renderer(render: Callable[[Result], str]) -> None:
    """Make `render` what a notebook shows for a result, as HTML."""
    _renderers.append(render)
