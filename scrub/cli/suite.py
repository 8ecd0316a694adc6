"""scrub suite"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scrub.cli import options as o

JOBS_FAILED = 4  # the exit code where some jobs could not be done


def suite(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A suite (.toml): hypotheses, models, data, metrics, conventions, seeds.",
            show_default=False,
        ),
    ],
    store: Annotated[
        Path,
        typer.Option(
            help="Folder that keeps every result; made if it is not there.",
            metavar="DIR",
            rich_help_panel=o.OUTPUT,
        ),
    ] = Path("scrub-store"),
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show the jobs, which are done and what they will cost; run nothing."
        ),
    ] = False,
    only: Annotated[
        str | None,
        typer.Option(
            help="Only jobs whose line in --dry-run contains this, or fits it where it has * or ?.",
            metavar="PATTERN",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Jobs run at a time, each in a process of its own. Default: 1, in this process; "
            "with Ray, as many as the cluster has room for.",
            metavar="N",
            rich_help_panel=o.MACHINE,
        ),
    ] = None,
    engine: Annotated[
        str,
        typer.Option(
            help="local, or ray: a cluster (pip install 'causal-scrub[ray]').",
            metavar="NAME",
            rich_help_panel=o.MACHINE,
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="Of a Ray cluster that is running. Default: one of this machine, for the suite.",
            metavar="ADDRESS",
            rich_help_panel=o.MACHINE,
        ),
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Run what of a suite is not finished yet, and keep every result.

    What is finished is never run again: a suite that was stopped, by Ctrl-C, kill or a full disk,
    is started again and goes on. Exit code 4: some jobs failed, and the others are done; 5: the
    store could not be written.
    """
    from scrub.report.writing import show
    from scrub.study.suites.suite import Suite

    asked = Suite.read(file)
    if dry_run:
        from scrub.report.suites import forecast as as_text
        from scrub.results.store.store import Store
        from scrub.study.suites.planning import forecast

        there = (store / "store.sqlite").is_file()
        kept = Store.reading(store) if there else None
        show(as_text(asked, forecast(asked, kept, only)))
        return
    from scrub.cli.suite_progress import watching
    from scrub.report.suites import report

    with watching(quiet) as watch:
        from scrub.study.suites.suites import run_suite  # brings torch

        ran = run_suite(
            asked,
            store,
            only=only,
            workers=workers,
            engine=engine,
            address=address,
            watch=watch,
        )
    show(report(ran))
    if ran.failed:
        raise typer.Exit(JOBS_FAILED)
