"""scrub compare"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scrub.cli import options as o
from scrub.cli.asking import CONVENTIONS, MACHINE, NULL, SIZES, STATISTICS, Asked, asking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scrub.results.comparison import Comparison


@asking(SIZES | STATISTICS | NULL | MACHINE | CONVENTIONS)
def compare(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="Hypothesis files (.py), or names of those that come with scrub: two or more, "
            "about one behaviour of one model.",
            show_default=False,
        ),
    ],
    margin: Annotated[
        float,
        typer.Option(
            help="Differences in recovered below it count as none, between 0 and 1.",
            metavar="SHARE",
            rich_help_panel=o.STATISTICS,
        ),
    ] = 0.05,
    json: o.JsonPath = None,
    report: o.ReportPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Compare hypotheses about one behaviour, on the same references and draws.

    Differences with intervals and p-values, equivalence within a margin, ranks and how sure they
    are, how much each claims, which refines which, and where two differ most.
    """
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.report.comparing import report as as_text

    settings = asked.settings()
    hypotheses = [asked.hypothesis(file) for file in files]
    require_targets(json, png=png, svg=svg, report=report)
    with bars(quiet) as progress:
        from scrub.study.comparing.compare import (
            compare as compared,  # brings torch, behind the first bar
        )

        found = compared(hypotheses, settings, margin=margin, progress=progress)
    keep_all(
        found,
        as_text(found),
        "comparison",
        picture=_picture,
        json=json,
        pictures=(png, svg),
        report=report,
    )


def _picture(found: Comparison) -> Figure:
    from scrub.report.pareto import draw  # brings matplotlib

    return draw(found)
