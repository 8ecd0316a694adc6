"""Dose and response: how an effect grows as more of a replacement is blended in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scrub.statistics.effects import Effects, mean_effects
from scrub.statistics.examples import (
    USUAL,
    Groups,
    Resampling,
    check_groups,
    check_values,
)
from scrub.statistics.recovered import Bounds
from scrub.statistics.sample import Floats

_BETWEEN = 8  # doses looked at between two that were measured; the ends are smooth there


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """A curve of effects over doses, and three figures of it.

    - `effects` [dose]: the curve. `steps` [dose − 1]: from each dose to the next.
    - `total`: the last effect less the first. `slope`: of the least-squares line, effect per dose.
    - `half`: the dose at which the curve first has half its total, on straight lines between the
      doses; None where `refusal` says why.
    - `against`: the steps whose whole interval goes against the total. Any one refutes that the
      curve is monotone, at the level of its own interval; none proves nothing.
    """

    doses: Floats
    effects: Effects
    steps: Effects
    total: Bounds
    slope: Bounds
    half: Bounds | None
    against: tuple[int, ...]
    refusal: str | None = None
    notes: tuple[str, ...] = ()


def dose_response(
    doses: Floats, effects: Floats, groups: Groups | None = None, how: Resampling = USUAL
) -> DoseResponse:
    """The curve, its steps, slope and half-effect dose: doses [k] that rise, effects [k, example].

    The interval of the half-effect dose is made of all doses at which "effect less half the
    total" cannot be told from 0, by the interval of that mean (the inversion of Fieller 1954,
    "Some problems in interval estimation", JRSS B 16:175-185), so it is wide where the curve is
    flat. Where the interval of the total holds 0, there is no half of it, and the dose is refused
    in words.

    Raises ValueError for doses that are not at least two, finite and rising, and as
    `mean_effects`.

    >>> rng = np.random.default_rng(0)
    >>> doses = np.array([0.0, 0.25, 0.5, 1.0])
    >>> found = dose_response(doses, 2 * doses[:, None] + rng.normal(0, 0.1, (4, 100)))
    >>> found.half.low < 0.5 < found.half.high, found.against
    (True, ())
    """
    check_values("doses", doses, ("dose",))
    check_values("effects", effects, ("dose", "example"))
    check_groups(groups, effects.shape[1])
    if len(doses) < 2 or np.any(np.diff(doses) <= 0) or len(doses) != len(effects):
        raise ValueError(
            "doses must be at least two that rise, one for each row of effects; "
            f"found {doses.tolist()} for {len(effects)} rows."
        )
    centred = doses - doses.mean()
    slope = (centred @ effects) / float(centred @ centred)  # [example]
    figures = mean_effects(np.stack([effects[-1] - effects[0], slope]), groups, how)
    steps = mean_effects(np.diff(effects, axis=0), groups, how)
    total = figures.bounds(0)
    refusal = _refusal(total, how.level)
    half, notes = (None, ()) if refusal else _half(doses, effects, groups, how)
    return DoseResponse(
        doses=doses,
        effects=mean_effects(effects, groups, how),
        steps=steps,
        total=total,
        slope=figures.bounds(1),
        half=half,
        against=_against(steps, total.value),
        refusal=refusal,
        notes=(*figures.notes, *notes),
    )


def _half(
    doses: Floats, effects: Floats, groups: Groups | None, how: Resampling
) -> tuple[Bounds, tuple[str, ...]]:
    """The dose of half the total, and what is to be said of it."""
    excess = effects - (effects[0] + effects[-1]) / 2  # [dose, example]: over half the total
    curve = excess.mean(axis=1)
    crossed = _crossings(doses, curve)
    notes = []
    if len(crossed) > 1:
        shown = ", ".join(f"{dose:.4g}" for dose in crossed)
        notes.append(f"The curve has half its total at several doses ({shown}); this is the first.")
    places = np.arange(_BETWEEN * (len(doses) - 1) + 1) / _BETWEEN
    fine = np.interp(places, np.arange(len(doses)), doses)
    first = np.minimum(places.astype(int), len(doses) - 2)
    part = (places - first)[:, None]
    found = mean_effects((1 - part) * excess[first] + part * excess[first + 1], groups, how)
    if found.low is None or found.high is None:
        return Bounds(crossed[0]), tuple(notes)
    # Between two doses of the fine grid the ends of the interval are taken as straight lines.
    held = np.flatnonzero((found.low <= 0) & (found.high >= 0))
    edges = [*_crossings(fine, found.low), *_crossings(fine, found.high), *fine[held]]
    return Bounds(crossed[0], float(min(edges)), float(max(edges))), tuple(notes)


def _crossings(doses: Floats, curve: Floats) -> list[float]:
    """Where a piecewise linear curve is 0, in order: at a dose, or between two."""
    found = doses[curve == 0].tolist()
    for k in np.flatnonzero(curve[:-1] * curve[1:] < 0):
        share = curve[k] / (curve[k] - curve[k + 1])
        found.append(float(doses[k] + share * (doses[k + 1] - doses[k])))
    return sorted(found)


def _against(steps: Effects, total: float) -> tuple[int, ...]:
    """Which steps go for sure the other way than the total."""
    if steps.low is None or steps.high is None:
        return ()
    back = steps.high < 0 if total > 0 else steps.low > 0
    return tuple(np.flatnonzero(back).tolist())


def _refusal(total: Bounds, level: float) -> str | None:
    """Why there is no half of the total, where that cannot be told from 0."""
    if total.low is None or total.high is None:
        return None if total.value else "The half-effect dose is refused: the total effect is 0."
    if not total.low <= 0 <= total.high:
        return None
    return (
        f"The half-effect dose is refused: the total effect is {total.value:.4g}, and the "
        f"{100 * level:g} % interval of that, {total.low:.4g} to {total.high:.4g}, holds 0. "
        "The curve stands by itself."
    )
