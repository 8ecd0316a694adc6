"""scrub adversary"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings


def adversary(
    file: o.File,
    candidates: Annotated[
        int,
        typer.Option(
            help="Attributes, and single rows of each class, that are tried for each node.",
            metavar="N",
            rich_help_panel=o.SIZE,
        ),
    ] = 4,
    rounds: Annotated[
        int,
        typer.Option(help="Times round all nodes, at most.", metavar="N", rich_help_panel=o.SIZE),
    ] = 2,
    json: o.JsonPath = None,
    report: o.ReportPath = None,
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
    """Find the sampling that hurts a hypothesis most, within what it claims.

    A claim says which examples may stand in for each other. Here they are chosen against it, node
    by node, on one half of the references, and the choice is scored on the other half.
    """
    from scrub.cli.progress import bars
    from scrub.cli.reading import read
    from scrub.report.adversary import report as as_text
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
    with bars(quiet) as progress:
        from scrub.study.adversary.adversary import (
            adversary as found_against,  # brings torch, behind a bar
        )

        found = found_against(
            hypothesis, settings, candidates=candidates, rounds=rounds, progress=progress
        )
    show(as_text(found))
    if json:
        found.write_json(json)
    if report:
        write(as_text(found), report, title=f"{found.name}, at worst")
