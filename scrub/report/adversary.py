"""The worst allowed sampling as a person reads it: beside the usual one, and node by node."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from scrub.report.numbers import DASH, count, number, ratio
from scrub.report.tables import Listing, grid, heading
from scrub.report.text import precision_in_words
from scrub.results.adversary import Choice, Harm, Sampled, WorstAllowed

SHOWN = 3  # lines of a rule
SHORT = {"unimportant inputs": "inputs", "each unimportant input": "each input"}


def report(found: WorstAllowed) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    return Group(
        _header(found),
        Panel(Text(found.verdict), border_style="blue", padding=(0, 2)),
        *(Panel(Text(said), border_style="yellow", padding=(0, 2)) for said in found.cautions),
        heading(
            "Scored", f"on {found.conventions['scored_on']} references that nothing was chosen on"
        ),
        _scored(found),
        heading("Searched", "where the choice was made, and how much better it looks there"),
        _searched(found),
        heading("Choices", "recovered that is lost: by the rule alone, and added to all others"),
        _choices(found),
        *_rules(found),
    )


def _header(found: WorstAllowed) -> RenderableType:
    said, facts = found.conventions, grid()
    facts.add_row("model", Text(found.model))
    facts.add_row("task", Text(f"{found.task}, {said['rows']:,} rows"))
    facts.add_row("metric", Text(f"{found.metric} at {said['scored_at']}"))
    halves = f"{said['searched_on']:,} references to search, {said['scored_on']:,} to score"
    facts.add_row("halves", Text(f"{halves}; {count(said['draws'], 'draw')}, seed {said['seed']}"))
    if found.precision is not None:
        facts.add_row("precision", Text(precision_in_words(found.precision)))
    title = Text("The worst that is allowed: ", style="bold")
    return Group(title.append(found.name), Text(), facts)


def _scored(found: WorstAllowed) -> RenderableType:
    titles = ("sampling", ">recovered", ">interval", f">{found.metric}", ">divergence", ">KL")
    table = Listing(titles)
    for name, one in (("usual", found.usual), ("worst", found.worst)):
        table.add(name, *_cells(one))
    harm = found.harm
    lost = DASH if harm.recovered.value is None else f"{-harm.recovered.value:+.3f}"
    ends = DASH if harm.recovered.value is None else _lost(harm)
    table.add("difference", lost, ends, number(harm.metric.value), "", "")
    return table


def _cells(one: Sampled) -> tuple[str, ...]:
    share = one.recovered
    ends = "none" if share.low is None else f"{ratio(share.low)} to {ratio(share.high)}"
    figures = (one.means.scrubbed.value, one.divergence, one.kl)
    return (ratio(share.value), ends, *(DASH if v is None else number(v) for v in figures))


def _lost(harm: Harm) -> str:
    low, high = harm.recovered.low, harm.recovered.high
    return "none" if low is None or high is None else f"{-high:+.3f} to {-low:+.3f}"


def _searched(found: WorstAllowed) -> RenderableType:
    one, facts = found.searched, grid()
    facts.add_row("usual", ratio(one.usual))
    facts.add_row("worst", ratio(one.worst))
    facts.add_row("optimism", "none" if one.optimism is None else f"{one.optimism:+.3f}")
    most = count(found.conventions["candidates"], "candidate")
    runs = count(one.evaluations, "scrub")
    facts.add_row("bounds", f"{runs} in {count(one.rounds, 'round')}, {most} of a kind for a node")
    return facts


def _choices(found: WorstAllowed) -> RenderableType:
    table = Listing(["node", "draws", "refinement", ">rows", ">alone", ">interval", ">added"])
    for one in found.choices:
        table.add(
            Text(one.node, style="bold"),
            SHORT.get(one.of, one.of),
            Text(one.said or "as usual"),
            f"{one.rows:.3g} of {one.rows_claimed:.3g}",
            *_alone(one),
        )
    return table


def _alone(one: Choice) -> tuple[str, str, str]:
    if one.alone is None or one.added is None:
        return DASH, "", DASH
    alone, added = one.alone.recovered, one.added.recovered
    if alone.value is None or added.value is None:
        return DASH, "", DASH
    ends = "" if alone.low is None else f"{alone.low:.3f} to {alone.high:.3f}"
    return f"{alone.value:.3f}", ends, f"{added.value:.3f}"


def _rules(found: WorstAllowed) -> Iterator[RenderableType]:
    chosen = [one for one in found.choices if one.rule]
    if not chosen:
        return
    yield heading("Rules", f"the first {SHOWN} lines of each; the JSON has them all")
    for one in chosen:
        yield Text(f"{one.node}, {one.of}: {one.said}", style="bold")
        for line in one.rule[:SHOWN]:
            where = f"where {line.given}: " if line.given else "always: "
            yield Text(f"  {where}{line.takes}", no_wrap=True, overflow="ellipsis")
