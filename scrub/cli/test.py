"""scrub test"""

# ruff: noqa: PT028  (the command is called test, and is none of pytest's)

from __future__ import annotations

from typing import Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

WHAT = "What is tested"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


@asking(MEASURED, references=256, draws=1)
def test(
    target: o.Target,
    task: o.TaskName = None,
    circuit: Annotated[
        str | None,
        _what(
            "The circuit: a JSON file of EAP-IG or MIB, edges such as "
            "'embed->a0.h0<v>,a0.h0->logits', or components, which stand for the edges among them. "
            "Default: the edges that a hypothesis file names, and those into its leaves.",
            "CIRCUIT",
        ),
    ] = None,
    corrupt: Annotated[
        list[str] | None,
        _what(
            "How the run is corrupted that all other edges are taken from: PLACE=REPLACEMENT. "
            "Default: every source resampled.",
            "WHAT",
        ),
    ] = None,
    margin: Annotated[
        float, _what("How far from one half the share of wins may be: ε of equivalence.", "SHARE")
    ] = 0.1,
    quantile: Annotated[
        float, _what("The share of random circuits and edges that has to be beaten: q*.", "SHARE")
    ] = 0.9,
    random: Annotated[int, _what("Random circuits, and random edges, that are drawn.", "N")] = 100,
    permutations: Annotated[int, _what("Permutations for independence.", "N")] = 1000,
    edges: Annotated[
        int | None, _what("Edges that are tested for minimality, at random. Default: all.", "N")
    ] = None,
    distance: Annotated[
        str, _what("How far scores are from one another: squared or absolute.", "NAME")
    ] = "squared",
    correction: Annotated[
        str, _what("How the p of many edges are adjusted: holm or bonferroni.", "NAME")
    ] = "holm",
    among: Annotated[
        str,
        _what(
            "Where the random circuits of partial necessity come from: whole or complement.", "NAME"
        ),
    ] = "whole",
    metric: Annotated[
        str | None,
        _what("Another metric than the task's: loss, logit_difference, probability, …", "NAME"),
    ] = None,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Test a circuit: equivalence, independence, minimality, sufficiency, partial necessity.

    The tests of Shi et al. 2024, of a hypothesis or of any circuit of whole edges. Nulls are
    rejected at 1 − level.
    """
    from scrub.cli.findings import require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import circuit_of, named

    require_targets(json, csv, None, None, report)
    given = named(target, task, asked.model)
    tested = circuit_of(target, circuit)
    with bars(quiet) as progress:
        from scrub.mediation.testing import circuit_tests  # brings torch, behind the first bar

        found = circuit_tests(
            given.model,
            given.task,
            tested,
            corrupt=corrupt or None,
            margin=margin,
            quantile=quantile,
            random=random,
            permutations=permutations,
            edges=edges,
            distance=distance,
            correction=correction,
            among=among,
            metric=metric,
            progress=progress,
            **asked.measured(),
        )
    from scrub.cli.findings import keep_text
    from scrub.report.testing import report as as_text

    keep_text(found, as_text(found), json=json, csv=csv, report=report)
