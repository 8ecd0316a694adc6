"""What the controls say against a hypothesis, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scrub.results.controls import Anchor, Convention, Group, LeftOut, Nulls, Swap
from scrub.results.result import Means, Recovered
from scrub.study.cautions import cancels
from scrub.study.controls.ground import Base

NEARLY = 0.05
MOST_NAMED = 6


def vacuous(base: Base, anchors: Sequence[Anchor]) -> Iterator[str]:
    """A claim that draws nothing, or recovers no more than that nothing matters."""
    tree = base.ground.plan.claim.tree
    if len(tree.draws) == 1:
        yield "Vacuous: nothing is resampled in this claim, so it recovers 1 whatever the model is."
    for anchor in anchors:
        found = anchor.recovered
        if found is None or base.value is None:
            continue
        if anchor.expected is not None and abs(found - anchor.expected) > NEARLY:
            yield (
                f"The {anchor.name} hypothesis recovers {found:.3f} where {anchor.expected:g} is "
                "known beforehand: do not believe the other figures before you know why."
            )
        low = base.outcome.recovered.low
        if anchor.name == "trivial" and low is not None and low <= found:
            yield f"The sink alone recovers {found:.3f}, and the claim no more for certain."


def cancelling(means: Means, divergence: float) -> Iterator[str]:
    if cancels(means, divergence):
        yield (
            f"Errors cancel: single examples change by {divergence:.3g} on average, more than the "
            "means show."
        )


def below_nulls(nulls: Sequence[Nulls], share: Recovered, alpha: float) -> Iterator[str]:
    for one in nulls:
        drawn, found = len(one.recovered), one.percentile
        if found is None or found.p <= alpha:
            continue
        if one.coincide == drawn:
            yield f"Nulls '{one.kind}': each is the claim itself; this model has no other to draw."
        elif one.matched:
            yield (
                f"Nulls '{one.kind}': {one.matched} of {drawn} recover as much as the claim or "
                f"more (p = {found.p:.2g}): it does not stand out among hypotheses like it."
            )
        elif one.coincide:
            yield (
                f"Nulls '{one.kind}': none of the others recovers as much, but {one.coincide} of "
                f"{drawn} are the claim itself (p = {found.p:.2g}): there are few others."
            )
        else:
            yield f"Nulls '{one.kind}': {drawn} are too few for p to fall below {alpha:.2g}."


def idle(left_out: Sequence[LeftOut], alpha: float) -> Iterator[str]:
    """Claims that nothing is lost without."""
    found = [one for one in left_out if one.idle and one.worth is not None]
    worse = [one for one in found if one.worth and one.worth.value < 0 and one.worth.holm <= alpha]
    rest = [one for one in found if one not in worse]
    if rest:
        names = _named([f"{one.what} '{one.name}'" for one in rest])
        yield f"Idle: nothing is lost for certain without {names}."
    for one in worse[:MOST_NAMED]:
        assert one.worth is not None
        yield f"Without {one.what} '{one.name}' {-one.worth.value:.3f} more is recovered."


def harmless(swaps: Sequence[Swap]) -> Iterator[str]:
    found = [one for one in swaps if one.hurt is not None and not one.breaks]
    if found:
        names = _named([f"'{one.feature}' at '{one.node}'" for one in found])
        yield (
            f"Donors that differ on {names} do not hurt for certain: nothing shows that the "
            "feature carries anything there."
        )


def fragile(conventions: Sequence[Convention], share: Recovered) -> Iterator[str]:
    found = [one for one in conventions if one.fragile]
    if found and share.value is not None:
        names = _named([f"{o.name} {o.value} ({o.recovered.value:.3f})" for o in found])
        yield f"Another convention gives another answer than {share.value:.3f}: {names}."


def uneven(groups: Sequence[Group], share: Recovered, alpha: float) -> Iterator[str]:
    bad = [
        one
        for one in groups
        if one.apart is not None and one.apart.value < 0 and one.apart.holm <= alpha
    ]
    if bad and share.value is not None:
        worst = bad[0]
        yield (
            f"Where {worst.column} is {worst.value} ({worst.references} references) it recovers "
            f"{worst.recovered.value:.3f}, less than the {share.value:.3f} of all"
            + (f"; so it does in {len(bad) - 1} more groups." if len(bad) > 1 else ".")
        )


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"
