"""The two hypotheses whose shares are known beforehand: that nothing matters, that all does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from scrub.hypothesis.options import Baseline, Options, Replacement, Unimportant
from scrub.hypothesis.whole import whole
from scrub.results.controls import Anchor
from scrub.study.controls.ground import Base, Ground, Outcome
from scrub.study.prepare import Plan, sink_alone

MOST_EDGES = 100_000  # of the full hypothesis: more take longer to compile than to run
SAME = {Baseline.ZERO: Replacement.ZERO, Baseline.MEAN: Replacement.MEAN}


@dataclass(frozen=True, eq=False)
class AnchorPart:
    """The sink alone, and every edge with EXACT at every node."""

    options: Options
    edges: int

    @staticmethod
    def of(ground: Ground) -> AnchorPart:
        return AnchorPart(ground.claim.options, ground.claim.graph.n_edges)

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        yield "trivial", ground.under(sink_alone(ground.claim))
        if self.edges <= MOST_EDGES:
            full = ground.under(whole(ground.claim))
            yield "full", replace(full, settings=replace(full.settings, draws=1))  # draws nothing

    def found(self, base: Base, outcomes: Mapping[str, Outcome]) -> tuple[Anchor, ...]:
        trivial = _measured(self._trivial(), base, outcomes["trivial"])
        full = Anchor("full", "every edge named, EXACT at every node: nothing is drawn", 1.0)
        if "full" not in outcomes:
            found = f"the model has {self.edges:,} edges, and the most are {MOST_EDGES:,}."
            return trivial, replace(full, refusal=found)
        return trivial, _measured(full, base, outcomes["full"])

    def _trivial(self) -> Anchor:
        """The sink alone is the baseline, where the two are drawn alike."""
        options = self.options
        says, expected = "the sink alone: every input of the output is replaced", None
        alike = options.unimportant in (Unimportant.TOGETHER, Unimportant.ONE)
        if options.replacement is Replacement.RESAMPLE and options.unimportant is Unimportant.KEPT:
            says, expected = "the sink alone, its inputs kept: the model itself", 1.0
        elif options.replacement is Replacement.RESAMPLE and alike:
            says = "the sink alone: outputs of random inputs"
            expected = 0.0 if options.baseline is Baseline.RANDOM else None
        elif SAME.get(options.baseline) is options.replacement:
            says, expected = f"the sink alone: every input at its {options.baseline.value}", 0.0
        return Anchor("trivial", says, expected)


def _measured(anchor: Anchor, base: Base, outcome: Outcome) -> Anchor:
    return replace(anchor, recovered=base.share(outcome.mean), mean=outcome.mean)
