"""Where renderables go: the screen, or a file in the format that its name asks for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

from scrub.errors import InputRefused, Problem
from scrub.results.files import require_writable, write_whole

WIDTH = 100  # of files, and of screens that are wider or unknown
REPORTS = (".txt", ".md", ".html", ".svg")

PAPER = TerminalTheme(  # dark enough on white for print: the eight colours, and their bright forms
    (255, 255, 255),
    (30, 30, 30),
    [
        (30, 30, 30),
        (176, 42, 24),
        (0, 110, 80),
        (150, 90, 0),
        (0, 92, 150),
        (140, 60, 110),
        (0, 110, 120),
        (110, 110, 110),
    ],
    [
        (90, 90, 90),
        (190, 60, 30),
        (0, 120, 90),
        (160, 100, 0),
        (0, 100, 165),
        (150, 70, 120),
        (0, 120, 130),
        (60, 60, 60),
    ],
)


def show(renderable: RenderableType) -> None:
    """Print to stdout, at most `WIDTH` columns wide."""
    console = Console(highlight=False)
    width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    Console(highlight=False, width=width).print(renderable)


def as_text(renderable: RenderableType, width: int = WIDTH) -> str:
    """What `show` prints, as plain text without trailing spaces."""
    console = Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def write(renderable: RenderableType, path: Path, title: str) -> Path:
    """Write what the screen shows to a file, in that one of the `REPORTS` formats that it names."""
    write_whole(path, _in_format(renderable, path.suffix.lower(), title).encode())
    return path


def _in_format(renderable: RenderableType, suffix: str, title: str) -> str:
    if suffix == ".txt":
        return as_text(renderable)
    if suffix == ".md":
        return f"# {title}\n\n```text\n{as_text(renderable)}```\n"
    console = Console(
        file=io.StringIO(),
        width=WIDTH,
        highlight=False,
        record=True,
        force_terminal=True,
        color_system="standard",
    )
    console.print(renderable)
    if suffix == ".svg":
        return console.export_svg(title=f"scrub: {title}", theme=PAPER)
    return console.export_html(theme=PAPER, inline_styles=True)


def require_target(option: str, path: Path | None, suffixes: Sequence[str]) -> None:
    """Refuse a file that could not be written, before an hour is spent on what goes into it.

    Raises `InputRefused`.
    """
    if path is None:
        return
    where = f"option '{option}'"
    if path.suffix.lower() not in suffixes:
        known = " or ".join(suffixes)
        raise InputRefused(Problem(where, f"'{path}' must end in {known}."))
    folder = path.absolute().parent
    if not folder.is_dir():
        raise InputRefused(Problem(where, f"there is no folder '{folder}'.", "Make it first."))
    require_writable(path)
