"""scrub trace"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scrub.mediation.traced import Trace

WHAT = "What is traced"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


Draws = Annotated[
    int | None,
    typer.Option(
        help="Draws of what is random, for each example. Default: 4, or 1 where nothing is.",
        metavar="N",
        rich_help_panel=o.SIZE,
    ),
]
TRACED = MEASURED | {"draws": Draws, "batch": o.Batch, "dtype": o.Dtype, "threads": o.Threads}


@asking(TRACED, references=64, draws=None)
def trace(
    target: o.Target,
    task: o.TaskName = None,
    corrupt: Annotated[
        list[str] | None,
        _what(
            "How the run is corrupted: PLACE=REPLACEMENT, e.g. embed@subject=noise:3 or "
            "embed=partner:contrast. May be given several times.",
            "WHAT",
        ),
    ] = None,
    cells: Annotated[
        str,
        _what(
            "Rows: resid, attn, mlp, heads, components, window:K:attn, window:K:mlp (K layers "
            "together), or names of components.",
            "KINDS",
        ),
    ] = "resid,attn,mlp",
    positions: Annotated[
        str,
        _what(
            "Columns: roles, all (each index by itself), together, names of roles, indices or "
            "ranges; image:all speaks of one position space.",
            "NAMES",
        ),
    ] = "roles",
    direction: Annotated[
        str,
        _what(
            "restore (wild values into the corrupted run) or knock_out (the other way round).",
            "NAME",
        ),
    ] = "restore",
    metric: Annotated[
        str | None,
        _what("Another metric than the task's: loss, logit_difference, probability, …", "NAME"),
    ] = None,
    effect: Annotated[
        str, _what("What the picture shows: total, direct, indirect or share.", "NAME")
    ] = "total",
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    report: o.ReportPath = None,
    journal: Annotated[
        Path | None,
        _what(
            "Keep what is measured in this file; the same command goes on where it stopped.", "PATH"
        ),
    ] = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Corrupt a run, restore one cell at a time, and measure what each repairs.

    A cell is a component (or several) at a position. Its total effect is what restoring it changes;
    its direct effect what of this reaches the output by no other component.
    """
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named
    from scrub.report.tracing import heatmap, require_effect
    from scrub.report.tracing import report as as_text

    require_targets(json, csv, png, svg, report)
    require_effect(effect)
    given = named(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.trace import trace as traced  # brings torch, behind the first bar

        found = traced(
            given.model,
            given.task,
            corrupt=corrupt or (),
            cells=cells,
            positions=positions,
            direction=direction,
            metric=metric,
            journal=journal,
            progress=progress,
            **asked.measured(),
        )

    def picture(trace: Trace) -> Figure:
        from scrub.report.heatmap import draw  # brings matplotlib

        return draw(heatmap(trace, effect))

    keep_all(
        found,
        as_text(found),
        found.KIND,
        picture=picture,
        json=json,
        csv=csv,
        pictures=(png, svg),
        report=report,
    )
