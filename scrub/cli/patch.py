"""scrub patch"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

WHAT = "What is done"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


@asking(MEASURED, references=64, draws=1)
def patch(
    target: o.Target,
    at: Annotated[
        str,
        _what(
            "The site: components, ports, neurons or states with their positions, together, "
            "e.g. a1.h0@end,m3.n0-63.",
            "PLACES",
        ),
    ],
    task: o.TaskName = None,
    replace: Annotated[
        str | None,
        _what(
            "What is put there: zero, mean, mean_within:COLUMN, resample, resample:COLUMN, "
            "toward:COLUMN=VALUE, partner:COLUMN, noise:SCALE, scale:FACTOR; several for a table. "
            "Default: a table of the usual ones; with --corrupt what stands there when corrupted.",
            "NAMES",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        _what("Add mean_within and resample by each of these columns to the table.", "COLUMNS"),
    ] = None,
    permute: Annotated[
        str | None,
        _what("Replace every value of this column by every other, as a matrix.", "COLUMN"),
    ] = None,
    values: Annotated[
        str | None, _what("With --permute: only these values of the column.", "VALUES")
    ] = None,
    doses: Annotated[
        str | None,
        _what(
            "Shares of one replacement to blend in, e.g. 0,.5,1; with --replace noise or scale, "
            "the scales or factors themselves.",
            "DOSES",
        ),
    ] = None,
    corrupt: Annotated[
        list[str] | None,
        _what(
            "Knock the site out of the wild run, and into one corrupted so: PLACE=REPLACEMENT, "
            "e.g. embed@subject=noise:3. May be given several times.",
            "WHAT",
        ),
    ] = None,
    off_target: Annotated[
        str | None,
        _what(
            "Metrics to measure beside the target: loss, logit_difference, probability, accuracy, "
            "kl; with --corrupt also task:NAME, another task.",
            "NAMES",
        ),
    ] = None,
    subspace: Annotated[
        Path | None,
        _what("A .npy matrix [width, k], orthonormal: only that subspace of the output.", "PATH"),
    ] = None,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Replace what stands at one site of a model, and measure what that does.

    One of four, by what is asked for: a table of replacements (the default); --permute, a matrix
    of contrasts; --doses, a dose–response curve; --corrupt, knock-out and knock-in.
    """
    from scrub.cli.findings import keep, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named

    require_targets(json, csv, png, svg, report)
    given = named(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.asking import Question, matrix  # brings torch, behind the first bar

        made = tuple(corrupt) if corrupt else None
        question = Question(replace, columns, permute, values, doses, made, off_target)
        found = question.answer(
            given.model,
            given.task,
            at=at,
            subspace=matrix(subspace),
            progress=progress,
            **asked.measured(),
        )
    keep(found, json=json, csv=csv, pictures=[p for p in (png, svg) if p], report=report)
