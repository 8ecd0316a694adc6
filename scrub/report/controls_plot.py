"""A claim among its nulls, and what each part of it is worth: one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scrub.errors import InputRefused, Problem
from scrub.report.bars import NEGATIVE, POSITIVE
from scrub.report.canvas import (
    GREY,
    MARGIN,
    RULE,
    SERIES,
    SMALL,
    open_frame,
    plain,
    sheet,
    styled,
)
from scrub.report.fonts import label, text_width
from scrub.report.numbers import count, level, ratio
from scrub.results.comparison import Apart
from scrub.results.controls import Controls, Nulls, Swap

WIDTH, NAME = 4.6, 2.6  # inches, of the axes and of the longest name
STRIP, BAR, HEAD = 0.42, 0.19, 0.3  # of a row of nulls, of a bar, of a heading
MOST = 40  # bars of each kind
KINDS = {
    "random": "random components",
    "profile": "same kind and layer",
    "permuted": "permuted nodes",
    "labels": "permuted features",
}


@dataclass(frozen=True)
class _Bar:
    name: str
    found: Apart
    doubtful: bool


@styled
def draw(found: Controls) -> Figure:
    """Above, what each null recovers, and the claim as a line with its interval; below, bars of
    what is lost without each node and edge, and by each swap.

    Raises `InputRefused` where there is nothing to draw: the ratio is refused, or neither nulls
    nor claims left out nor swaps were asked for.
    """
    strips = [one for one in found.nulls if one.recovered]
    groups = {
        "lost without it": [
            _Bar(f"{one.name}", one.worth, one.idle) for one in found.left_out if one.worth
        ],
        "lost by donors that differ": [
            _Bar(f"{one.feature} at {one.node}", one.hurt, not one.breaks)
            for one in sorted(found.swaps, key=_hurt)
            if one.hurt
        ],
    }
    groups = {name: bars[:MOST] for name, bars in groups.items() if bars}
    if found.recovered.value is None or not (strips or groups):
        fix = found.recovered.refusal or "Ask for nulls, leave_one_out or swaps."
        raise InputRefused(Problem("plot", "there is no share recovered to draw.", fix))
    names = [KINDS[one.kind] for one in strips]
    names += [bar.name for bars in groups.values() for bar in bars]
    left = max(text_width(label(name, SMALL, NAME), SMALL) for name in names) + 0.35
    tall = STRIP * len(strips)
    low = sum(HEAD + BAR * len(bars) for bars in groups.values())
    body = 2 * MARGIN + (tall + 0.55) * bool(strips) + (low + 0.55) * bool(groups)
    page = sheet(f"{found.name} held against its controls", _said(found), left + WIDTH + 0.6, body)
    y = page.body - MARGIN
    if strips:
        _strips(page.axes(MARGIN + left, y - tall, WIDTH, tall), strips, found)
        y -= tall + 0.6
    if groups:
        _bars(page.axes(MARGIN + left, y - low, WIDTH, low), groups, low)
    return page.figure


def _hurt(swap: Swap) -> float:
    return 0.0 if swap.hurt is None else -swap.hurt.value


def _said(found: Controls) -> tuple[str, ...]:
    said, share = found.conventions, found.recovered
    scored = f"{count(said['references'], 'reference')} × {count(said['draws'], 'draw')}"
    ends = "" if share.low is None else f" ({ratio(share.low)} to {ratio(share.high)})"
    return (
        f"{found.model} on {found.task}: {found.metric} at {said['scored_at']}; {scored}",
        f"recovered {ratio(share.value)}{ends}; {level(said['level'])} intervals, each for itself",
    )


def _strips(axes: Axes, strips: Sequence[Nulls], found: Controls) -> None:
    """A dot for each null; those that are the claim itself are hollow."""
    share = found.recovered
    assert share.value is not None  # a refused ratio is not drawn
    for end in (0.0, 1.0):
        axes.axvline(end, color=RULE, linewidth=0.7, zorder=0.5)
    if share.low is not None and share.high is not None:
        axes.axvspan(share.low, share.high, color=SERIES[1], alpha=0.15, linewidth=0)
    axes.axvline(share.value, color=SERIES[1], linewidth=1.3, zorder=2)
    for row, one in enumerate(strips):
        spread = np.linspace(-0.28, 0.28, max(2, len(one.recovered)))[: len(one.recovered)]
        own = np.isclose(one.recovered, share.value, atol=1e-12) & (one.coincide > 0)
        faces = ["white" if mine else SERIES[0] for mine in own]
        axes.scatter(
            one.recovered,
            row + spread,
            s=11,
            facecolor=faces,
            edgecolor=SERIES[0],
            linewidths=0.8,
            zorder=3,
        )
    axes.set_ylim(len(strips) - 0.5, -0.5)
    axes.set_yticks(
        range(len(strips)), labels=[KINDS[one.kind] for one in strips], parse_math=False
    )
    plain(axes, "recovered by each null (dots; hollow: the claim itself) and by the claim (line)")
    open_frame(axes)
    axes.tick_params(axis="y", length=0)


def _bars(axes: Axes, groups: dict[str, list[_Bar]], tall: float) -> None:
    y, ticks, names = 0.0, [], []
    for heading, bars in groups.items():
        _head(axes, heading, y + HEAD / 2)
        y += HEAD
        for bar in bars:
            centre = y + BAR / 2
            ink = POSITIVE if bar.found.value >= 0 else NEGATIVE
            face = "white" if bar.doubtful else ink
            axes.barh(centre, bar.found.value, BAR * 0.62, facecolor=face, edgecolor=ink, zorder=2)
            if bar.found.low is not None and bar.found.high is not None:
                axes.hlines(
                    centre, bar.found.low, bar.found.high, color="black", linewidth=1.0, zorder=4
                )
            ticks.append(centre)
            names.append(label(bar.name, SMALL, NAME))
            y += BAR
    axes.axvline(0, color=GREY, linewidth=0.9, zorder=1)
    axes.set_ylim(tall, 0)  # inches from the top
    axes.set_yticks(ticks, labels=names, parse_math=False)
    plain(axes, "recovered lost (hollow: not for certain)")
    open_frame(axes)
    axes.grid(axis="x", color=RULE, linewidth=0.4, alpha=0.6)
    axes.tick_params(axis="y", length=0)


def _head(axes: Axes, heading: str, y: float) -> None:
    how: dict[str, Any] = {
        "transform": axes.get_yaxis_transform(),
        "va": "center_baseline",
        "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.0},
        "zorder": 5,
    }
    axes.text(0.005, y, heading, fontsize=SMALL, fontweight="bold", **how)
