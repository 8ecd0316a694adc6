"""Generated donors: what is asked of a made row, and what its draws may depend on.

The messages of the refusals are in `tests/messages`.
"""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, InputRefused, Task, component, handmade, run, source
from scrub.graph import Reach
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import unfold
from scrub.sampling.donors import diagnose, draw_donors
from tests.laws.running import engine, reference

MODEL = handmade(
    source("x", lambda inputs: inputs.double()[:, :, None]),
    source("y", lambda inputs: inputs.double()[:, :, None] ** 2),
    component("a", lambda v: v.cumsum(1), v=["x", "y"], reach={"v": Reach.CAUSAL}),
    component("out", lambda v: v.cumsum(1), v="a", reach={"v": Reach.CAUSAL}),
    output="out",
)


def rows() -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    return [
        {"tokens": rng.integers(1, 9, 5).tolist(), "roles": {"end": 4}, "f": i % 3, "h": i % 2}
        for i in range(12)
    ]


def fresh(example: Any, agree: Any, rng: np.random.Generator) -> dict[str, Any]:
    tokens = rng.integers(1, 9, 5).tolist()
    return {**dict(example), "tokens": tokens, "h": int(rng.integers(2))}


def metric(output: torch.Tensor, columns: Any) -> torch.Tensor:
    return output[:, 0, 0]


def hypothesis(
    generator: Any = fresh, positions: str = "all", deep: bool = True, **options: Any
) -> Hypothesis:
    """out ← a ← x, where `a` reads `y` too, which nothing names."""
    claim = nx.DiGraph()
    claim.add_node("out", component="out", feature=EXACT)
    claim.add_node("a", component="a", positions=positions, feature="f")
    claim.add_edge("a", "out")
    if deep:
        claim.add_node("x", component="x", positions=positions, feature="f")
        claim.add_edge("x", "a")
    data = Dataset.from_rows(rows())
    task = Task(data, metric=metric, at="end", generator=generator, label=("f",))
    return Hypothesis(claim, task=task, model=MODEL, donors="generated", **options)


def claim_of(*written: Any, **options: Any) -> Claim:
    made = hypothesis(*written, **options)
    return resolve(made, MODEL.graph, made.task)


def made(**changes: Any) -> Any:
    return lambda example, agree, rng: {**fresh(example, agree, rng), **changes}


@pytest.mark.parametrize("changes", [
    {"tokens": [1, 1], "roles": {"end": 1}},
    {"tokens": [1] * 9},
    {"roles": {"end": [3, 4]}},
    {"roles": {}},
    {"roles": None},
    {"roles": {"end": 5}},
    {"f": 7},
    {"more": 1},
    {"tokens": []},
], ids=str)  # fmt: skip
def test_a_made_row_that_is_not_like_the_data_is_refused(changes):
    with pytest.raises(InputRefused, match="node 'a'"):
        run(hypothesis(made(**changes)), draws=1)


def test_a_made_row_may_have_another_length_where_all_values_move_by_role():
    shorter = made(tokens=[3, 1], roles={"end": 1})
    claim = claim_of(shorter, positions="end")
    torch.testing.assert_close(engine(MODEL, claim), reference(MODEL, claim))


def test_a_made_row_needs_no_mean_where_it_is_looked_up():
    """A leaf replaces nothing, so that no class of the data has to match its row."""
    lonely = claim_of(made(h=99), deep=False, replacement="mean_within:h")
    torch.testing.assert_close(engine(MODEL, lonely), reference(MODEL, lonely))
    with pytest.raises(InputRefused, match="the generator made 99, which no example has"):
        draw_donors(unfold(claim_of(made(h=99), replacement="mean_within:h")), [0], 1, 0)


@pytest.mark.parametrize("options", [
    {}, {"nodes": "joint"}, {"replacement": "mean"}, {"replacement": "mean_within:h"},
    {"unimportant": "separately"}, {"unimportant": "kept"},
], ids=str)  # fmt: skip
def test_law_3_holds_with_generated_donors(options):
    claim = claim_of(**options)
    torch.testing.assert_close(engine(MODEL, claim), reference(MODEL, claim))


@pytest.mark.parametrize("nodes", ["independent", "joint"])
def test_law_5_generated_draws_depend_on_no_other_reference(nodes):
    tree = unfold(claim_of(nodes=nodes))
    several, one = draw_donors(tree, [0, 3, 5], 2, 7), draw_donors(tree, [5], 2, 7)
    for drawn, alone in zip(several.rows[:, 2], one.rows[:, 0], strict=True):
        for here, there in zip(drawn.tolist(), alone.tolist(), strict=True):
            assert dict(several.dataset.example(here)) == dict(one.dataset.example(there))


def test_law_5_joint_counts_a_made_reference_by_what_it_holds():
    """One made row, however often it is handed down, draws the same frame for the same number."""
    always = made(tokens=[1, 2, 3, 4, 5], h=0)
    tree = unfold(claim_of(always, nodes="joint"))
    donors = draw_donors(tree, [0, 3, 6, 1], 2, 7)  # the first three agree on f
    frame = next(o.frame for o in tree.occurrences if o.node == "a")
    first, second, third, other = donors.rows[frame].tolist()
    assert first == second == third
    assert first != other


def test_law_6_a_generator_that_copies_is_seen_to_test_nothing():
    copying = lambda example, agree, rng: dict(example)  # noqa: E731
    assert self_shares(copying)["a"] == 1.0
    assert self_shares(fresh)["a"] < 0.1


def self_shares(generator: Any) -> dict[str, float]:
    tree = unfold(claim_of(generator))
    donors = draw_donors(tree, range(12), 4, 0)
    return {found.node: found.self_share for found in diagnose(tree, donors)}


def test_a_made_row_that_repeats_an_input_shares_it():
    data = Dataset.from_rows([{"tokens": [1, 2]}, {"tokens": [3]}])
    more = data.extended([{"tokens": [3]}, {"tokens": [4]}, {"tokens": [4]}, {"tokens": [1, 2]}])
    assert [x.tolist() for x in more.inputs] == [[1, 2], [3], [4]]
    assert more.sequence.tolist() == [0, 1, 1, 2, 2, 0]
    floats = Dataset.from_columns({"v": [1.0, 2.0]}, ["v"])
    assert floats.extended([{"tokens": [2], "v": 2.0}]).sequence.tolist() == [0, 1, 1]
