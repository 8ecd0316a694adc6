"""How a notebook shows a result: the same figures as the report, as HTML of its own.

Importing this module registers it. Every text in it is escaped: examples and names are data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from scrub.report.numbers import DASH, figure_interval, level, number, ratio, ratio_interval, share
from scrub.results.result import NodeResult, Result, register_renderer

MOST_NODES = 30
TABLE = "border-collapse:collapse;margin:.5em 0;font-size:90%"
CELL = "padding:.15em .8em .15em 0;text-align:{side};border-bottom:1px solid #8884"
CAUTION = "border-left:4px solid #E69F00;padding:.2em .8em;margin:.5em 0"


def render(result: Result) -> str:
    """A result in a few lines: the number first, then its means, then what qualifies it."""
    parts = [
        f"<strong>{escape(result.name)}</strong> <em>{escape(result.claim)}</em>",
        f"<div style='opacity:.75'>{escape(_subject(result))}</div>",
        f"<div style='font-size:130%;margin:.4em 0'>{escape(_headline(result))}</div>",
        *(f"<div style='{CAUTION}'>{escape(sentence)}</div>" for sentence in result.cautions),
        _means(result),
        f"<div>{escape(_claims(result))}</div>",
        _nodes(result),
    ]
    return f"<div style='max-width:60em'>{''.join(parts)}</div>"


def _subject(result: Result) -> str:
    said = result.conventions
    scored = f"{said.get('references')} references × {said.get('draws')} draws"
    return f"{result.model} · {result.task} · {result.metric} · {scored}"


def _headline(result: Result) -> str:
    found = result.recovered
    if found.value is None:
        return "recovered: refused"
    if found.low is None or found.high is None:
        return f"recovered {ratio(found.value)}"
    how = f"{level(found.level)} interval {ratio_interval(found)}, {found.method}, {found.estimand}"
    return f"recovered {ratio(found.value)} ({how})"


def _means(result: Result) -> str:
    means = result.means
    named = (("model", means.model), ("scrubbed", means.scrubbed), ("baseline", means.baseline))
    rows = [(name, number(f.value), figure_interval(f)) for name, f in named]
    rows.append(("divergence", number(result.divergence), "mean |scrubbed - model|, single draws"))
    if result.kl is not None:
        rows.append(("KL", number(result.kl), "nats, from the model's own output"))
    if result.null is not None:
        recovered = DASH if result.null.recovered is None else ratio(result.null.recovered)
        rows.append(("null", number(result.null.mean), f"recovers {recovered}"))
    return _table(["", ">mean", "interval"], rows)


def _claims(result: Result) -> str:
    claims = result.claims
    return (
        f"Claimed: {claims.nodes} nodes, {claims.edges} edges; {share(claims.unimportant)} of the "
        f"model's {claims.model_edges:,} edges unimportant; {claims.bits:.1f} of "
        f"{claims.most_bits:.1f} bits free."
    )


def _self(node: NodeResult) -> str:
    return share(node.self_share) if node.draws else DASH


def _nodes(result: Result) -> str:
    rows = [
        (n.name, n.component, n.positions, n.feature, str(n.classes), _self(n))
        for n in result.nodes[:MOST_NODES]
    ]
    table = _table(["node", "component", "at", "carries", ">classes", ">self"], rows)
    more = len(result.nodes) - MOST_NODES
    return table + (f"<div>… and {more} more nodes</div>" if more > 0 else "")


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A title that starts with `>` makes a column of figures."""
    styles = [CELL.format(side="right" if t.startswith(">") else "left") for t in titles]
    head = _row("th", [title.removeprefix(">") for title in titles], styles)
    body = "".join(_row("td", row, styles) for row in rows)
    return f"<table style='{TABLE}'>{head}{body}</table>"


def _row(tag: str, cells: Sequence[str], styles: Sequence[str]) -> str:
    made = [
        f"<{tag} style='{style}'>{escape(cell)}</{tag}>"
        for cell, style in zip(cells, styles, strict=True)
    ]
    return f"<tr>{''.join(made)}</tr>"


register_renderer(render)
