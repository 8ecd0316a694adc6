"""Hypotheses drawn at random, and where the claim stands among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from scrub.hypothesis.nulls import NullClaims, draw_nulls
from scrub.hypothesis.randomised import Kind
from scrub.results.controls import Nulls, Percentile
from scrub.statistics.nulls import standing
from scrub.study.controls.ground import Base, Ground, Outcome
from scrub.study.prepare import Plan

SAYS = {
    Kind.RANDOM: "the same graph over components drawn from the whole model",
    Kind.PROFILE: "each component replaced by one of its kind and layer",
    Kind.PERMUTED: "its own components permuted among its nodes",
    Kind.LABELS: "features permuted among the examples: classes of the same sizes, and wrong",
}


@dataclass(frozen=True, eq=False)
class NullPart:
    """The hypotheses of each kind."""

    asked: int
    drawn: Mapping[Kind, NullClaims]

    @staticmethod
    def of(ground: Ground, asked: int) -> NullPart:
        seed = ground.plan.settings.seed
        return NullPart(
            asked, {kind: draw_nulls(ground.claim, kind, asked, seed, ground.same) for kind in Kind}
        )

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        """Those that differ from the claim; each once, however often it was drawn."""
        for kind, nulls in self.drawn.items():
            for place, claim in enumerate(nulls.claims):
                if place != nulls.itself:
                    yield f"{kind.value}.{place}", ground.under(claim)

    def found(self, base: Base, outcomes: Mapping[str, Outcome]) -> tuple[Nulls, ...]:
        return tuple(self._of(kind, base, outcomes) for kind in self.drawn)

    def _of(self, kind: Kind, base: Base, outcomes: Mapping[str, Outcome]) -> Nulls:
        nulls = self.drawn[kind]
        means = []
        for place in nulls.which:
            own = place == nulls.itself
            mean = (base.outcome if own else outcomes[f"{kind.value}.{place}"]).mean
            assert mean is not None  # it is scored as the claim is
            means.append(mean)
        shares = [share for mean in means if (share := base.share(mean)) is not None]
        coincide = sum(place == nulls.itself for place in nulls.which)
        found = None
        if shares and base.value is not None:
            found = standing(base.value, np.array(shares), base.ground.how.level)
        return Nulls(
            kind=kind.value,
            says=SAYS[kind],
            asked=self.asked,
            recovered=tuple(shares),
            means=tuple(means),
            percentile=Percentile(found.below, found.low, found.high, found.p) if found else None,
            coincide=coincide,
            matched=found.reached - coincide if found else 0,
            distinct=len(nulls.claims),
            redrawn=nulls.redrawn,
            refusal=self._refusal(nulls),
        )

    def _refusal(self, nulls: NullClaims) -> str | None:
        if len(nulls.which) == self.asked:
            return None
        some = f"only {len(nulls.which)} of" if nulls.which else "none of"
        return f"{some} {self.asked} could be drawn; the last was refused: {nulls.refused}"
