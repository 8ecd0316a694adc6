"""The cells that repair a corrupted run, and the path to them: what `revert` reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge
from scrub.mediation.discover import SELECTED
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import bounds_cells
from scrub.mediation.source import Framing, Sources, circuit_source
from scrub.results.files import write_whole
from scrub.statistics.effects import Shares
from scrub.statistics.recovered import Bounds


@dataclass(frozen=True)
class Step:
    """A cell that was restored, or given up again as not needed, and the share repaired then: on
    the half that was searched, and on the other. None where a share is refused."""

    cell: str
    restored: bool
    searched: Bounds | None
    held_out: Bounds | None


@dataclass(frozen=True, eq=False, repr=False)
class Reversal(Finding):
    """Cells that, given back their own values in the corrupted run, repair it.

    - `cells`: from the input up; `path`: the steps that led there.
    - `reached`: whether the search got to the share `stop` on its own half; `evaluated` counts the
      sets of cells that it ran, of at most `budget`, among `candidates` cells.
    - `searched`, `held_out`: the repaired share on either half.
    - `wild`, `corrupted`, `restored`: the metric's means on the held-out half.
    """

    KIND: ClassVar[str] = "reversal"

    cells: tuple[str, ...]
    path: tuple[Step, ...]
    stop: float
    reached: bool
    candidates: int
    evaluated: int
    budget: int
    searched: Shares
    held_out: Shares
    wild: Bounds
    corrupted: Bounds
    restored: Bounds
    edges: tuple[Edge, ...]
    unclaimed: str | None
    framing: Framing
    sources: Sources
    graph: ModelGraph

    def as_dict(self) -> dict[str, Any]:
        found = super().as_dict()
        return {**found, "edges": list(map(str, self.edges)), "graph": self.graph.name}

    def table(self) -> Sequence[Row]:
        """The path, a row for each step."""
        return [
            {
                "step": number,
                "cell": step.cell,
                "done": "restored" if step.restored else "given up",
                **bounds_cells("searched", step.searched),
                **bounds_cells("held out", step.held_out),
            }
            for number, step in enumerate(self.path, 1)
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know before leaning on the figures."""
        short = f"The search ended before {self.stop:g} was repaired"
        spent = f", its budget of {self.budget:,} sets spent" if self._spent else ""
        said = [SELECTED, *([] if self.reached else [f"{short}{spent}."])]
        refused = self.held_out.refusal
        return (*said, *([refused] if refused else []), *self.held_out.effects.notes)

    @property
    def _spent(self) -> bool:
        return self.evaluated + self.candidates - len(self.cells) > self.budget

    def write_hypothesis(self, path: str | Path) -> Path:
        """Write a hypothesis file, ready for `scrub run`: these cells, `EXACT`, are all that
        matters, and everything downstream of them follows from them.

        Raises `InputRefused` where the task has no name that a file could say, and for cells that
        are no nodes of a hypothesis: residual states, ports, cells that overlap.
        """
        if self.unclaimed is not None:
            raise InputRefused(Problem("hypothesis file", self.unclaimed, "Search components."))
        source = circuit_source(
            self.edges, self.graph.output, self.sources, self.framing, self._sentence
        )
        write_whole(path, source.encode())
        return Path(path)

    @property
    def _sentence(self) -> str:
        said, share = self.conventions, self.held_out.bounds(0)
        score = "" if share is None else f", where they repair {share} of the damage"
        return (
            f"{', '.join(self.cells)}: these alone, and what follows from them downstream, carry "
            f"the behaviour. Suggested by a {said['strategy'].replace('_', '-')} search for what "
            f"repairs {said['corruption']}: searched on {said['searched_on']} examples, scored on "
            f"{said['examples']} others{score}."
        )
