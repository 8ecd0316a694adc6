"""A hypothesis as text: the model's layers from the output down, each node where it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.report.layers import component_text, feature_text, heights, layer_of, layers, ports_read
from scrub.report.numbers import count, share


def outline(hypothesis: Hypothesis, claim: Claim) -> RenderableType:
    """The claim, drawn in text.

    A node stands at its last component's layer; under it, what it reads through which port. What
    a leaf reads is not said: its value comes whole from one donor.
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
    return Group(*head, Text(), _table(claim), Text(), end)


def _table(claim: Claim) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    levels = layers(claim.graph)
    there = _by_layer(claim)
    for empty, group in groupby(reversed(range(len(levels))), key=lambda i: i not in there):
        numbers = list(group)
        if empty:
            table.add_row(_span([levels[i].label for i in numbers]), Text("· unnamed", style="dim"))
            continue
        for i in numbers:
            for first, node in enumerate(there[i]):
                table.add_row("" if first else levels[i].label, _node(claim, node))
    return table


def _by_layer(claim: Claim) -> dict[int, list[Node]]:
    height = heights(claim.graph)
    found: dict[int, list[Node]] = {}
    for name in reversed(claim.topological):
        node = claim.nodes[name]
        found.setdefault(layer_of(node, height), []).append(node)
    return found


def _span(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}"


def _node(claim: Claim, node: Node) -> Text:
    line = Text("■ ", style="blue")
    line.append(_padded(node.name, (n.name for n in claim.nodes.values()), 24), style="bold")
    said = (component_text(n) for n in claim.nodes.values())
    line.append(f"  {_padded(component_text(node), said, 26)}", style="cyan")
    spots = (str(n.positions) for n in claim.nodes.values())
    line.append(f"  @ {_padded(str(node.positions), spots, 16)}", style="default")
    line.append("  carries ", style="dim")
    line.append(feature_text(node.feature), style="green")
    for ports, parents in ports_read(claim, node.name).items():
        line.append("\n  ↑ ", style="blue")
        line.append(ports, style="magenta")
        line.append(f": {', '.join(parents)}", style="default")
    return line


def _padded(text: str, column: Iterable[str], most: int) -> str:
    """The text, as wide as the widest of its column but no wider than `most`."""
    width = min(max(map(len, column)), most)
    return text.ljust(width) if len(text) <= width else f"{text[: width - 1]}…"
