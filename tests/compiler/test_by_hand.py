"""The claim that the compiler's README works through, and what the passes make of others."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from scrub import EXACT, Dataset, Hypothesis, Task
from scrub.compiler import (
    Free,
    Mean,
    Projected,
    Recorded,
    Run,
    Schedule,
    Shape,
    Sums,
    compile_tree,
    stats,
)
from scrub.compiler.verify import IllegalSchedule, verify
from scrub.graph import ALL, Kind, Projection
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from tests.models.tiny import model

README = Path(__file__).parents[2] / "scrub" / "compiler" / "README.md"
SHAPE = Shape({"tokens": 8}, inputs=24, roles={"end": 1, "name": 1, "pair": 2})


@cache
def data() -> Dataset:
    roles = {"end": 7, "name": 1, "pair": [1, 3]}
    rows = [
        {"tokens": [i + 1, 2, i + 3, *range(5)], "roles": roles, "f": i % 2, "answer": 1}
        for i in range(24)
    ]
    return Dataset.from_rows(rows)


def compiled(where: str, port: str | tuple[str, ...], family: str = "gpt2", **options: str) -> Any:
    """`a1.h0` at `end` reads `a0.h0` at a place."""
    claim = nx.DiGraph()
    claim.add_node("sink", component="logits", feature=EXACT)
    claim.add_node("inner", component="a1.h0", positions="end", feature="f")
    claim.add_node("leaf", component="a0.h0", positions=where, feature="f")
    claim.add_edge("leaf", "inner", port=port)
    claim.add_edge("inner", "sink")
    task, own = Task(data(), at="end"), model(family)
    hypothesis = Hypothesis(claim, task=task, model=own, self_donation="allowed", **options)
    return compile_tree(unfold(resolve(hypothesis, own.graph, task)))


def readings(schedule: Schedule) -> dict[str, Any]:
    return dict(next(schedule.steps()).ports)


def test_the_readme_shows_what_the_passes_make():
    shown = README.read_text().partition("```\n")[2].partition("\n```")[0]
    assert compiled("name", "k").pretty() == shown


@pytest.mark.parametrize(
    ("where", "port", "touched"),
    [
        ("name", "k", {"k": ("name",)}),
        ("name", "v", {"v": ("name",)}),
        ("name", ("k", "v"), {"k": ("name",), "v": ("name",)}),
        ("pair", "v", {"v": ("pair",)}),
        ("end", ("k", "v"), {"k": ("end",), "v": ("end",)}),
    ],
)
def test_a_sum_is_projected_where_an_explained_input_touches_it_and_nowhere_else(
    where, port, touched
):
    found = readings(compiled(where, port))
    assert all(isinstance(read, Projected) for read in found.values())
    assert {
        name: tuple(str(at) for _, at in read.put) for name, read in found.items() if read.put
    } == touched


def test_a_port_that_is_touched_everywhere_is_summed_as_a_whole():
    found = readings(compiled("all", "k"))
    assert isinstance(found["k"], int)
    assert isinstance(found["v"], Projected)


def test_queries_are_summed_where_they_are_read_or_looked_up():
    assert isinstance(readings(compiled("end", "q"))["q"], int)
    assert isinstance(readings(compiled("end", "k"))["q"], Projected)


@pytest.mark.parametrize("replacement", ["zero", "mean", "mean_within:f"])
def test_what_stands_in_for_a_frame_is_no_rows_own_and_is_summed(replacement):
    found = readings(compiled("name", "k", replacement=replacement))
    assert all(isinstance(read, int) for read in found.values())


def test_heads_that_share_keys_and_values_share_what_is_recorded():
    """Grouped queries: Llama's heads 0, 1 and 2 read one slice; the queries are their own."""
    graph = model("llama").graph
    one, other = graph["a1.h0"], graph["a1.h1"]
    assert one.port("k").projection == other.port("k").projection
    assert one.port("v").projection == other.port("v").projection
    assert str(other.port("q").projection) == "a1.h1.q"
    assert graph["a1.h3"].port("k").projection != one.port("k").projection


def test_a_schedule_costs_less_by_what_was_projected_beforehand():
    """Seven positions of eight of the keys, all of the values, the queries: 2 FLOPs a weight."""
    schedule = compiled("name", "k")
    graph = schedule.graph
    summed = replace(
        graph,
        components=tuple(
            replace(c, ports=tuple(replace(p, projection=None) for p in c.ports))
            for c in graph.components
        ),
    )
    head = graph["a1.h0"]
    weights = head.width * head.port("k").projection.width
    without = stats(_of(summed), SHAPE)
    found = stats(schedule, SHAPE)
    assert without.flops - found.flops == 2 * weights * (7 + 8 + 1)
    assert found.recording_flops == without.recording_flops, "the pass makes them anyway"


def _of(graph) -> Schedule:
    claim = nx.DiGraph()
    claim.add_node("sink", component="logits", feature=EXACT)
    claim.add_node("inner", component="a1.h0", positions="end", feature="f")
    claim.add_node("leaf", component="a0.h0", positions="name", feature="f")
    claim.add_edge("leaf", "inner", port="k")
    claim.add_edge("inner", "sink")
    task = Task(data(), at="end")
    hypothesis = Hypothesis(claim, task=task, self_donation="allowed")
    return compile_tree(unfold(resolve(hypothesis, graph, task)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Projection("a1.h0", "v", 6), "a1.h0.k reads a1.h0.v as its projection"),
        (Projection("a1.h1", "k", 6), "a1.h0.k reads a1.h1.k as its projection"),
    ],
)
def test_another_ports_projection_is_no_legal_schedule(wrong, said):
    schedule = compiled("name", "k")
    (step, *_) = schedule.steps()
    ports = tuple((n, replace(r, own=wrong) if n == "k" else r) for n, r in step.ports)
    made = tuple(
        Run((replace(step, ports=ports),)) if isinstance(i, Run) and step in i.steps else i
        for i in schedule.instructions
    )
    with pytest.raises(IllegalSchedule, match=f"right_projections: {said}"):
        verify(replace(schedule, instructions=made))


def test_a_sum_put_in_elsewhere_is_no_legal_schedule():
    schedule = compiled("name", "k")
    moved = tuple(
        Sums(tuple(replace(one, at=ALL) for one in i.each)) if isinstance(i, Sums) else i
        for i in schedule.instructions
    )
    with pytest.raises(IllegalSchedule, match="puts a sum at all in at name"):
        verify(replace(schedule, instructions=moved))


def several(*places: tuple[str, str]) -> Schedule:
    """Heads of layer 1 at `end`, one for each place, that read `a0.h0` there through a port."""
    claim = nx.DiGraph()
    claim.add_node("sink", component="logits", feature=EXACT)
    for number, (where, port) in enumerate(places):
        inner, leaf = f"inner {number}", f"leaf {number}"
        claim.add_node(inner, component=f"a1.h{number}", positions="end", feature="f")
        claim.add_node(leaf, component="a0.h0", positions=where, feature="f")
        claim.add_edge(leaf, inner, port=port)
        claim.add_edge(inner, "sink")
    task, own = Task(data(), at="end"), model("gpt2")
    hypothesis = Hypothesis(claim, task=task, model=own, self_donation="allowed")
    return compile_tree(unfold(resolve(hypothesis, own.graph, task)))


@pytest.mark.parametrize(
    ("places", "at_once"),
    [
        ([("name", "k"), ("name", "k")], [2, 1]),  # the last one is the read-out's
        ([("name", "k"), ("name", "v")], [2, 1]),
        ([("name", "k"), ("end", "k")], [1, 1, 1]),
        ([("name", "k"), ("end", "q"), ("name", "k")], [2, 1, 1]),
    ],
)
def test_sums_of_one_form_that_a_run_reads_are_made_at_once(places, at_once):
    schedule = several(*places)
    assert [len(i.each) for i in schedule.instructions if isinstance(i, Sums)] == at_once
    assert sum(isinstance(i, Run) for i in schedule.instructions) == 2


def two(**differs: object) -> Schedule:
    """A schedule in which two sums are made at once, the second with something else."""
    schedule = compiled("name", "k")
    (first, *rest) = schedule.instructions
    assert isinstance(first, Sums)
    (one,) = first.each
    both = Sums((one, replace(one, **{"out": 99, **differs})))
    return replace(schedule, instructions=(both, *rest, Free((99,))))


def test_sums_of_one_form_may_be_made_at_once():
    verify(two())


@pytest.mark.parametrize(
    "differs", [{"at": ALL}, {"stream": "final"}, {"terms": ()}, {"own": Recorded(Mean(), 3)}]
)
def test_sums_that_differ_in_more_than_their_rows_are_no_legal_schedule(differs):
    with pytest.raises(IllegalSchedule, match="one_form: sums 0, 99 differ in more than their"):
        verify(two(**differs))


def test_what_is_recorded_of_a_port_is_no_stream():
    sites = compiled("name", "k").sites()
    assert {str(site) for site in sites if site.kind is Kind.PROJECTED} == {
        "a1.h0:projected.q",
        "a1.h0:projected.k",
        "a1.h0:projected.v",
    }
