"""A hypothesis as text: the model's layers from the output down, each node where it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.report.layers import MEANING, Mark, component_text, marks, ports_read
from scrub.report.numbers import count, share
from scrub.results.graph import ClaimGraph, GraphLayer, GraphNode, graph_of

OPEN = "┊"


def outline(hypothesis: Hypothesis, claim: Claim) -> RenderableType:
    """The claim, drawn in text.

    A node stands at its last component's layer; under it, what it reads through which port. What
    a leaf reads is left open: its value comes whole from one donor.
    """
    head: list[RenderableType] = [Text(hypothesis.name, style="bold")]
    if hypothesis.claim:
        head.append(Text(hypothesis.claim, style="italic"))
    nodes, edges = count(len(claim.nodes), "node"), count(len(claim.edges), "edge")
    end = Text(
        f"{nodes}, {edges}; {share(claim.unimportant)} of the model's "
        f"{claim.graph.n_edges:,} edges are claimed not to matter.",
        style="dim",
    )
    graph = graph_of(claim)
    return Group(*head, Text(), _table(graph), Text(), *_key(graph), end)


def _table(claim: ClaimGraph) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    levels = claim.layers
    there, said = _by_layer(claim), marks(claim)
    empty = {i: _empty(level, said) for i, level in enumerate(levels) if i not in there}
    for words, group in groupby(reversed(range(len(levels))), key=lambda i: empty.get(i, "")):
        numbers = list(group)
        if words:
            table.add_row(_span([levels[i].label for i in numbers]), Text(words, style="dim"))
            continue
        for i in numbers:
            for first, node in enumerate(there[i]):
                table.add_row("" if first else levels[i].label, _node(claim, node))
    return table


def _empty(level: GraphLayer, said: Mapping[str, Mark]) -> str:
    """What is said of a layer in which no node stands: a node stands at its last component."""
    found = {m: [name for name in level.components if said[name] is m] for m in Mark}
    unnamed, left = found[Mark.UNNAMED], found[Mark.OPEN]
    words = ["· unnamed"] if unnamed else []
    if left:
        words.append(f"{OPEN} left open" + (f": {', '.join(left)}" if unnamed else ""))
    if found[Mark.NAMED]:
        words.append(f"■ in a node above: {', '.join(found[Mark.NAMED])}")
    return "; ".join(words)


def _key(claim: ClaimGraph) -> Iterator[Text]:
    """What the marks mean, of those that are there."""
    seen = set(marks(claim).values())
    seen |= {Mark.OPEN for node in claim.nodes if node.left_open}
    signs = {Mark.UNNAMED: "·", Mark.OPEN: OPEN}
    for mark, sign in signs.items():
        if mark in seen:
            yield Text(f"{sign} {MEANING[mark]}", style="dim")


def _by_layer(claim: ClaimGraph) -> dict[int, list[GraphNode]]:
    found: dict[int, list[GraphNode]] = {}
    for node in reversed(claim.nodes):
        found.setdefault(node.layer, []).append(node)
    return found


def _span(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}"


def _node(claim: ClaimGraph, node: GraphNode) -> Text:
    line = Text("■ ", style="blue")
    line.append(_padded(node.name, (n.name for n in claim.nodes), 24), style="bold")
    said = (component_text(n) for n in claim.nodes)
    line.append(f"  {_padded(component_text(node), said, 26)}", style="cyan")
    spots = (n.positions for n in claim.nodes)
    line.append(f"  @ {_padded(node.positions, spots, 16)}", style="default")
    line.append("  carries ", style="dim")
    line.append(node.feature, style="green")
    for ports, parents in ports_read(claim, node.name).items():
        line.append("\n  ↑ ", style="blue")
        line.append(ports, style="magenta")
        line.append(f": {', '.join(parents)}", style="default")
    if node.left_open:
        line.append(f"\n  {OPEN} left open", style="dim")
    return line


def _padded(text: str, column: Iterable[str], most: int) -> str:
    """The text, as wide as the widest of its column but no wider than `most`."""
    width = min(max(map(len, column)), most)
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
