"""The tables of one result: scores, nodes, claims, conventions, cost, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scrub.report.numbers import DASH, count, flops, level, number, share
from scrub.report.page.tabular import (
    Cell,
    Column,
    Table,
    between,
    columns,
    figure,
    minus,
    named,
    recovery,
    words,
)
from scrub.report.page.verdict import verdict
from scrub.report.text import BASELINES, ESTIMANDS, memory_in_words, of_gap, precision_in_words
from scrub.results.result import Figure, NodeResult, Result


def measured(result: Result) -> Table:
    """The three means with their intervals, and what stands beside them."""
    means, said = result.means, result.conventions
    baseline = str(said.get("baseline", "random"))
    rows = [
        _mean("model", means.model, "unscrubbed"),
        _mean("scrubbed", means.scrubbed, "everything unnamed resampled"),
        _mean("baseline", means.baseline, BASELINES.get(baseline, baseline)),
    ]
    if result.null is not None:
        kept = result.null.recovered
        what = f"the same graph, {result.null.kind}"
        what += "" if kept is None else f": recovers {minus(f'{kept:.3f}')}"
        rows.append(_row("null", result.null.mean, what))
    rows.append(_row("divergence", result.divergence, f"mean |scrubbed − model|{of_gap(result)}"))
    if result.kl is not None:
        rows.append(_row("KL", result.kl, "nats, from the model's own output"))
    return Table(
        f"Means of {result.metric}",
        columns("", ">mean", f">{level(result.recovered.level)} interval", "what it is"),
        tuple(rows),
    )


def _mean(name: str, one: Figure, what: str) -> tuple[Cell, ...]:
    return words(name), figure(one.value), between(one.low, one.high, decimals=False), words(what)


def _row(name: str, value: float, what: str) -> tuple[Cell, ...]:
    return words(name), figure(value), Cell(DASH), words(what)


def stopped(result: Result) -> Table | None:
    """Of a run that went on until its interval was narrow: why it ended, and what is left."""
    if result.stopping is None:
        return None
    rows = [("stopped", words(result.stopping.said))]
    variance = result.variance
    if variance is not None:
        parts = {
            "references": variance.references.variance,
            "donors": variance.donors.variance,
            "unimportant inputs": variance.unimportant.variance,
            "rows as donors": variance.data,
        }
        if variance.total > 0:
            told = [f"{100 * part / variance.total:.0f} % {name}" for name, part in parts.items()]
            rows.append(("variance", words(minus(", ".join(told)))))
        rows.append(("advice", words(variance.advice)))
    return named(rows, "As narrow as asked for", "", "")


NODES = columns(
    "node",
    "component",
    "at",
    "carries",
    Column("classes", True, "Classes of examples that agree on the feature"),
    Column("sizes", True, "Smallest, median and largest class, in distinct inputs"),
    Column("bits", True, "log2 of the class size, averaged: what the node lets vary"),
    Column("draws", True, "Donors drawn for it"),
    Column("self", True, "Share of these that are the reference itself and test nothing"),
    Column("own inputs", True, "The same for the draws that supply its unimportant inputs"),
)


def nodes(found: Iterable[NodeResult]) -> Table:
    """What each node stands for, and what its draws were like."""
    return Table("Nodes and their draws", NODES, tuple(map(_node, found)))


def _node(node: NodeResult) -> tuple[Cell, ...]:
    smallest, median, largest = (f"{value:,.0f}" for value in node.class_sizes)
    sizes = smallest if smallest == largest else f"{smallest} – {median} – {largest}"
    frame = node.frame_self_share
    return (
        words(node.name),
        words(node.component),
        words(node.positions),
        words(node.feature),
        figure(node.classes, f"{node.classes:,}"),
        figure(node.class_sizes[1], sizes),
        figure(node.bits, f"{node.bits:.1f}"),
        figure(node.draws, f"{node.draws:,}"),
        figure(node.self_share, share(node.self_share)) if node.draws else Cell(DASH),
        Cell(DASH) if frame is None else figure(frame, share(frame)),
    )


def claimed(result: Result) -> Table:
    """How much the hypothesis says."""
    claims = result.claims
    graph = f"{count(claims.nodes, 'node')}, {count(claims.edges, 'edge')}"
    rows = [
        ("graph", words(f"{graph}; unfolded to {count(claims.occurrences, 'occurrence')}")),
        (
            "unimportant",
            words(f"{share(claims.unimportant)} of the model's {claims.model_edges:,} edges"),
        ),
        (
            "lets vary",
            words(f"{claims.bits:.1f} of {claims.most_bits:.1f} bits, averaged over the nodes"),
        ),
    ]
    return named(rows, "How much is claimed", "", "")


def conventions(result: Result) -> Table:
    """Every option and setting by name."""
    rows = [(k, words("default" if v is None else v)) for k, v in result.conventions.items()]
    estimand = result.recovered.estimand
    method = f"{result.recovered.method} bootstrap, {result.recovered.replicates:,} replicates, for"
    rows.append(("interval is about", words(f"{method} {ESTIMANDS.get(estimand, estimand)}")))
    return named(rows, "Conventions", "convention", "value")


def provenance(result: Result) -> Table:
    """Where it comes from, and what it cost."""
    cost = result.cost
    passes = f"{number(cost.forward_passes)} forward passes over the references"
    seconds = sum(cost.seconds.values())
    rows = [
        *((f"{name} (SHA-256)", words(value)) for name, value in result.fingerprints.items()),
        *((name, words(value)) for name, value in result.versions.items()),
        ("precision", words(precision_in_words(result.precision))),
        ("cost", words(f"{passes} ({flops(cost.flops)}), {seconds:.1f} s")),
        ("memory", words(memory_in_words(cost))),
        ("schema", words(result.schema)),
    ]
    return named(rows, "Provenance", "what", "value")


OVERVIEW = columns(
    "hypothesis",
    "model",
    "task",
    "metric",
    "verdict",
    ">recovered",
    ">interval",
    Column("null", True, "What the same graph recovers with its features forgotten"),
    Column("divergence", True, "Mean |scrubbed − model|, in the metric"),
    Column("KL", True, "From the model's own output, in nats"),
    Column("unimportant", True, "Share of the model's edges declared not to matter"),
    Column("bits", True, "What the nodes let vary, averaged"),
)
SHARED = ("model", "task", "metric")  # said once where it is the same for all


def overview(results: Iterable[Result], links: Iterable[str]) -> Table:
    """All results, one a row; `links` are the ids of their sections."""
    shown = list(results)
    once = {name for name, _ in common(shown)}
    kept = [i for i, column in enumerate(OVERVIEW) if column.title not in once]
    rows = [_overview(one, link) for one, link in zip(shown, links, strict=True)]
    titles = tuple(OVERVIEW[i] for i in kept)
    return Table("Results", titles, tuple(tuple(row[i] for i in kept) for row in rows))


def common(results: Sequence[Result]) -> list[tuple[str, str]]:
    """What all results have in common, of model, task and metric."""
    found = []
    for name in SHARED:
        values = {str(getattr(one, name)) for one in results}
        if len(values) == 1:
            found.append((name, values.pop()))
    return found


def _overview(result: Result, link: str) -> tuple[Cell, ...]:
    found, claims = result.recovered, result.claims
    null = None if result.null is None else result.null.recovered
    word = verdict(result).word
    return (
        Cell(result.name, result.name.casefold(), link),
        words(result.model),
        words(result.task),
        words(result.metric),
        words(word.value),
        recovery(found.value),
        between(found.low, found.high),
        Cell(DASH) if null is None else recovery(null),
        figure(result.divergence),
        figure(result.kl),
        figure(claims.unimportant, share(claims.unimportant)),
        figure(claims.bits, f"{claims.bits:.1f}"),
    )
