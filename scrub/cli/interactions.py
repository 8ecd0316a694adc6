"""scrub interactions"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scrub.mediation.interacting import Interactions

WHAT = "What is changed"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


@asking(MEASURED, references=64, draws=1)
def interactions(
    target: o.Target,
    at: Annotated[
        list[str],
        _what(
            "The members: components, ports, neurons or states with their positions, each a "
            "member, e.g. a1.h0@end,m3. Given several times, each time one member, of one or "
            "several places.",
            "PLACES",
        ),
    ],
    task: o.TaskName = None,
    corrupt: Annotated[
        list[str] | None,
        _what(
            "How the run is corrupted that members' new values are of, or that they are given "
            "back in: PLACE=REPLACEMENT, e.g. embed=resample. May be given several times.",
            "WHAT",
        ),
    ] = None,
    replace: Annotated[
        str,
        _what(
            "What members are replaced by: corrupted (as --corrupt leaves them), zero, mean, "
            "mean_within:COLUMN, resample, resample:COLUMN, noise:SCALE and others.",
            "NAME",
        ),
    ] = "corrupted",
    direction: Annotated[
        str,
        _what(
            "knock_out (members replaced in the wild run) or knock_in (given back their own values "
            "in the corrupted run).",
            "NAME",
        ),
    ] = "knock_out",
    tolerance: Annotated[
        float,
        _what(
            "Of the largest effect of any set: less counts as nothing in the words for pairs.", "P"
        ),
    ] = 0.1,
    orders: Annotated[
        int, _what("Beyond 12 members: pairs of orders of joining that are sampled.", "N")
    ] = 100,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Measure what components do together that they do not do apart.

    Of up to 12 members every set is run: its interaction is what it does beyond its smaller sets,
    and each pair is redundant, cancelling, synergistic or independent. Beyond that, Shapley values
    are sampled.
    """
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named

    require_targets(json, csv, png, svg, report)
    given = named(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.interactions import (
            interactions as measured,  # brings torch, behind the first bar
        )

        found = measured(
            given.model,
            given.task,
            at=at if len(at) > 1 else at[0],
            corrupt=corrupt or None,
            replacement=replace,
            direction=direction,
            tolerance=tolerance,
            orders=orders,
            progress=progress,
            **asked.measured(),
        )
    from scrub.report.interacting import report as as_text

    keep_all(
        found,
        as_text(found),
        found.KIND,
        picture=_picture,
        json=json,
        csv=csv,
        pictures=(png, svg),
        report=report,
    )


def _picture(found: Interactions) -> Figure:
    from scrub.report.bars import draw  # brings matplotlib
    from scrub.report.interplay import ranking

    return draw(ranking(found))
