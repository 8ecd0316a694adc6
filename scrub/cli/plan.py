"""scrub plan"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings

SHORT = 60  # lines of a schedule that are printed unasked


def plan(
    file: o.File,
    schedule: Annotated[
        bool,
        typer.Option(
            "--schedule",
            help="Print the schedule however long it is; one of up to 60 lines is printed anyway.",
        ),
    ] = False,
    references: o.References = Settings.references,
    draws: o.Draws = Settings.draws,
    batch: o.Batch = Settings.batch,
    dtype: o.Dtype = Settings.dtype,
    null: o.NullName = Settings.null,
    model: o.ModelPath = None,
    unimportant: o.Unimportant = None,
    nodes: o.Nodes = None,
    replacement: o.Replacement = None,
    donors: o.Donors = None,
    baseline: o.Baseline = None,
    root: o.Root = None,
    self_donation: o.SelfDonation = None,
    limit: o.Limit = None,
) -> None:
    """Forecast what a run will cost: forward passes, FLOPs and memory, without loading weights."""
    from scrub.cli.reading import read
    from scrub.report.forecast import forecast
    from scrub.report.writing import show
    from scrub.study.prepare import prepare

    settings = Settings(references=references, draws=draws, batch=batch, dtype=dtype, null=null)
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
    prepared = prepare(hypothesis, settings)
    show(forecast(prepared))
    lines = prepared.claim.schedule.pretty().splitlines()
    if schedule or len(lines) <= SHORT:
        typer.echo("\n" + "\n".join(lines))
    else:
        typer.echo(f"\nThe schedule has {len(lines):,} lines; --schedule prints them.")
