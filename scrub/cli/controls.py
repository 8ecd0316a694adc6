"""scrub controls"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scrub.cli import options as o
from scrub.cli.asking import CONVENTIONS, MACHINE, SIZES, STATISTICS, Asked, asking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scrub.results.controls import Controls


@asking(SIZES | STATISTICS | MACHINE | CONVENTIONS)
def controls(
    file: o.File,
    which: Annotated[
        str,
        typer.Option(
            help="Some of nulls, leave_one_out, anchors, swaps, subgroups and sensitivity, "
            "separated by commas, or all.",
            metavar="NAMES",
        ),
    ] = "all",
    nulls: Annotated[
        int,
        typer.Option(
            help="Hypotheses of each kind that are drawn at random.",
            metavar="N",
            rich_help_panel=o.SIZE,
        ),
    ] = 20,
    json: o.JsonPath = None,
    report: o.ReportPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Hold a hypothesis against its controls.

    Hypotheses drawn at random, each node and edge left out, donors that differ on a feature, the
    claims that nothing and that everything matters, the worst subgroups, and every convention in
    turn. At the end stands, in words, what speaks against the claim.
    """
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.report.controls import report as as_text

    settings, hypothesis = asked.settings(), asked.hypothesis(file)
    require_targets(json, png=png, svg=svg, report=report)
    with bars(quiet) as progress:
        from scrub.study.controls.controls import CONTROLS  # brings torch, behind the first bar
        from scrub.study.controls.controls import controls as held_against

        names = CONTROLS if which == "all" else [name.strip() for name in which.split(",")]
        found = held_against(hypothesis, settings, which=names, nulls=nulls, progress=progress)
    keep_all(
        found,
        as_text(found),
        f"{found.name}, controls",
        picture=_picture,
        json=json,
        pictures=(png, svg),
        report=report,
    )


def _picture(found: Controls) -> Figure:
    from scrub.report.controls_plot import draw  # brings matplotlib

    return draw(found)
