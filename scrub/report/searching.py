"""What a search found, and what sets of members do together, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.mediation.discover import Discovered
from scrub.mediation.findings import Finding
from scrub.mediation.interacting import Interactions
from scrub.mediation.reverted import Reversal
from scrub.report.numbers import DASH, count, interval, level, number, share
from scrub.report.tables import Listing, grid, heading
from scrub.statistics.effects import Shares
from scrub.statistics.recovered import Bounds

MOST = 40  # edges, subsets or pairs that are listed
SAID = ("model", "task", "metric", "scored_at", "examples", "rows", "draws", "seed", "searched_on")


def report(found: Finding) -> RenderableType:
    """The whole report, for a screen of 100 columns or more. Raises TypeError for other findings.

    >>> report(Finding({}, {}))
    Traceback (most recent call last):
    TypeError: there is no report of a Finding.
    """
    match found:
        case Reversal():
            parts = _reversal(found)
        case Discovered():
            parts = _discovered(found)
        case Interactions():
            parts = _interactions(found)
        case _:
            raise TypeError(f"there is no report of a {type(found).__name__}.")
    return Group(*parts, heading("Conventions"), _conventions(found))


def _header(title: str, found: Finding) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(str(said["model"])))
    facts.add_row("task", Text(f"{said['task']}, {count(said['rows'], 'row')}"))
    facts.add_row("metric", Text(f"{said['metric']} at {said['scored_at']}"))
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    facts.add_row("scored", Text(f"{scored}, seed {said['seed']}"))
    if "searched_on" in said:
        facts.add_row("searched", Text(f"on {count(said['searched_on'], 'other example')}"))
    if said.get("corruption"):
        facts.add_row("corrupted", Text(str(said["corruption"])))
    return Group(Text(title, style="bold"), Text(), facts)


def _conventions(found: Finding) -> RenderableType:
    said = [f"{k} {v}" for k, v in found.conventions.items() if k not in SAID and v is not None]
    table = grid()
    table.add_row("intervals", Text("over examples; those that share an input are one unit"))
    table.add_row("by name", Text(", ".join(said)))
    return table


def _headline(word: str, held: Shares, searched: Shares) -> RenderableType:
    figures = held.bounds(-1), searched.bounds(-1)
    if figures[0] is None:
        text = Text("share: refused\n", style="bold red").append(str(held.refusal), "not bold")
        return Panel(text, border_style="red", padding=(0, 2))
    text = Text(f"{word} {_figure(figures[0])}", style="bold")
    text.append("  on examples that the search has not seen\n", style="not bold")
    text.append(f"{DASH if figures[1] is None else _figure(figures[1])}", style="not bold")
    text.append("  on those that it was searched on", style="not bold")
    return Panel(text, border_style="blue", padding=(0, 2))


def _doubts(notes: Sequence[str]) -> RenderableType:
    return Panel("\n".join(notes), title="Before you believe it", title_align="left")


def _means(entries: Sequence[tuple[str, Bounds, str]], metric: object, sure: float) -> Group:
    table = Listing(["", ">mean", ">interval", "what it is"])
    for name, figure, what in entries:
        table.add(name, number(figure.value), _ends(figure), what)
    return Group(
        heading("Runs", f"{metric} on the examples not seen, {level(sure)} intervals"), table
    )


def _reversal(found: Reversal) -> Iterator[RenderableType]:
    said = found.conventions
    yield _header("Cells that repair a corrupted run", found)
    yield _headline("repairs", found.held_out, found.searched)
    yield _doubts(found.notes)
    yield _means(
        [
            ("wild", found.wild, "the model as it is"),
            ("corrupted", found.corrupted, "under the corruption"),
            ("restored", found.restored, "corrupted, with the cells as they were"),
        ],
        said["metric"],
        said["level"],
    )
    sets = f"{found.evaluated:,} sets of {count(found.candidates, 'cell')} were run"
    yield heading("Path", f"share repaired; {sets}")
    table = Listing([">step", "", "cell", ">searched", ">held out", ">interval"])
    for i, step in enumerate(found.path, 1):
        done = "restored" if step.restored else "given up"
        held = step.held_out
        table.add(str(i), done, Text(step.cell, style="bold"), _value(step.searched), _value(held),
                  "" if held is None else _ends(held))  # fmt: skip
    yield table
    yield heading("Found", "what is left, from the input up")
    yield Text(", ".join(found.cells) or "nothing")


def _discovered(found: Discovered) -> Iterator[RenderableType]:
    said, edges = found.conventions, found.graph.n_edges
    yield _header("A circuit in place of the model", found)
    yield _headline("faithfulness", found.faithfulness, found.searched)
    yield _doubts(found.notes)
    yield _means(
        [
            ("model", found.model, "the model as it is"),
            ("circuit", found.circuit, "every other edge as in the corrupted run"),
            ("empty", found.empty, "the corrupted run"),
        ],
        said["metric"],
        said["level"],
    )
    part = share(len(found.edges) / max(edges, 1))
    yield heading("Edges", f"{len(found.edges):,} of {edges:,}, {part}")
    listed = Listing(["read by", "edges from"])
    readers: dict[str, list[str]] = {}
    for edge in found.edges:
        port = "" if edge.port == "in" else f"<{edge.port}>"
        readers.setdefault(f"{edge.reader}{port}", []).append(edge.feeder)
    for reader, feeders in list(readers.items())[:MOST]:
        listed.add(Text(reader, style="bold"), ", ".join(feeders))
    yield listed
    if len(readers) > MOST:
        yield Text(f"{count(len(readers) - MOST, 'more port')} in the JSON", style="dim")


def _interactions(found: Interactions) -> Iterator[RenderableType]:
    out = found.direction == "knock_out"
    what = "knocked out together" if out else "restored together in the corrupted run"
    yield _header(f"{count(len(found.members), 'member')} {what}", found)
    facts = grid()
    facts.add_row("nobody", Text(_figure(found.nobody)))
    facts.add_row("everybody", Text(_figure(found.everybody)))
    yield facts
    sure = f">{level(found.conventions['level'])} interval"
    yield heading("Members", "Shapley: what changing one adds, over all orders of joining")
    table = Listing(["member", "places", ">Shapley", sure])
    for i in np.argsort(-np.abs(found.shapley.mean), kind="stable").tolist():
        figure = found.shapley.bounds(i)
        places = ", ".join(found.places[i])
        table.add(Text(found.members[i], style="bold"), places, _value(figure), _ends(figure))
    yield table
    if found.pairs:
        yield heading("Pairs", "effects of keeping a member, over keeping neither")
        yield _pairs(found)
    if found.interactions is not None:
        yield heading("Interactions", "what a set does that its smaller sets do not account for")
        yield _subsets(found, sure)
    if found.unchanged is not None:
        yield Text(f"\n{share(found.unchanged)} of the draws put in what was there", style="dim")
    for note in found.notes:
        yield Text(note, style="yellow")


def _pairs(found: Interactions) -> RenderableType:
    table = Listing(["first", "second", "are", ">first", ">second", ">together"])
    for pair in found.pairs[:MOST]:
        names = found.members[pair.first], found.members[pair.second]
        figures = (pair.first_alone, pair.second_alone, pair.together)
        table.add(*names, Text(pair.relation.value, style="bold"), *map(_value, figures))
    return table


def _subsets(found: Interactions, sure: str) -> RenderableType:
    assert found.interactions is not None
    table = Listing(["set", ">interaction", sure])
    sizes = np.array([len(subset) for subset in found.subsets])
    order = np.argsort(-np.abs(found.interactions.mean), kind="stable")
    for i in [i for i in order.tolist() if sizes[i] > 1][:MOST]:
        names = " × ".join(found.members[k] for k in found.subsets[i])
        figure = found.interactions.bounds(i)
        table.add(names, _value(figure), _ends(figure))
    return table


def _value(found: Bounds | None) -> str:
    return DASH if found is None else number(found.value)


def _ends(found: Bounds) -> str:
    return "" if found.low is None else interval(found.low, found.high)


def _figure(found: Bounds) -> str:
    ends = _ends(found)
    return number(found.value) + (f" ({ends})" if ends else "")
