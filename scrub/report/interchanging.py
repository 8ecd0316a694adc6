"""Interchange interventions as a person reads them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.report.wired import conventions, noted
from scrub.statistics.recovered import Bounds
from scrub.study.interchanging.interchanged import Interchange

READ = {
    "answers": "the largest logit among the answers' tokens",
    "vocabulary": "the largest of all logits",
    "number": "the output itself",
}
KEY = (
    "same: pairs on which neither answer nor prediction changes; idle: what a claim that the nodes "
    "carry nothing would have"
)


def report(found: Interchange) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(str(said["model"])))
    facts.add_row("task", Text(f"{said['task']}, {count(said['rows'], 'row')}"))
    facts.add_row("answer", Text(f"{READ[said['answers']]}, at {said['scored_at']}"))
    scored = f"{count(said['examples'], 'base')} × {count(said['draws'], 'source')}"
    facts.add_row("pairs", Text(f"{scored}, seed {said['seed']}"))
    facts.add_row("plain", Text(f"the model answers as the claim does on {_figure(found.plain)}"))
    if found.labelled is not None:
        facts.add_row("labels", Text(f"the claim answers as the data on {_figure(found.labelled)}"))
    table = Listing(
        ["nodes put in", ">accuracy", ">interval", ">same", ">else accuracy", ">interval", ">idle"]
    )
    for i, name in enumerate(found.names):
        changed = found.changed[i]
        table.add(
            Text(name, style="bold"),
            *_cells(found.accuracy[i]),
            share(found.same[i]),
            *(_cells(changed) if changed else (DASH, "")),
            share(found.idle[i].value),
        )
    sure = f"{level(said['level'])} intervals, about the population"
    return Group(
        Text("Interchange interventions", style="bold"),
        Text(),
        facts,
        heading("Accuracy", sure),
        table,
        Text(KEY, style="dim"),
        *noted(found.notes),
        heading("Conventions"),
        conventions(found),
    )


def _cells(found: Bounds) -> tuple[str, str]:
    ends = "" if found.low is None else interval(found.low, found.high)
    return number(found.value), ends


def _figure(found: Bounds) -> str:
    return f"{share(found.value)} of the examples"
