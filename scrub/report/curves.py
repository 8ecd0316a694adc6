"""Curves with their intervals: effects over doses, faithfulness over the size of a circuit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import InputRefused, Problem
from scrub.report.canvas import (
    GREY,
    MARGIN,
    RULE,
    SERIES,
    key,
    key_width,
    open_frame,
    plain,
    sheet,
    styled,
)
from scrub.report.measured import Measured, refuse

WIDTH, HEIGHT = 5.2, 2.9  # inches of one pair of axes
LEFT, BELOW, ABOVE = 0.75, 0.52, 0.12  # around it
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# the sizes at which MIB evaluates circuits, as shares of all edges (arXiv:2504.13151, section 4)
KNOTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Aim(Enum):
    """Whether a metric is what the intervention is for, or what it should leave alone."""

    TARGET = "target"
    OFF_TARGET = "off target"


@dataclass(frozen=True, eq=False)
class Curve:
    """One series: `at` [point], ascending, and what was measured there [point].

    `unit` is what its values are; series of one unit share their axes.
    Raises `InputRefused` if the numbers do not agree or `at` does not ascend.
    """

    name: str
    at: npt.ArrayLike
    effects: Measured
    unit: str = "effect"
    aim: Aim = Aim.TARGET

    def __post_init__(self) -> None:
        at = np.array(self.at, dtype=np.float64)
        object.__setattr__(self, "at", at)
        where = f"curve '{self.name}'"
        if at.ndim != 1 or not at.size:
            fix = "Give one number for each point."
            raise InputRefused(Problem(where, f"its points are an array {list(at.shape)}.", fix))
        problems = self.effects.misfit(where, points=at.size)
        if not np.isfinite(at).all() or (np.diff(at) <= 0).any():
            found = f"its points do not ascend: {', '.join(f'{x:g}' for x in at[:12])}."
            problems.append(Problem(where, found, "Sort them, each number once."))
        refuse(problems)


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """Effects over the dose of an intervention, targets and side effects together."""

    title: str
    curves: tuple[Curve, ...]
    said: tuple[str, ...] = ()
    dose: str = "dose t: (1 − t) · own + t · replacement"

    def __post_init__(self) -> None:
        _some(self.curves, f"dose–response curves '{self.title}'")


@dataclass(frozen=True, eq=False)
class CircuitCurves:
    """Faithfulness over the share of the model's edges that a circuit keeps, above 0 up to 1."""

    title: str
    curves: tuple[Curve, ...]
    said: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _some(self.curves, f"circuit curves '{self.title}'")
        for curve in self.curves:
            at = np.asarray(curve.at)
            if at[0] <= 0 or at[-1] > 1:
                found = f"its shares of edges run from {at[0]:g} to {at[-1]:g}."
                fix = "They must lie above 0 and not above 1."
                raise InputRefused(Problem(f"curve '{curve.name}'", found, fix))


@styled
def draw_doses(doses: DoseResponse) -> Figure:
    """The figure: one pair of axes for each unit, above one another, over the same doses.

    >>> curve = Curve("sentiment", [0, 0.5, 1], Measured([0, 0.2, 0.9]), unit="logits")
    >>> axes, = draw_doses(DoseResponse("Dose", (curve,))).axes
    >>> axes.get_ylabel()
    'logits'
    """
    return _draw(doses.title, doses.said, doses.curves, doses.dose, _zero)


@styled
def draw_circuits(circuits: CircuitCurves) -> Figure:
    """The figure: shares of edges on a logarithmic axis that is ticked at MIB's knots.

    >>> curve = Curve("EAP", [0.01, 0.1, 1], Measured([0.1, 0.7, 1.0]), unit="faithfulness")
    >>> axes, = draw_circuits(CircuitCurves("Circuits", (curve,))).axes
    >>> axes.get_xscale()
    'log'
    """
    return _draw(circuits.title, circuits.said, circuits.curves, "share of edges kept", _knots)


def _some(curves: Sequence[Curve], where: str) -> None:
    if not curves:
        raise InputRefused(Problem(where, "there are none.", "Give at least one."))


def _draw(
    title: str, said: Sequence[str], curves: Sequence[Curve], x: str, dress: Callable[[Axes], None]
) -> Figure:
    """Axes above one another, one for each unit; a series looks the same wherever it stands."""
    names = dict.fromkeys(curve.unit for curve in curves)
    units = [[curve for curve in curves if curve.unit == name] for name in names]
    looks = {id(curve): _look(number, curve) for number, curve in enumerate(curves)}
    beside = key_width([_named(curve) for curve in curves])
    tall = ABOVE + HEIGHT
    across = 2 * MARGIN + LEFT + WIDTH + beside
    page = sheet(title, said, across, len(units) * (tall + 0.1) + BELOW + MARGIN)
    reach = min(np.min(c.at) for c in curves), max(np.max(c.at) for c in curves)
    for number, group in enumerate(units):
        top = page.body - number * (tall + 0.1) - ABOVE
        axes = page.axes(MARGIN + LEFT, top - HEIGHT, WIDTH, HEIGHT)
        last = number == len(units) - 1
        plain(axes, x if last else "", group[0].unit)
        axes.tick_params(labelbottom=last)
        handles = [_curve(axes, curve, looks[id(curve)]) for curve in group]
        key(axes, handles, [_named(curve) for curve in group])
        _limits(axes, group, reach)
        dress(axes)
        open_frame(axes)
    return page.figure


def _named(curve: Curve) -> str:
    return curve.name if curve.aim is Aim.TARGET else f"{curve.name} ({curve.aim.value})"


def _look(number: int, curve: Curve) -> dict[str, Any]:
    """A colour, a marker and, for a side effect, a broken line: grey print tells them apart too."""
    return {
        "color": SERIES[number % len(SERIES)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": "-" if curve.aim is Aim.TARGET else (0, (4, 1.6)),
        "markerfacecolor": "white" if curve.aim is Aim.OFF_TARGET else None,
    }


def _curve(axes: Axes, curve: Curve, look: dict[str, Any]) -> Any:
    """The line with a marker at each point, broken where nothing was measured, and its band."""
    at, effects = np.asarray(curve.at), curve.effects
    if effects.ends:
        low, high = effects.ends
        axes.fill_between(at, low, high, color=look["color"], alpha=0.16, linewidth=0, zorder=1.5)
        axes.vlines(at, low, high, color=look["color"], alpha=0.45, linewidth=0.7, zorder=1.6)
    (line,) = axes.plot(at, effects.array, markersize=4.5, linewidth=1.5, zorder=3, **look)
    return line


def _limits(axes: Axes, group: Sequence[Curve], reach: tuple[float, float]) -> None:
    """All units over the same doses; 0 is always in sight."""
    ends = [curve.effects.reach() for curve in group]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    room = 0.06 * (high - low) or 1.0
    axes.set_ylim(low - room, high + room)
    room = 0.03 * (reach[1] - reach[0]) or 0.5
    axes.set_xlim(reach[0] - room, reach[1] + room)


def _zero(axes: Axes) -> None:
    axes.axhline(0, color=GREY, linewidth=0.9, zorder=1)
    axes.grid(axis="y", color=RULE, linewidth=0.4, alpha=0.6)


def _knots(axes: Axes) -> None:
    """Nothing and the whole model as lines; the knots that lie within the curves as ticks."""
    low, high = (max(end, 1e-9) for end in (min(_points(axes)), max(_points(axes))))
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high * 1.15 if high > low else high * 2)
    inside = [knot for knot in KNOTS if low / 1.1 <= knot <= high * 1.1]
    ticks = inside if len(inside) > 1 else sorted({low, high})
    axes.set_xticks(ticks, labels=[f"{100 * tick:g} %" for tick in ticks])
    axes.minorticks_off()
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(bottom, -0.06), max(top, 1.06))
    for height, colour in ((0, GREY), (1, GREY)):
        axes.axhline(height, color=colour, linewidth=0.9, linestyle="-" if height == 0 else ":")
    axes.grid(color=RULE, linewidth=0.4, alpha=0.6)


def _points(axes: Axes) -> list[float]:
    """Where the curves on these axes have points."""
    return [x for line in axes.get_lines() for x in np.asarray(line.get_xdata(), dtype=float)]
