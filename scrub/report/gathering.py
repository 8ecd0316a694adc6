"""The files that a report is made of, read and sorted by what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.mediation.findings import Finding
from scrub.report.page.parts import Given
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.reading import Readers, read_any
from scrub.results.result import Result
from scrub.results.store.results import read_stored


def _tests(path: str | Path) -> Finding:
    from scrub.mediation.tested import CircuitTests  # brings torch

    return CircuitTests.read_json(path)


def _interchange(path: str | Path) -> Finding:
    from scrub.study.interchanging.interchanged import Interchange  # brings torch

    return Interchange.read_json(path)


FINDINGS: Readers = {"scrub-circuit-tests/1": _tests, "scrub-interchange/1": _interchange}


def gather(paths: Sequence[str | Path]) -> Given:
    """Read every file. Raises `InputRefused` for none, and with the problems of all that fail."""
    if not paths:
        fix = "Name files that scrub run --json or scrub compare --json wrote."
        raise InputRefused(Problem("files", "there is none to report on.", fix))
    found: list[Any] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            if Path(path).is_dir():  # the store of a suite
                found += read_stored(path)
            else:
                found.append(read_any(path, FINDINGS))
        except InputRefused as refused:
            problems += refused.problems
    if problems:
        raise InputRefused(problems)
    others = (Result, Comparison, Controls, WorstAllowed)
    return Given(
        results=[one for one in found if isinstance(one, Result)],
        comparisons=[one for one in found if isinstance(one, Comparison)],
        controls=[one for one in found if isinstance(one, Controls)],
        adversaries=[one for one in found if isinstance(one, WorstAllowed)],
        findings=[one for one in found if not isinstance(one, others)],
    )


def require_targets(
    html: Path | None,
    markdown: Path | None,
    latex: Path | None,
    svg: Path | None,
    png: Path | None,
) -> None:
    """Refuse to write nothing, or what could not be written. Raises `InputRefused`."""
    from scrub.report.writing import require_target

    if not any((html, markdown, latex, svg, png)):
        fix = "Give --html, --markdown, --latex, --svg or --png."
        raise InputRefused(Problem("report", "there is nothing to write.", fix))
    require_target("--html", html, (".html", ".htm"))
    require_target("--markdown", markdown, (".md",))
    require_target("--latex", latex, (".tex",))
    for option, folder in (("--svg", svg), ("--png", png)):
        if folder is None:
            continue
        where = f"option '{option}'"
        if folder.exists() and not folder.is_dir():
            found = f"'{folder}' is a file, and figures go into a folder."
            raise InputRefused(Problem(where, found, "Name a folder."))
        if not folder.absolute().parent.is_dir():
            found = f"there is no folder '{folder.absolute().parent}'."
            raise InputRefused(Problem(where, found, "Make it first."))
