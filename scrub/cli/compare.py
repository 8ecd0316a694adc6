"""scrub compare"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings


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
    references: o.References = Settings.references,
    draws: o.Draws = Settings.draws,
    seed: o.Seed = Settings.seed,
    level: o.Level = Settings.level,
    interval: o.IntervalName = Settings.interval,
    estimand: o.EstimandName = Settings.estimand,
    null: o.NullName = Settings.null,
    model: o.ModelPath = None,
    batch: o.Batch = Settings.batch,
    memory: o.Memory = Settings.memory,
    device: o.Device = Settings.device,
    dtype: o.Dtype = Settings.dtype,
    threads: o.Threads = Settings.threads,
    unimportant: o.Unimportant = None,
    nodes: o.Nodes = None,
    replacement: o.Replacement = None,
    donors: o.Donors = None,
    baseline: o.Baseline = None,
    root: o.Root = None,
    self_donation: o.SelfDonation = None,
    limit: o.Limit = None,
) -> None:
    """Compare hypotheses about one behaviour, on the same references and draws.

    Differences with intervals and p-values, equivalence within a margin, ranks and how sure they
    are, how much each claims, which refines which, and where two differ most.
    """
    from scrub.cli.progress import bars
    from scrub.cli.reading import read
    from scrub.report.comparing import report as as_text
    from scrub.report.writing import REPORTS, require_target, show, write

    settings = Settings(
        references=references,
        draws=draws,
        seed=seed,
        batch=batch,
        memory=memory,
        device=device,
        dtype=dtype,
        level=level,
        interval=interval,
        estimand=estimand,
        null=null,
        threads=threads,
    )
    conventions = {
        "unimportant": unimportant,
        "nodes": nodes,
        "replacement": replacement,
        "donors": donors,
        "baseline": baseline,
        "root": root,
        "self_donation": self_donation,
        "limit": limit,
    }
    hypotheses = [read(file, model, **conventions) for file in files]
    require_target("--json", json, (".json",))
    require_target("--report", report, REPORTS)
    require_target("--png", png, (".png",))
    require_target("--svg", svg, (".svg",))
    with bars(quiet) as progress:
        from scrub.study.comparing.compare import (
            compare as compared,  # brings torch, behind the first bar
        )

        found = compared(hypotheses, settings, margin=margin, progress=progress)
    show(as_text(found))
    if json:
        found.write_json(json)
    if report:
        write(as_text(found), report, title="comparison")
    if pictures := [path for path in (png, svg) if path]:
        from scrub.report.canvas import save
        from scrub.report.pareto import draw  # brings matplotlib

        for path in pictures:
            save(draw(found), path)
