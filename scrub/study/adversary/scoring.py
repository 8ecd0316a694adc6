"""Samples of the half that is scored, under rules and without, and what they come to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from scrub.data.features import class_numbers
from scrub.engine.scrubbing import Values
from scrub.results.adversary import Harm, Sampled
from scrub.results.result import Figure, Means
from scrub.sampling.chosen import ANYTHING
from scrub.sampling.donors import Donors
from scrub.statistics import NOT_A_ROW, Recovered, Sample
from scrub.statistics.comparison import difference, share_difference
from scrub.statistics.contrast import paired
from scrub.study.adversary.ascent import Key
from scrub.study.adversary.halves import Half
from scrub.study.adversary.refining import Refined
from scrub.study.assemble import estimated, figure_of, sample_of, share_of
from scrub.study.comparing.compare import comparing
from scrub.study.comparing.contrasting import Ground


@dataclass(frozen=True, eq=False)
class Scored:
    """A half under the usual sampling, under all rules, under each alone, and under all but it."""

    half: Half
    worst: tuple[Donors, Values]
    alone: Mapping[Key, tuple[Donors, Values]]
    without: Mapping[Key, tuple[Donors, Values]]


class Statistics:
    """Samples of the half that is scored, and what they come to."""

    def __init__(self, half: Half, rules: Mapping[Key, Refined]) -> None:
        self.half, self.rules = half, rules
        self.usual = sample_of(half.plan, half.measured)
        self.how = comparing(half.plan.settings)
        self.refused = self.estimate(self.usual).refusal is not None

    def sample(self, drawn: tuple[Donors, Values], keys: Collection[Key]) -> Sample:
        """A sample under some of the rules, which are part of what is asked, and not random.

        A row that a rule names is a given, not a draw. Donors that share an attribute are drawn
        from a part of their class.
        """
        sample = sample_of(self.half.plan, self.half.with_scrub(*drawn))
        assert sample.classes is not None
        donors, classes = sample.donors.copy(), sample.classes.copy()
        for key in keys:
            _given(self.rules[key], drawn[0], donors, classes)
        return replace(sample, donors=donors, classes=classes)

    def estimate(self, sample: Sample) -> Recovered:
        return estimated(sample, self.half.plan.settings)

    def sampled(self, sample: Sample, values: Values) -> Sampled:
        found = self.estimate(sample)
        means = Means(*(figure_of(one) for one in (found.model, found.scrubbed, found.baseline)))
        kl = None if values.kl is None else float(values.kl.mean())
        return Sampled(share_of(found), means, found.divergence, kl)

    def harm(self, usual: Sample, worst: Sample) -> Harm:
        """How much worse the second is, reference by reference and draw by draw."""
        clusters = Ground(self.half.plan.task.dataset, self.how, ratio=True).clusters
        apart = paired(usual, worst, usual.scrubbed - worst.scrubbed)
        share = None if self.refused else share_difference(apart, self.how, clusters)
        metric = difference(apart, self.how, clusters)
        return Harm(
            recovered=Figure(None)
            if share is None
            else _figure(share.value, share.low, share.high),
            metric=_figure(-metric.value, _less(metric.high), _less(metric.low)),
        )

    def of(self, scored: Scored, key: Key) -> tuple[Harm, Harm]:
        """What a rule does alone, and what it adds to all the others."""
        others = [one for one in self.rules if one != key]
        alone = self.sample(scored.alone[key], [key])
        without = self.sample(scored.without[key], others)
        worst = self.sample(scored.worst, self.rules)
        return self.harm(self.usual, alone), self.harm(without, worst)


def _figure(value: float, low: float | None, high: float | None) -> Figure:
    """A figure whose zero is never written as -0."""
    return Figure(value + 0.0, *(None if end is None else end + 0.0 for end in (low, high)))


def _less(end: float | None) -> float | None:
    return None if end is None else -end


def _given(refined: Refined, donors: Donors, drawn: np.ndarray, classes: np.ndarray) -> None:
    """Marks what a rule fixes in the donors [variable, reference, draw] of a sample, in place."""
    lever, rule = refined.lever, refined.rule
    for variable, handed in zip(lever.variables, lever.handed, strict=True):
        if refined.single:
            named = rule.wanted[rule.given[donors.rows[handed]]] != ANYTHING
            drawn[variable - 1][named] = NOT_A_ROW  # the reference itself is no variable there
        else:
            pairs = zip(classes[variable - 1].tolist(), rule.marks.tolist(), strict=True)
            classes[variable - 1] = class_numbers(list(pairs))
