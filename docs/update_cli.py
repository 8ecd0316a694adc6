"""Write the commands' part of docs/reference/cli.md: `python docs/update_cli.py`.

What stands between the page's markers is made from the commands themselves: their docstrings, their
examples, their options. `tests/cli/test_help.py` holds the page against this.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from scrub.cli.app import COMMANDS, app

PAGE = Path(__file__).resolve().parent / "reference" / "cli.md"
TABLE = ("<!-- table -->\n", "<!-- end of the table -->\n")
SECTIONS = ("<!-- commands -->\n", "<!-- end of the commands -->\n")
BY_HAND = "| [`scrub models`](#scrub-models) | List the models that scrub covers, and fetch some. |"


def written(page: str) -> str:
    """The page with its made parts as they should be."""
    return _between(_between(page, TABLE, table()), SECTIONS, "\n".join(sections()))


def table() -> str:
    """One line for each command, in the order of use."""
    lines = [
        f"| [`scrub {command.__name__}`](#scrub-{command.__name__}) | {short} |"
        for command, short, _ in COMMANDS
    ]
    return "\n".join(["| command | what it does |", "|---|---|", *lines, BY_HAND]) + "\n"


def sections() -> Iterator[str]:
    """What each command does, an example, and its options."""
    group: Any = typer.main.get_command(app)
    for command, _, example in COMMANDS:
        paragraphs = (inspect.getdoc(command) or "").split("\n\n")
        said = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
        options = "\n".join(_options(group.commands[command.__name__].params))
        yield f"## scrub {command.__name__}\n\n{said}\n\n```\n{example}\n```\n\n{options}\n"


def _options(parameters: list[Any]) -> Iterator[str]:
    yield "| argument or option | default | what it is |"
    yield "|---|---|---|"
    for parameter in parameters:
        if parameter.name != "help":
            yield f"| {_name(parameter)} | {_default(parameter)} | {parameter.help} |"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    long = next(name for name in parameter.opts if name.startswith("--"))
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    short = [f"`{name}`" for name in parameter.opts if not name.startswith("--")]
    return ", ".join([f"`{long}{value}`", *short])


def _default(parameter: Any) -> str:
    """As it would be typed; nothing where there is none, or where it is a flag that is off."""
    value = parameter.default
    shown = isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    return f"`{value}`" if shown else ""


def _between(page: str, marks: tuple[str, str], made: str) -> str:
    before, rest = page.split(marks[0])
    _, after = rest.split(marks[1])
    return f"{before}{marks[0]}{made}{marks[1]}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
