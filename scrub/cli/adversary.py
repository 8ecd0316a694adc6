"""scrub adversary"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.cli.asking import CONVENTIONS, MACHINE, SIZES, STATISTICS, Asked, asking


@asking(SIZES | STATISTICS | MACHINE | CONVENTIONS)
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
    *,
    asked: Asked,
) -> None:
    """Find the sampling that hurts a hypothesis most, within what it claims.

    A claim says which examples may stand in for each other. Here they are chosen against it, node
    by node, on one half of the references, and the choice is scored on the other half.
    """
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.report.adversary import report as as_text

    settings, hypothesis = asked.settings(), asked.hypothesis(file)
    require_targets(json, report=report)
    with bars(quiet) as progress:
        from scrub.study.adversary.adversary import (
            adversary as found_against,  # brings torch, behind a bar
        )

        found = found_against(
            hypothesis, settings, candidates=candidates, rounds=rounds, progress=progress
        )
    keep_all(found, as_text(found), f"{found.name}, at worst", json=json, report=report)
