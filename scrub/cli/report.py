"""scrub report"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scrub.cli import options as o


def _path(text: str, metavar: str = "PATH") -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        help=text, metavar=metavar, rich_help_panel=o.OUTPUT
    )
    return found


def report(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            help="What scrub run, compare, controls, adversary, test and interchange wrote with "
            "--json, in any order. Controls stand beside the result that they are about.",
            show_default=False,
        ),
    ],
    html: Annotated[Path | None, _path("Write one self-contained HTML page.")] = None,
    markdown: Annotated[Path | None, _path("Write verdicts and tables as Markdown (.md).")] = None,
    latex: Annotated[Path | None, _path("Write the tables as LaTeX (.tex).")] = None,
    svg: Annotated[Path | None, _path("Write every figure into a folder, as SVG.", "DIR")] = None,
    png: Annotated[Path | None, _path("The same as PNG, 150 dots per inch.", "DIR")] = None,
    title: Annotated[
        str, typer.Option(help="Of the page. Default: what is reported on.", metavar="TEXT")
    ] = "",
) -> None:
    """Write results as a page that can be handed on.

    The verdict in words, the claim over the model's layers, recovered among its nulls, the worst
    examples with their donors, conventions, provenance, and the command that gives it again. The
    page fetches nothing, and works by keyboard, on a phone, in light and dark, and on paper.
    """
    from scrub.report.gathering import gather, require_targets
    from scrub.results.files import write_whole

    require_targets(html, markdown, latex, svg, png)
    given = gather(files)
    if html:
        from scrub.report.page import render

        page = render(
            given.results,
            comparisons=given.comparisons,
            controls=given.controls,
            adversaries=given.adversaries,
            findings=given.findings,
            title=title,
        )
        write_whole(html, page.encode())
    if markdown:
        from scrub.report.markdown import document as as_markdown

        write_whole(markdown, as_markdown(given, title).encode())
    if latex:
        from scrub.report.latex import document as as_latex

        write_whole(latex, as_latex(given, title).encode())
    for folder, suffix in ((svg, ".svg"), (png, ".png")):
        if folder:
            from scrub.report.figures import write  # brings matplotlib

            write(given, folder, suffix)
