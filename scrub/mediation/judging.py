"""The tests of one circuit, of the scores that it and the other circuits of its trial have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scrub.engine.metrics import Floats
from scrub.mediation.corruption import Corruption
from scrub.mediation.faithfulness import Measured
from scrub.mediation.measuring import Setting
from scrub.mediation.tested import CircuitTests, Edges
from scrub.mediation.trials import Asked, Trial
from scrub.statistics.effects import mean_effects
from scrub.statistics.hsic import Independence, independence
from scrub.statistics.rivals import Rank, rank, worth
from scrub.statistics.wins import Equivalence, equivalence

ROUNDING = 1e-5  # of the largest score: scores that are nearer may be equal
COARSE = {"bfloat16": 1e-2, "float16": 2e-3}


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of a trial's circuits, and the tests of them."""

    setting: Setting
    asked: Asked
    trial: Trial
    found: Measured

    @cached_property
    def parts(self) -> Sequence[Floats]:
        """As `Trial.groups`, [circuit, example] each."""
        return self.trial.parted(self.found.circuits)

    @property
    def circuit(self) -> Floats:
        own: Floats = self.parts[0][0]
        return own

    @property
    def complement(self) -> Floats:
        others: Floats = self.parts[0][1]
        return others

    @cached_property
    def ties(self) -> float:
        """Scores nearer than this are one that rounded twice."""
        dtype = str(self.setting.subject.model.dtype).removeprefix("torch.")
        runs = (self.found.model, self.circuit, self.found.empty)
        return COARSE.get(dtype, ROUNDING) * max(float(np.abs(run).max()) for run in runs)

    def equivalence(self) -> Equivalence:
        return equivalence(
            self.circuit - self.found.model,
            margin=self.asked.margin,
            tolerance=self.ties,
            level=self.setting.how.level,
            groups=self.setting.units,
        )

    def independence(self) -> Independence:
        return independence(
            self.complement,
            self.found.model,
            permutations=self.asked.permutations,
            seed=self.setting.subject.seed,
            tolerance=self.ties,
            groups=self.setting.units,
        )

    def minimality(self) -> Edges | None:
        """None where no path can be added to the circuit."""
        if not self.trial.tested:
            return None
        _, without, inflated, deflated, _, _ = self.parts
        far = self.asked.distance
        values, random = far.of(without, self.circuit), far.of(inflated, deflated)
        test = worth(
            values,
            random,
            quantile=self.asked.quantile,
            correction=self.asked.correction,
            tolerance=far.least(self.ties),
        )
        return Edges(self.trial.tested, values, random, test)

    def sufficiency(self) -> Rank:
        """The nearer to the model the better."""
        return self._rank(self.circuit, self.parts[4], -1)

    def necessity(self) -> Rank:
        """The farther from the model without it, the better."""
        return self._rank(self.complement, self.parts[5], 1)

    def _rank(self, own: Floats, rivals: Floats, sign: int) -> Rank:
        far, model = self.asked.distance, self.found.model
        return rank(
            sign * float(far.of(own, model)),
            sign * far.of(rivals, model),
            quantile=self.asked.quantile,
            tolerance=far.least(self.ties),
        )

    def said(self) -> dict[str, object]:
        """What the tests depend on, by name."""
        asked = self.asked
        return {
            "others": "corrupted",
            "edges": len(self.trial.circuit),
            "tested": len(self.trial.tested),
            "ties": self.ties,
            "margin": asked.margin,
            "quantile": asked.quantile,
            "random": asked.random,
            "permutations": asked.permutations,
            "distance": asked.distance.value,
            "correction": asked.correction.value,
            "among": asked.among.value,
        }


def judged(scores: Scores, made: Corruption) -> CircuitTests:
    """What all the tests find."""
    setting, found, trial = scores.setting, scores.found, scores.trial
    runs = (found.model, scores.circuit, scores.complement, found.empty)
    means = mean_effects(np.stack(runs), setting.units, setting.how)
    names = ("pair", "without", "inflated", "deflated", "random", "random complement")
    more = dict(zip(names[1:], scores.parts[1:], strict=True))
    sizes = [len(rival) for rival in trial.rivals]
    return CircuitTests(
        conventions=setting.conventions(corruption=str(made), **scores.said()),
        per_example=dict(zip(("model", "circuit", "complement", "empty"), runs, strict=True))
        | more,
        edges=trial.circuit,
        share=len(trial.circuit) / max(setting.subject.model.graph.n_edges, 1),
        model=means.bounds(0),
        circuit=means.bounds(1),
        complement=means.bounds(2),
        empty=means.bounds(3),
        equivalence=scores.equivalence(),
        independence=scores.independence(),
        minimality=scores.minimality(),
        sufficiency=scores.sufficiency(),
        necessity=scores.necessity(),
        random_sizes=(min(sizes), max(sizes)),
        unchanged=found.unchanged,
    )
