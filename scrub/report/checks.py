"""The probe's findings as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.report.tables import Listing

if TYPE_CHECKING:
    from scrub.models.probe import ProbeReport


def checks(report: ProbeReport) -> RenderableType:
    """Each check, its largest error, where that was, and what is allowed."""
    table = Listing(["check", ">error", ">allowed", "where it is largest", ""])
    for check in report.checks:
        verdict = Text("holds", style="green") if check.passed else Text("FAILS", style="bold red")
        figures = (f"{check.error:.1e}", f"{check.tolerance:.1e}")
        table.add(Text(check.name), *figures, Text(check.where), verdict)
    words = ("reproduced by its components", "green") if report.passed else ("refused", "bold red")
    head = Text.assemble((report.model, "bold"), ": ", words)
    return Group(head, Text(), table)
