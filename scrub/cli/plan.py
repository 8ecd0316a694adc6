"""scrub plan"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.cli.asking import CONVENTIONS, Asked, asking

COST = {  # what the cost depends on beside the claim
    "references": o.References,
    "draws": o.Draws,
    "batch": o.Batch,
    "dtype": o.Dtype,
    "null": o.NullName,
    "model": o.ModelPath,
}
SHORT = 60  # lines of a schedule that are printed unasked


@asking(COST | CONVENTIONS)
def plan(
    file: o.File,
    schedule: Annotated[
        bool,
        typer.Option(
            "--schedule",
            help="Print the schedule however long it is; one of up to 60 lines is printed anyway.",
        ),
    ] = False,
    *,
    asked: Asked,
) -> None:
    """Forecast what a run will cost: forward passes, FLOPs and memory, without loading weights."""
    from scrub.report.forecast import forecast
    from scrub.report.writing import show
    from scrub.study.prepare import prepare

    settings, hypothesis = asked.settings(), asked.hypothesis(file)
    prepared = prepare(hypothesis, settings)
    show(forecast(prepared))
    lines = prepared.claim.schedule.pretty().splitlines()
    if schedule or len(lines) <= SHORT:
        typer.echo("\n" + "\n".join(lines))
    else:
        typer.echo(f"\nThe schedule has {len(lines):,} lines; --schedule prints them.")
