"""scrub controls"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings


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
    references: o.References = Settings.references,
    draws: o.Draws = Settings.draws,
    seed: o.Seed = Settings.seed,
    level: o.Level = Settings.level,
    interval: o.IntervalName = Settings.interval,
    estimand: o.EstimandName = Settings.estimand,
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
    """Hold a hypothesis against its controls.

    Hypotheses drawn at random, each node and edge left out, donors that differ on a feature, the
    claims that nothing and that everything matters, the worst subgroups, and every convention in
    turn. At the end stands, in words, what speaks against the claim.
    """
    from scrub.cli.progress import bars
    from scrub.cli.reading import read
    from scrub.report.controls import report as as_text
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
        threads=threads,
    )
    hypothesis = read(
        file,
        model,
        unimportant=unimportant,
        nodes=nodes,
        replacement=replacement,
        donors=donors,
        baseline=baseline,
        root=root,
        self_donation=self_donation,
        limit=limit,
    )
    require_target("--json", json, (".json",))
    require_target("--report", report, REPORTS)
    require_target("--png", png, (".png",))
    require_target("--svg", svg, (".svg",))
    with bars(quiet) as progress:
        from scrub.study.controls.controls import CONTROLS  # brings torch, behind the first bar
        from scrub.study.controls.controls import controls as held_against

        names = CONTROLS if which == "all" else [name.strip() for name in which.split(",")]
        found = held_against(hypothesis, settings, which=names, nulls=nulls, progress=progress)
    show(as_text(found))
    if json:
        found.write_json(json)
    if report:
        write(as_text(found), report, title=f"{found.name}, controls")
    if pictures := [path for path in (png, svg) if path]:
        from scrub.report.canvas import save
        from scrub.report.controls_plot import draw  # brings matplotlib

        for path in pictures:
            save(draw(found), path)
