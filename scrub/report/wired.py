"""What reports of edges, paths and attributions share: their heads, notes and conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.mediation.findings import Finding
from scrub.report.numbers import count, level
from scrub.report.tables import grid

SAID = ("model", "task", "metric", "scored_at", "examples", "rows", "draws", "seed", "corruption")


def header(title: str, found: Finding, *more: tuple[str, str]) -> RenderableType:
    """What was measured, on what, under which corruption."""
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(str(said["model"])))
    facts.add_row("task", Text(f"{said['task']}, {count(said['rows'], 'row')}"))
    facts.add_row("metric", Text(f"{said['metric']} at {said['scored_at']}"))
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    facts.add_row("scored", Text(f"{scored}, seed {said['seed']}"))
    if said["corruption"] is not None:
        facts.add_row("corrupted", Text(str(said["corruption"])))
    for name, what in more:
        facts.add_row(name, Text(what))
    return Group(Text(title, style="bold"), Text(), facts)


def conventions(found: Finding) -> RenderableType:
    """All else that the figures depend on, by name."""
    said = [f"{k} {written(v)}" for k, v in found.conventions.items() if k not in SAID]
    table = grid()
    table.add_row("intervals", Text("over examples; those that share an input are one unit"))
    table.add_row("by name", Text(", ".join(said)))
    return table


def noted(notes: Iterable[str]) -> Iterator[RenderableType]:
    """Sentences that qualify the figures above them."""
    for note in notes:
        yield Text(note, style="yellow")


def said_of(found: Finding, *more: str) -> tuple[str, ...]:
    """What was measured and how, as the lines under a picture's title."""
    said = found.conventions
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    return (
        f"{said['model']} on {said['task']}: {said['metric']} at {said['scored_at']}",
        f"corrupted: {said['corruption']}",
        *more,
        f"{scored}, seed {said['seed']}; {level(said['level'])} intervals over examples",
    )


def written(value: object) -> str:
    """A convention's value, as it is read."""
    return " ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
