"""Attributions, circuits and paths as pictures: a scatter, a curve, bars."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from scrub.errors import InputRefused, Problem
from scrub.mediation.attributed import Attribution
from scrub.mediation.faithfulness import CircuitCurve, Faithfulness
from scrub.mediation.findings import Finding
from scrub.mediation.pathpatching import PathPatch
from scrub.report import bars, curves, scatter
from scrub.report.canvas import BODY
from scrub.report.measured import Floats, Measured
from scrub.report.wired import said_of


def picture(found: Finding) -> Figure:
    """The picture of a finding. Raises `InputRefused` where there is nothing to draw, TypeError for
    findings that have none.

    >>> picture(Finding({}, {}))
    Traceback (most recent call last):
    TypeError: there is no picture of a Finding.
    """
    match found:
        case Attribution():
            return _attribution(found)
        case Faithfulness():
            return _faithfulness(found)
        case CircuitCurve():
            return _curve(found)
        case PathPatch():
            return _paths(found)
        case _:
            raise TypeError(f"there is no picture of a {type(found).__name__}.")


def _attribution(found: Attribution) -> Figure:
    """Estimate against exact, a point for each that was measured."""
    if found.exact is None:
        fix = "Measure some of them, e.g. exact 20."
        raise InputRefused(Problem("plot", "no exact effect was measured.", fix))
    some, estimates = list(found.measured), found.estimates
    low, high = (None if end is None else end[some] for end in (estimates.low, estimates.high))
    return scatter.draw(
        scatter.Agreement(
            f"Estimated and exact effects, by {found.conventions['method']}",
            tuple(found.names[i] for i in some),
            _measured(estimates.mean[some], low, high),
            _measured(found.exact.mean, found.exact.low, found.exact.high),
            unit=f"effect on {found.conventions['metric']}",
            said=said_of(found),
        )
    )


def _faithfulness(found: Faithfulness) -> Figure:
    """What each component is worth to the circuit."""
    gaps = found.minimality
    if gaps is None:
        fix = "Name a circuit that has components."
        raise InputRefused(Problem("plot", "an empty circuit has no component.", fix))
    one = found.faithfulness.bounds(0)
    score = "refused" if one is None else f"{one.value:.3f}"
    signed = gaps.signed
    figure = bars.draw(
        bars.Ranking(
            "What each component is worth to the circuit",
            tuple((name,) for name in found.members),
            _measured(signed.mean, signed.low, signed.high),
            unit=f"{found.conventions['metric']}, circuit less circuit without it",
            said=said_of(found, f"{len(found.edges)} edges; faithfulness {score}"),
        )
    )
    figure.axes[0].set_ylabel("component", fontsize=BODY)
    return figure


def _curve(found: CircuitCurve) -> Figure:
    curve = found.areas.faithfulness
    if curve.share is None:
        raise InputRefused(Problem("plot", str(curve.refusal)))
    cpr, cmd = found.areas.cpr, found.areas.cmd
    areas = [f"{name} {one.value:.3f}" for name, one in (("CPR", cpr), ("CMD", cmd)) if one]
    shown = _measured(curve.share, curve.low, curve.high)
    return curves.draw_circuits(
        curves.CircuitCurves(
            "Faithfulness of circuits of every size",
            (curves.Curve("circuit", found.areas.knots, shown, unit="faithfulness"),),
            said=said_of(found, ", ".join(areas)),
        )
    )


def _paths(found: PathPatch) -> Figure:
    """The effect of each path in each direction."""
    several = len(found.carried) > 1
    means = [one.effects for one in found.carried]
    low, high = (
        None
        if any(end is None for end in ends)
        else np.concatenate([e for e in ends if e is not None])
        for ends in ([e.low for e in means], [e.high for e in means])
    )
    names = [
        f"{name} ({one.direction})" if several else name
        for one in found.carried
        for name in found.names
    ]
    return bars.draw(
        bars.Ranking(
            "What paths carry",
            tuple((name,) for name in names),
            _measured(np.concatenate([e.mean for e in means]), low, high),
            unit=f"effect on {found.conventions['metric']}",
            said=said_of(found),
        )
    )


def _measured(values: Floats, low: Floats | None, high: Floats | None) -> Measured:
    return Measured(values) if low is None or high is None else Measured(values, low, high)
