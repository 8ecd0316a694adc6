"""scrub plan"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings


def plan(
    file: o.File,
    schedule: Annotated[
        bool, typer.Option("--schedule", help="Print the claim's schedule, one line a step.")
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
    if schedule:
        typer.echo(f"\n{prepared.claim.schedule.pretty()}")
