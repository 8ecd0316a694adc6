"""Of a run that went on until its interval was narrow: why it stopped, and what is left to gain."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from scrub.report.tables import grid, heading
from scrub.results.result import Result
from scrub.results.stopping import Variance


def stopping_lines(result: Result) -> Iterator[RenderableType]:
    """A line or two on the stopping, and on where the variance comes from; nothing otherwise."""
    stopping, variance = result.stopping, result.variance
    if stopping is None:
        return
    yield heading("Stopping")
    table = grid()
    table.add_row("stopped", Text(stopping.said))
    if variance is not None:
        table.add_row("variance", Text(_parts(variance)))
        table.add_row("advice", Text(variance.advice))
    yield table


def _parts(variance: Variance) -> str:
    """The parts as shares of the whole; one that is noise may lie below 0."""
    if variance.total <= 0:
        return "none"
    named = {
        "references": variance.references.variance,
        "donors": variance.donors.variance,
        "unimportant inputs": variance.unimportant.variance,
        "rows as donors": variance.data,
    }
    if variance.data == 0:  # of the data as they are
        del named["rows as donors"]
    whole = {name: round(100 * part / variance.total) for name, part in named.items()}
    return ", ".join(f"{share} % {name}" for name, share in whole.items()).replace("-", "−")
