"""scrub search"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

WHAT, REVERSAL, CIRCUIT = "What is searched", "Of a reversal", "Of a circuit"


def _option(text: str, panel: str, metavar: str, *names: str) -> Any:
    return typer.Option(*names, help=text, metavar=metavar, rich_help_panel=panel)


@asking(MEASURED, references=64, draws=1)
def search(
    target: o.Target,
    task: o.TaskName = None,
    sought: Annotated[
        str,
        _option(
            "reversal: the cells that repair a corrupted run; circuit: the edges that do in place "
            "of the model.",
            WHAT,
            "NAME",
            "--for",
        ),
    ] = "reversal",
    corrupt: Annotated[
        str | None,
        _option(
            "What the run is corrupted with: PLACES=REPLACEMENT, e.g. embed=resample or "
            "embed@subject=noise:3; several parted by ';'.",
            WHAT,
            "CORRUPTION",
        ),
    ] = None,
    cells: Annotated[
        str | None,
        _option(
            "What may be restored: components, attn, mlp, heads, resid, window:K:attn, or names. "
            "Default: components.",
            REVERSAL,
            "CELLS",
        ),
    ] = None,
    positions: Annotated[
        str | None,
        _option(
            "Where: roles, all, a role, an index, a range. Default: roles.", REVERSAL, "POSITIONS"
        ),
    ] = None,
    stop: Annotated[
        float | None,
        _option("The repaired share at which the search ends. Default: 0.9.", REVERSAL, "P"),
    ] = None,
    strategy: Annotated[
        str | None, _option("greedy or best_first. Default: greedy.", REVERSAL, "NAME")
    ] = None,
    budget: Annotated[
        int | None,
        _option("Sets of cells that are run at most. Default: 10,000.", REVERSAL, "N"),
    ] = None,
    frontier: Annotated[
        int | None,
        _option("With best_first: sets that wait to be extended. Default: 16.", REVERSAL, "N"),
    ] = None,
    how: Annotated[
        str | None,
        _option(
            "acdc: taken away one after another; top: the largest of an attribution. Default: "
            "acdc.",
            CIRCUIT,
            "NAME",
        ),
    ] = None,
    unit: Annotated[
        str | None,
        _option("With acdc: edges or components at a time. Default: edges.", CIRCUIT, "NAME"),
    ] = None,
    threshold: Annotated[
        float | None,
        _option("With acdc: what changes less is left out. Default: 0.01.", CIRCUIT, "X"),
    ] = None,
    criterion: Annotated[
        str | None,
        _option("With acdc: kl, or the task's metric. Default: kl.", CIRCUIT, "NAME"),
    ] = None,
    edges: Annotated[
        int | None, _option("With top: how many edges. Default: 100.", CIRCUIT, "N")
    ] = None,
    method: Annotated[
        str | None,
        _option(
            "With top: the attribution, e.g. eap; default eap-ig-inputs.",
            CIRCUIT,
            "NAME",
        ),
    ] = None,
    hypothesis: Annotated[
        Path | None,
        _option("Write what was found as a hypothesis file, for scrub run.", o.OUTPUT, "PATH"),
    ] = None,
    circuit: Annotated[
        Path | None,
        _option("Write a circuit's edges as EAP-IG and MIB read them.", o.OUTPUT, "PATH"),
    ] = None,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Search for what carries a behaviour, and write it as a hypothesis.

    Half of the examples are searched; the figures are those of the other half, which the search
    has not seen.
    """
    from scrub.cli.findings import keep_text, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import written
    from scrub.report.writing import require_target

    require_targets(json, csv, report=report)
    require_target("--circuit", circuit, (".json",))
    require_target("--hypothesis", hypothesis, (".py",))
    given = written(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.seeking import seek  # brings torch, behind the first bar

        found = seek(
            sought,
            given.model,
            given.task,
            corrupt=corrupt,
            given={
                "cells": cells,
                "positions": positions,
                "stop": stop,
                "strategy": strategy,
                "budget": budget,
                "frontier": frontier,
                "how": how,
                "unit": unit,
                "threshold": threshold,
                "criterion": criterion,
                "edges": edges,
                "method": method,
            },
            circuit=circuit,
            progress=progress,
            **asked.measured(),
        )
    from scrub.mediation.discover import Discovered
    from scrub.report.searching import report as as_text

    keep_text(found, as_text(found), json=json, csv=csv, report=report)
    if hypothesis:
        found.write_hypothesis(hypothesis)
    if circuit and isinstance(found, Discovered):
        found.write_circuit(circuit)
