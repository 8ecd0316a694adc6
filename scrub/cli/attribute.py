"""scrub attribute"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

WHAT = "What is attributed"


def _what(text: str, metavar: str) -> Any:
    return typer.Option(help=text, metavar=metavar, rich_help_panel=WHAT)


@asking(MEASURED, references=64, draws=1)
def attribute(
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
    of: Annotated[
        str, _what("edges, components, ports, or the neurons of one MLP: neurons:m3.", "KIND")
    ] = "edges",
    positions: Annotated[
        str | None,
        _what(
            "Of components, ports and neurons: together, roles, all (each index by itself), names "
            "of roles, indices or ranges. Default: together.",
            "NAMES",
        ),
    ] = None,
    method: Annotated[
        str,
        _what(
            "Where gradients are taken: eap, in the wild run; otherwise "
            "clean-corrupted, eap-ig-inputs or eap-ig-activations.",
            "NAME",
        ),
    ] = "eap-ig-inputs",
    steps: Annotated[int, _what("Blends, of the methods that blend.", "N")] = 5,
    rule: Annotated[str, _what("Where these lie: midpoint, left or right.", "NAME")] = "midpoint",
    exact: Annotated[
        int, _what("Of so many of the largest estimates the exact effect is measured.", "N")
    ] = 20,
    metric: Annotated[
        str | None,
        _what("Another metric than the task's: loss, logit_difference, probability or kl.", "NAME"),
    ] = None,
    top: Annotated[int, _what("Estimates that are listed, and edges of the circuit.", "N")] = 20,
    circuit: Annotated[
        Path | None,
        typer.Option(
            help="Write all edges with their estimates as EAP-IG and MIB read them, the --top "
            "largest marked as the circuit.",
            metavar="PATH",
            rich_help_panel=o.OUTPUT,
        ),
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
    """Estimate what corrupting each edge, component, port or neuron would change.

    The largest estimates are held against exact effects, and the report says how far the one can
    stand for the other.
    """
    from scrub.cli.findings import keep_wired, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.subjects import named
    from scrub.report.writing import require_target

    require_targets(json, csv, png, svg, report)
    require_target("--circuit", circuit, (".json",))
    given = named(target, task, asked.model)
    with bars(quiet) as progress:
        from scrub.mediation.wiring import attributed  # brings torch, behind the first bar

        found = attributed(
            given.model,
            given.task,
            of,
            positions,
            top,
            files={"--circuit": circuit, "--png": png, "--svg": svg},
            corrupt=corrupt,
            method=method,
            steps=steps,
            rule=rule,
            exact=exact,
            metric=metric,
            progress=progress,
            **asked.measured(),
        )
    from scrub.report.attributing import report as as_text

    if circuit:
        found.write_circuit(circuit, top)  # type: ignore[attr-defined]
    pictures = [p for p in (png, svg) if p]
    keep_wired(found, as_text(found, top), json=json, csv=csv, pictures=pictures, report=report)
