"""scrub circuit"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

WHAT = "What is evaluated (one of --circuit, --curve, --path)"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


@asking(MEASURED, references=64, draws=1)
def circuit(
    target: o.Target,
    corrupt: Annotated[
        list[str],
        _what(
            "How the run is corrupted: PLACE=REPLACEMENT, e.g. embed=partner:contrast or "
            "embed@subject=noise:3. May be given several times.",
            "WHAT",
        ),
    ],
    task: o.TaskName = None,
    circuit: Annotated[
        str | None,
        _what(
            "One circuit in the model's place: a JSON file of EAP-IG or MIB, edges such as "
            "'embed->a0.h0<v>,a0.h0->logits', or components, which stand for the edges among them.",
            "CIRCUIT",
        ),
    ] = None,
    curve: Annotated[
        Path | None,
        _what(
            "Circuits of every size, the first edges of a ranking at MIB's knots: a JSON file with "
            "a score for every edge, as scrub attribute --circuit writes.",
            "PATH",
        ),
    ] = None,
    path: Annotated[
        list[str] | None,
        _what(
            "What a path carries: 'a0.h1@end -> a5.h1<q> -> logits'. May be given several times.",
            "PATH",
        ),
    ] = None,
    direction: Annotated[
        str | None,
        _what(
            "With --path: noise (corrupted values into the wild run), denoise (the other way "
            "round) or both. Default: both.",
            "NAME",
        ),
    ] = None,
    subsets: Annotated[
        int | None,
        _what(
            "With --circuit: random sets of components that are taken out of circuit and model, "
            "for completeness. Default: 10.",
            "N",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        _what("Another metric than the task's: loss, logit_difference, probability, …", "NAME"),
    ] = None,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    png: o.PlotPng = None,
    svg: o.PlotSvg = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Evaluate edges and paths of a model: how far they do what the whole model does.

    One of three: --circuit, faithfulness, completeness and minimality of one circuit; --curve,
    faithfulness over size, with CPR and CMD; --path, path patching in one direction or both.
    """
    from scrub.cli.findings import keep_wired, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named

    require_targets(json, csv, png, svg, report)
    given = named(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.wiring import Wiring  # brings torch, behind the first bar

        found = Wiring(circuit, curve, tuple(path or ()), subsets, direction).answer(
            given.model,
            given.task,
            corrupt=corrupt,
            metric=metric,
            progress=progress,
            **asked.measured(),
        )
    from scrub.report.circuits import report as as_text

    pictures = [p for p in (png, svg) if p]
    keep_wired(found, as_text(found), json=json, csv=csv, pictures=pictures, report=report)
