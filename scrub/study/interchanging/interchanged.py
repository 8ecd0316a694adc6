"""What interchange interventions found: accuracies with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from scrub.mediation.findings import Finding, Row, read_finding, require_alike
from scrub.mediation.measuring import Setting, bounds_cells
from scrub.statistics.effects import mean_effects
from scrub.statistics.interchanged import rate
from scrub.statistics.recovered import FEW, Bounds

if TYPE_CHECKING:
    from scrub.study.interchanging.interchange import Measured

SAID = (
    "model", "task", "scored_at", "examples", "units", "rows", "draws", "seed", "level", "answers",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class Interchange(Finding):
    """Interchange-intervention accuracies, one for each of `sets`.

    - `accuracy` [set]: pairs of base and source on which the model's answer, the nodes put in, is
      the one that the claim predicts.
    - `same` [set]: pairs on which neither answer nor prediction differs from the base's, so that
      being right there says nothing; `changed` [set]: accuracy on all others, None without any.
    - `idle` [set]: pairs on which the model's answer is what the claim predicts for the base: what
      a claim that the nodes carry nothing would have for its accuracy.
    - `plain`: examples on which the model's own answer is the claim's, nothing put in; `labelled`:
      on which the claim's is the data's, None where the data have none.

    `per_example` holds correct, same and idle [set, base, draw], and plain [base].
    """

    KIND: ClassVar[str] = "interchange"

    sets: tuple[tuple[str, ...], ...]
    accuracy: tuple[Bounds, ...]
    same: tuple[float, ...]
    changed: tuple[Bounds | None, ...]
    idle: tuple[Bounds, ...]
    plain: Bounds
    labelled: Bounds | None

    @property
    def names(self) -> Sequence[str]:
        return [", ".join(nodes) for nodes in self.sets]

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know before leaning on the accuracies."""
        found = []
        units = self.conventions["units"]
        if units < FEW:
            found.append(f"With {units} independent examples the intervals are rough.")
        for name, same in zip(self.names, self.same, strict=True):
            if same == 1:
                found.append(f"{name}: no pair changes anything, so the accuracy says nothing.")
        if self.labelled is not None and self.labelled.value < 1:
            found.append("The claim's own answer is not always the data's.")
        return found

    def as_dict(self) -> dict[str, Any]:
        return {**super().as_dict(), "notes": list(self.notes)}

    @staticmethod
    def read_json(path: str | Path) -> Interchange:
        """What `write_json` wrote. Raises `InputRefused` for any other file, and a damaged one."""
        found = read_finding(Interchange, path, said=SAID, values=())
        names = ("sets", "accuracy", "same", "changed", "idle")
        require_alike(path, **{name: len(getattr(found, name)) for name in names})
        return found

    def table(self) -> Sequence[Row]:
        return [
            {
                "nodes": name,
                **bounds_cells("accuracy", self.accuracy[i]),
                "same": self.same[i],
                **bounds_cells("changed", self.changed[i]),
                **bounds_cells("idle", self.idle[i]),
            }
            for i, name in enumerate(self.names)
        ]


def judged(setting: Setting, found: Measured) -> Interchange:
    """Accuracies, each with an interval that counts an example as a base and as a source."""
    dataset, how = setting.subject.task.dataset, setting.how
    clusters = None if setting.units is None else dataset.sequence

    def share(
        number: int, hits: np.ndarray[Any, Any], among: np.ndarray[Any, Any]
    ) -> Bounds | None:
        sources, classes = found.sources[number], found.classes[number]
        return rate(
            hits * among,
            among,
            setting.subject.rows,
            sources,
            len(dataset),
            classes=np.tile(classes, (len(sources), 1)),
            clusters=clusters,
            method=how.method,
            level=how.level,
            replicates=how.replicates,
            seed=how.seed,
        )

    def all_pairs(number: int, hits: np.ndarray[Any, Any]) -> Bounds:
        bounds = share(number, hits, np.ones_like(hits))
        assert bounds is not None  # there is a pair
        return bounds

    def of_bases(hits: np.ndarray[Any, Any]) -> Bounds:
        return mean_effects(hits[None], setting.units, how).bounds(0)

    numbers = range(len(found.sets))
    return Interchange(
        conventions=setting.conventions(
            answers=found.rule.value, sources="drawn from the data", estimand="population"
        ),
        per_example={
            "correct": found.correct, "same": found.same, "idle": found.idle, "plain": found.plain,
        },
        sets=found.sets,
        accuracy=tuple(all_pairs(i, found.correct[i]) for i in numbers),
        same=tuple(float(found.same[i].mean()) for i in numbers),
        changed=tuple(share(i, found.correct[i], 1 - found.same[i]) for i in numbers),
        idle=tuple(all_pairs(i, found.idle[i]) for i in numbers),
        plain=of_bases(found.plain),
        labelled=None if found.labelled is None else of_bases(found.labelled),
    )  # fmt: skip
