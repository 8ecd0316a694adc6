"""Help as plain text, its options under headings.

Typer's own pages in colour cost a quarter of a second of imports each time; these cost nothing.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

WIDTH = 100
SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": WIDTH}


class Command(TyperCommand):
    """A command whose help lists its options by panel, in the order in which they were declared."""

    def format_options(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                panel = getattr(parameter, "rich_help_panel", None) or _kind(parameter)
                panels.setdefault(panel, []).append(record)
        for panel in sorted(panels, key=lambda name: name == "Options"):
            with formatter.section(panel):
                formatter.write_dl(panels[panel])


def _kind(parameter: Any) -> str:
    return "Arguments" if parameter.param_type_name == "argument" else "Options"
