"""scrub interchange"""

from __future__ import annotations

from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.cli.asking import MEASURED, Asked, asking

Sources = Annotated[
    int, typer.Option(help="Sources for each example.", metavar="N", rich_help_panel=o.SIZE)
]


@asking(MEASURED | {"draws": Sources}, references=64, draws=4)
def interchange(
    file: o.File,
    nodes: Annotated[
        list[str] | None,
        typer.Option(
            help="A node that is put in, or several at once, 'left, right'. May be given several "
            "times. Default: each node that has a value.",
            metavar="NODES",
        ),
    ] = None,
    answers: Annotated[
        str | None,
        typer.Option(
            help="How the model's answer is read: answers (the largest logit among the answers' "
            "tokens), vocabulary (the largest of all) or number. Default: number where the output "
            "is one, else answers.",
            metavar="NAME",
        ),
    ] = None,
    json: o.JsonPath = None,
    csv: o.CsvPath = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Put nodes' values in from other examples, and see whether the answer follows.

    For a hypothesis whose nodes carry `value=`: interchange-intervention accuracy of each node,
    and of sets of nodes.
    """
    from scrub.cli.findings import keep_text, require_targets
    from scrub.cli.progress import bars
    from scrub.cli.reading import read

    require_targets(json, csv, None, None, report)
    hypothesis = read(file, asked.model)
    with bars(quiet) as progress:
        from scrub.study.interchanging.interchange import interchange as put_in  # brings torch

        found = put_in(
            hypothesis,
            nodes=nodes or None,
            answers=answers,
            progress=progress,
            **asked.measured(),
        )
    from scrub.report.interchanging import report as as_text

    keep_text(found, as_text(found), json=json, csv=csv, report=report)
