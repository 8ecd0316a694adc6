"""What a hypothesis says, in the few lines that `scrub check` prints."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.hypothesis.causal import has_values
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.options import Options
from scrub.report.numbers import count, share
from scrub.report.tables import grid


def summary(hypothesis: Hypothesis, claim: Claim) -> RenderableType:
    """For a claim that has passed every rule."""
    graph, task = claim.graph, claim.task
    facts = grid()
    components = count(len(graph.components), "component")
    facts.add_row("model", Text(f"{graph.name}: {components}, {graph.n_edges:,} edges"))
    rows = count(len(task.dataset), "row")
    inputs = count(len(task.dataset.inputs), "distinct input")
    facts.add_row("task", Text(f"{task.name}: {rows} over {inputs}"))
    facts.add_row("metric", Text(f"{task.metric_name} at {task.positions}"))
    leaves = sum(claim.is_leaf(name) for name in claim.nodes)
    nodes = f"{count(len(claim.nodes), 'node')} ({count(leaves, 'leaf', 'leaves')})"
    facts.add_row("says", Text(f"{nodes}, {count(len(claim.edges), 'edge')}"))
    facts.add_row("unimportant", Text(f"{share(claim.unimportant)} of the model's edges"))
    facts.add_row("unfolds to", Text(count(count_occurrences(claim), "occurrence")))
    if has_values(hypothesis.graph):
        valued = sum("value" in said for _, said in hypothesis.graph.nodes(data=True))
        facts.add_row("computes", Text(f"{count(valued, 'value')}, tried on every row"))
    facts.add_row("conventions", Text(_conventions(claim.options)))
    head = Text.assemble((hypothesis.name, "bold"), ": ", ("well formed", "bold green"))
    said = [Text(hypothesis.claim, style="italic")] if hypothesis.claim else []
    return Group(head, *said, Text(), facts)


def _conventions(options: Options) -> str:
    """Those that are not the default."""
    usual = Options().as_dict()
    other = [f"{k} {v}" for k, v in options.as_dict().items() if v != usual[k]]
    return ", ".join(other) or "the defaults (unimportant inputs drawn together, resampled)"
