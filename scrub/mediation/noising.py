"""Noising and denoising of a site: the worlds of knock-out and knock-in, dose by dose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from scrub.engine.edits import Edit
from scrub.engine.flow import edited
from scrub.engine.metrics import Floats
from scrub.engine.replacements import Replacement
from scrub.engine.replacements import replacement as replaced
from scrub.engine.worlds import World
from scrub.errors import InputRefused, Problem
from scrub.mediation.ablation import require_columns
from scrub.mediation.corruption import Corruption, corruption, require_apart
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.doses import as_doses
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene
from scrub.mediation.subject import Subject

CORRUPTED = "corrupted"  # the replacement that is what stands there in the corrupted run


class Way(Enum):
    """Which world the site is changed in."""

    OUT = "out"  # the wild one
    IN = "in"  # the corrupted one


@dataclass(frozen=True, eq=False)
class Plan:
    """What is done where; `given` is None where the corrupted run's own value is put in."""

    corruption: Corruption
    places: tuple[Place, ...]
    given: Replacement | None
    doses: Floats

    @staticmethod
    def of(
        subject: Subject,
        places: tuple[Place, ...],
        corrupt: WrittenCorruption,
        written: str | Replacement,
        doses: Iterable[float],
    ) -> Plan:
        """Raises `InputRefused`."""
        made = corruption(corrupt, subject)
        require_apart(made, [place.what for place in places])
        given = None if written == CORRUPTED else replaced(written)
        if given is not None:
            require_columns(subject, given)
        found = as_doses(doses)
        if found[0] != 0 or found[-1] != 1:
            said = f"must run from 0 to 1, found {found[0]:g} to {found[-1]:g}."
            fix = "At 0 nothing is done, at 1 all is. For other doses use dose_response."
            raise InputRefused(Problem("doses", said, fix))
        return Plan(made, places, given, found)

    @property
    def name(self) -> str:
        return CORRUPTED if self.given is None else str(self.given)

    def worlds(self, scene: Scene) -> Iterator[tuple[Way, World]]:
        """For each dose the wild world with the site knocked out, then the corrupted one with it
        knocked in; at dose 0 these are the worlds themselves."""
        changes = self.corruption.changes
        corrupted = scene.changed(changes)
        given = self.given
        out = [
            scene.restored(p, corrupted) if given is None else scene.edit(p, given)
            for p in self.places
        ]
        back = [scene.restored(place, scene.wild) for place in self.places]
        bases = scene.subject.bases
        for dose in self.doses.tolist():
            yield Way.OUT, edited(scene.wild, graded(out, dose), bases) if dose else scene.wild
            yield Way.IN, edited(corrupted, graded(back, dose), bases) if dose else corrupted


def graded(edits: Iterable[Edit], dose: float) -> list[Edit]:
    """Edits of which a share is made: (1 − dose) · own + dose · new."""

    def blended(edit: Edit) -> Edit:
        return Edit(
            edit.what, lambda own: (1 - dose) * own + dose * edit.value(own).to(own), edit.at
        )

    return list(edits) if dose == 1 else [blended(edit) for edit in edits]
