"""What interventions at one site did, as a picture: bars, a matrix, or curves over doses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from scrub.mediation import measuring
from scrub.mediation.ablation import Sensitivity
from scrub.mediation.contrasts import Permutation
from scrub.mediation.doses import AS_DOSES, Curve, Response
from scrub.mediation.findings import Finding
from scrub.mediation.knocking import Knock
from scrub.report import bars, curves, matrix
from scrub.report.canvas import BODY
from scrub.report.measured import Floats, Measured
from scrub.report.numbers import count, level
from scrub.statistics.effects import Effects, Shares
from scrub.statistics.recovered import Bounds

OF_DOSES = {"noise": "noise, in deviations", "scale": "factor"}


def picture(found: Finding) -> Figure:
    """The picture of a finding. Raises TypeError for those that have none.

    >>> picture(Finding({}, {}))
    Traceback (most recent call last):
    TypeError: there is no picture of a Finding.
    """
    match found:
        case Sensitivity():
            return _sensitivity(found)
        case Permutation():
            return _permutation(found)
        case Response():
            return _response(found)
        case Knock():
            return _knock(found)
        case _:
            raise TypeError(f"there is no picture of a {type(found).__name__}.")


def _said(found: Finding, *more: str) -> tuple[str, ...]:
    """What was measured and how."""
    said = found.conventions
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    return (
        f"{said['model']} on {said['task']}: {said['metric']} at {said['scored_at']}",
        *more,
        f"{scored}, seed {said['seed']}; {level(said['level'])} intervals over examples",
    )


def _sensitivity(found: Sensitivity) -> Figure:
    rows = [row for row in found.rows if row.effect is not None]
    effects = _measured([row.effect for row in rows])
    figure = bars.draw(
        bars.Ranking(
            f"{', '.join(found.places)} under every replacement",
            tuple((row.replacement,) for row in rows),
            effects,
            unit=f"effect on {found.metric}",
            said=_said(found),
        )
    )
    figure.axes[0].set_ylabel("replaced by", fontsize=BODY)
    return figure


def _permutation(found: Permutation) -> Figure:
    return matrix.draw(
        matrix.Contrasts(
            f"{', '.join(found.places)}: every {found.column} replaced by every other",
            found.values,
            _ends(found.effects, found.low, found.high),
            unit=f"effect on {found.metric}",
            said=_said(found),
        )
    )


def _response(found: Response) -> Figure:
    dose = "dose t: (1 − t) · own + t · replacement"
    return curves.draw_doses(
        curves.DoseResponse(
            f"{', '.join(found.places)}: doses of {found.replacement}",
            tuple(_curve(one, one.metric) for one in found.curves),
            said=_said(found),
            dose=OF_DOSES[found.replacement] if found.replacement in AS_DOSES else dose,
        )
    )


def _knock(found: Knock) -> Figure:
    """What is broken and repaired by dose, and the effects on all that is no target."""
    shown = [
        _shares(found.out[0], "broken by knock-out"),
        _shares(found.into[0], "repaired by knock-in"),
    ]
    for way, some in (("out", found.out[1:]), ("in", found.into[1:])):
        shown += [_curve(one, f"{one.metric}, {way}") for one in some]
    return curves.draw_doses(
        curves.DoseResponse(
            f"{', '.join(found.places)}: knock-out and knock-in",
            tuple(shown),
            said=_said(
                found, f"corrupted: {found.corruption}; knocked out by: {found.replacement}"
            ),
        )
    )


def _curve(one: Curve, name: str) -> curves.Curve:
    """Effects on a metric."""
    target = one.aim is measuring.Aim.TARGET
    return curves.Curve(
        name,
        one.doses,
        _of(one.response.effects, one.response.effects.mean),
        unit=f"effect on {one.metric}",
        aim=curves.Aim.TARGET if target else curves.Aim.OFF_TARGET,
    )


def _shares(one: Curve, name: str) -> curves.Curve:
    """Shares of the damage; effects where the shares are refused."""
    if one.shares is None or one.shares.share is None:
        return _curve(one, name)
    shown = _of(one.shares, one.shares.share)
    return curves.Curve(name, one.doses, shown, unit="share of the damage")


def _of(found: Effects | Shares, values: Floats) -> Measured:
    if found.low is None or found.high is None:
        return Measured(values)
    return _ends(values, found.low, found.high)


def _ends(values: Floats, low: Floats, high: Floats) -> Measured:
    """Values with their intervals; where one has none, itself."""
    return Measured(
        values, np.where(np.isnan(low), values, low), np.where(np.isnan(high), values, high)
    )


def _measured(found: Sequence[Bounds | None]) -> Measured:
    given = [one for one in found if one is not None]
    values = np.array([one.value for one in given])
    nan = float("nan")
    low = np.array([nan if one.low is None else one.low for one in given])
    high = np.array([nan if one.high is None else one.high for one in given])
    return _ends(values, low, high)
