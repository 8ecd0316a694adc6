"""scrub results"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scrub.cli import options as o


def results(
    store: Annotated[
        Path,
        typer.Argument(
            metavar="STORE",
            help="The folder that `scrub suite --store` keeps results in.",
            show_default=False,
        ),
    ],
    hypothesis: Annotated[
        str | None,
        typer.Option(
            help="Only of this hypothesis, by name or file; * and ? stand for anything, here and "
            "below.",
            metavar="NAME",
            rich_help_panel="Which",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Only on this model.", metavar="NAME", rich_help_panel="Which"),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(help="Only in this metric.", metavar="NAME", rich_help_panel="Which"),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(help="Only on this task.", metavar="NAME", rich_help_panel="Which"),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Only scrub, controls or adversary.", metavar="NAME", rich_help_panel="Which"
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(help="Only done, or only failed.", metavar="NAME", rich_help_panel="Which"),
    ] = None,
    csv: o.CsvPath = None,
    parquet: Annotated[
        Path | None,
        typer.Option(
            help="Write the table as Parquet (needs pyarrow).",
            metavar="PATH",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(
            help="Write every job with its whole result as JSON.",
            metavar="PATH",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
) -> None:
    """List what a store holds, choose from it, and write it to other files."""
    from scrub.report.stored import listing
    from scrub.report.writing import require_target, show
    from scrub.results.store.export import chosen, write_csv, write_json, write_parquet
    from scrub.results.store.store import Store

    targets = {"csv": csv, "parquet": parquet, "json": json}
    for name, path in targets.items():
        require_target(f"--{name}", path, (f".{name}",))
    wanted = {
        "hypothesis": hypothesis,
        "model": model,
        "metric": metric,
        "task": task,
        "kind": kind,
        "status": status,
    }
    with Store.reading(store) as kept:
        rows = kept.rows()
    found = chosen(rows, wanted)
    writers = {"csv": write_csv, "parquet": write_parquet, "json": write_json}
    for name, path in targets.items():
        if path is not None:
            writers[name](found, path)
    show(listing(store, found, len(rows)))
