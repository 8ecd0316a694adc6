"""A result as a person reads it: the number, what it is made of, and why one should doubt it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from scrub.report.numbers import (
    DASH,
    count,
    figure_interval,
    flops,
    level,
    number,
    ratio,
    ratio_interval,
    share,
    size,
)
from scrub.report.stopping import stopping_lines
from scrub.report.tables import Listing, grid, heading
from scrub.results.result import Cost, NodeResult, Precision, Result

MOST_NODES = 40
NOT_SHOWN = (
    "references",
    "rows",
    "draws",
    "seed",
    "level",
    "interval",
    "estimand",
    "replicates",
    "null",
    "until",
    "most_references",
    "most_draws",
    "scored_at",
)  # said elsewhere in the report


def report(result: Result) -> RenderableType:
    """The whole report, for a screen of 100 columns or more."""
    return Group(
        _header(result),
        _headline(result),
        *_cautions(result),
        heading("Measured"),
        _means(result),
        *stopping_lines(result),
        heading("How much is claimed"),
        _claims(result),
        heading(
            "Nodes",
            "sizes: smallest–median–largest class, in distinct inputs; "
            "self: draws of the reference itself",
        ),
        _nodes(result.nodes),
        *_worst(result),
        heading("Cost and conventions"),
        _cost(result),
    )


def _header(result: Result) -> RenderableType:
    said = result.conventions
    rows, references, draws = (said.get(name) for name in ("rows", "references", "draws"))
    facts = grid()
    facts.add_row("model", Text(result.model))
    facts.add_row("task", Text(f"{result.task}, {rows:,} rows" if rows else result.task))
    facts.add_row("metric", Text(f"{result.metric} at {said.get('scored_at', 'the output')}"))
    if references and draws:
        scored = f"{count(references, 'reference')} × {count(draws, 'draw')}, seed {said['seed']}"
        facts.add_row("scored", Text(scored))
    claim = [Text(result.claim, style="italic")] if result.claim else []
    return Group(Text(result.name, style="bold"), *claim, Text(), facts)


def _headline(result: Result) -> RenderableType:
    found = result.recovered
    if found.value is None:
        text = Text("recovered: refused\n", style="bold red")
        text.append(found.refusal or "There is no ratio to report.", style="not bold")
        return Panel(text, border_style="red", padding=(0, 2))
    text = Text(f"recovered {ratio(found.value)}", style="bold")
    if found.low is not None and found.high is not None:
        text.append(f"   {level(found.level)} interval {ratio_interval(found)}", style="not bold")
    how = f"\n{found.method} bootstrap, {found.replicates:,} replicates, for "
    text.append(how + ESTIMANDS.get(found.estimand, found.estimand), style="not bold dim")
    for note in found.notes:
        text.append(f"\n{note}", style="not bold dim")
    return Panel(text, border_style="blue", padding=(0, 2))


def _cautions(result: Result) -> Iterator[RenderableType]:
    """Sentences that qualify the number, right under it."""
    said = [text for text in result.cautions if text != result.recovered.refusal]
    if not said:
        return
    table = Table.grid(padding=(0, 1))
    for sentence in said:
        table.add_row(Text("!", style="bold yellow"), Text(sentence))
    yield Panel(table, title="Before you believe it", title_align="left", border_style="yellow")


def _means(result: Result) -> RenderableType:
    means = result.means
    table = Listing(["", ">mean", f">{level(result.recovered.level)} interval", "what it is"])
    baseline = str(result.conventions.get("baseline", "random"))
    for name, figure, what in (
        ("model", means.model, "unscrubbed"),
        ("scrubbed", means.scrubbed, "everything unnamed resampled"),
        ("baseline", means.baseline, BASELINES.get(baseline, baseline)),
    ):
        table.add(name, number(figure.value), figure_interval(figure), Text(what))
    table.add(
        "divergence",
        number(result.divergence),
        "",
        Text(f"mean |scrubbed - model|{of_gap(result)}"),
    )
    if result.kl is not None:
        table.add("KL", number(result.kl), "", Text("nats, from the model's own output"))
    if result.null is not None:
        value = DASH if result.null.recovered is None else ratio(result.null.recovered)
        what = f"the null recovers {value} ({result.null.kind})"
        table.add("null", number(result.null.mean), "", Text(what))
    return table


NODE_TITLES = (
    "node",
    "component",
    "at",
    "carries",
    ">classes",
    ">sizes",
    ">bits",
    ">draws",
    ">self",
)

ESTIMANDS = {
    "population": "the population that the data were drawn from",
    "data": "the data as they are",
}

BASELINES = {
    "random": "recovers 0: outputs of random inputs",
    "components": "recovers 0: the sink's named parents resampled",
    "uniform": "recovers 0: uniform logits",
    "zero": "recovers 0: what feeds the output set to zero",
    "mean": "recovers 0: what feeds the output at its mean",
}


def of_gap(result: Result) -> str:
    """Divergence as a share of what there is to lose."""
    model, baseline = result.means.model.value, result.means.baseline.value
    if model is None or baseline is None or model == baseline:
        return ""
    part = result.divergence / abs(model - baseline)
    return f", {share(part)} of the gap" if math.isfinite(part) else ""


def _claims(result: Result) -> RenderableType:
    claims = result.claims
    table = grid()
    graph = f"{count(claims.nodes, 'node')}, {count(claims.edges, 'edge')}"
    table.add_row("graph", Text(f"{graph}; unfolded to {count(claims.occurrences, 'occurrence')}"))
    edges = f"{share(claims.unimportant)} of the model's {claims.model_edges:,} edges"
    table.add_row("unimportant", Text(edges))
    bits = f"{claims.bits:.1f} of {claims.most_bits:.1f} bits, averaged over the nodes"
    table.add_row("lets vary", Text(f"{bits} (log2 of the class size)"))
    return table


def _nodes(nodes: tuple[NodeResult, ...]) -> RenderableType:
    table = Listing(NODE_TITLES)
    for node in nodes[:MOST_NODES]:
        smallest, median, largest = (f"{value:.0f}" for value in node.class_sizes)
        table.add(
            Text(node.name, style="bold"),
            Text(node.component),
            Text(node.positions),
            Text(node.feature),
            f"{node.classes:,}",
            smallest if smallest == largest else f"{smallest}–{median}–{largest}",
            f"{node.bits:.1f}",
            f"{node.draws:,}",
            share(node.self_share) if node.draws else DASH,
        )
    more = len(nodes) - MOST_NODES
    rest = [Text(f"{count(more, 'more node')} in the JSON", style="dim")] if more > 0 else []
    return Group(table, *rest)


def _worst(result: Result) -> Iterator[RenderableType]:
    if not result.worst:
        return
    yield heading("Worst examples", "where scrubbing changes the metric most")
    table = Listing([">row", ">model", ">scrubbed", ">change", "example"])
    for example in result.worst:
        figures = (example.model, example.scrubbed, example.divergence)
        table.add(str(example.row), *map(number, figures), Text(example.shown))
    yield table


def _cost(result: Result) -> RenderableType:
    cost, table = result.cost, grid()
    seconds = sum(cost.seconds.values())
    passes = f"{number(cost.forward_passes)} forward passes over the references"
    table.add_row("cost", Text(f"{passes} ({flops(cost.flops)}), {seconds:.1f} s"))
    halved = f", halved {count(cost.halvings, 'time')}" if cost.halvings else ""
    table.add_row("memory", Text(f"{memory_in_words(cost)}{halved}"))
    table.add_row("precision", Text(precision_in_words(result.precision)))
    said = [
        f"{k} {v}" for k, v in result.conventions.items() if k not in NOT_SHOWN and v is not None
    ]
    table.add_row("conventions", Text(", ".join(said)))
    prints = ", ".join(f"{name} {value[:12]}" for name, value in result.fingerprints.items())
    table.add_row("fingerprints", Text(prints))
    versions = ", ".join(f"{name} {value}" for name, value in result.versions.items())
    table.add_row("versions", Text(versions))
    return table


def memory_in_words(cost: Cost) -> str:
    """What was recorded, of which one row may have stood for all at first, and what was live."""
    recorded = f"{size(cost.recording_bytes)} recorded on the {cost.place}"
    if cost.recorded_once:
        recorded += f" (the first {count(cost.recorded_once, 'position')} once for all inputs)"
    return f"{recorded}, {size(cost.peak_bytes)} live in chunks of {cost.chunk:,}"


def precision_in_words(precision: Precision) -> str:
    """The type that the model ran in, and its error where that was measured."""
    if precision.against is None:
        return precision.dtype
    compared = f"{precision.against} on {count(precision.references, 'reference')}"
    apart = f"{number(precision.mean_error)} on average, {number(precision.max_error)} at most"
    return f"{precision.dtype}; against {compared} the metric differs by {apart}"
