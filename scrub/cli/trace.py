"""scrub trace"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrub.cli import options as o

WHAT = "What is traced"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


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
    references: o.Examples = 64,
    draws: Annotated[
        int | None,
        typer.Option(
            help="Draws of what is random, for each example. Default: 4, or 1 where nothing is.",
            metavar="N",
            rich_help_panel=o.SIZE,
        ),
    ] = None,
    seed: o.Seed = 0,
    level: o.Level = 0.95,
    interval: o.IntervalName = "bca",
    model: o.ModelPath = None,
    batch: o.Batch = None,
    device: o.Device = "cpu",
    dtype: o.Dtype = "float32",
    threads: o.Threads = None,
) -> None:
    """Corrupt a run, restore one cell at a time, and measure what each repairs.

    A cell is a component (or several) at a position. Its total effect is what restoring it changes;
    its direct effect what of this reaches the output by no other component.
    """
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named
    from scrub.report.tracing import heatmap, require_effect
    from scrub.report.tracing import report as as_text
    from scrub.report.writing import REPORTS, require_target, show, write

    targets = {"--json": json, "--csv": csv, "--png": png, "--svg": svg}
    for option, path in targets.items():
        require_target(option, path, (option.replace("--", "."),))
    require_target("--report", report, REPORTS)
    require_effect(effect)
    given = named(target, task, model)
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
            threads=threads,
            progress=progress,
            references=references,
            draws=draws,
            seed=seed,
            level=level,
            interval=interval,
            batch=batch,
            device=device,
            dtype=dtype,
        )
    show(as_text(found))
    if json:
        found.write_json(json)
    if csv:
        found.write_csv(csv)
    if report:
        write(as_text(found), report, title=found.KIND)
    for path in filter(None, (png, svg)):
        from scrub.report.canvas import save
        from scrub.report.heatmap import draw  # brings matplotlib

        save(draw(heatmap(found, effect)), path)
