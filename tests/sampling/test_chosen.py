"""Draws under a strategy: still of the claimed classes, and nothing that no rule is about moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.data.dataset import Dataset
from scrub.data.features import EXACT, Extent
from scrub.engine.reference import CallableOracle, reference_outputs
from scrub.hypothesis.rules.features import node_values
from scrub.hypothesis.unfold import DrawKind, Tree, unfold
from scrub.sampling.chosen import ANYTHING, Chosen, Rule, Strategy, chosen, rows_claimed
from scrub.sampling.donors import draw_donors
from scrub.sampling.philox import key_of, uniform_words
from scrub.sampling.samplers import ByClass, Kernel, Within
from tests.laws.cases import random_case
from tests.laws.running import engine, flat

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
quick = settings(max_examples=12, deadline=None)
CHOSEN = (DrawKind.DONOR, DrawKind.FRAME, DrawKind.FEEDER)


def random_rule(rng: np.random.Generator, rows: int) -> Rule:
    cells, marks = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    return Rule(
        given=rng.integers(0, cells, rows),
        wanted=rng.integers(ANYTHING, marks, cells),
        marks=rng.integers(ANYTHING, marks, rows),
    )


def random_strategy(rng: np.random.Generator, tree: Tree, share: float = 0.7) -> Strategy:
    keys = {(draw.node, draw.kind) for draw in tree.draws if draw.kind in CHOSEN}
    ordered = sorted(keys, key=lambda key: (key[0], key[1].value))
    rows = len(tree.claim.dataset)
    return {key: random_rule(rng, rows) for key in ordered if rng.random() < share}


def random_sampler(rng: np.random.Generator, rows: int) -> ByClass | Within:
    members = rows - int(rng.integers(0, 3))
    if rng.random() < 0.5:
        keys = rng.integers(0, 4, rows)
        keys[members:] = keys[rng.integers(0, members, rows - members)]
        return ByClass.from_keys(keys.tolist(), members)
    return Within.from_values(rng.random(rows), rng.integers(0, 2, rows), 0.3, members)


def claimed(sampler: ByClass | Within, reference: int) -> set[int]:
    """The rows that a claim allows, read off the sampler's tables."""
    if isinstance(sampler, ByClass):
        members = len(sampler.order)
        return set(np.flatnonzero(sampler.of[:members] == sampler.of[reference]).tolist())
    return set(sampler.order[sampler.first[reference] : sampler.last[reference]].tolist())


@given(seeds)
@quick
def test_a_rule_leaves_the_rows_of_the_class_that_have_the_mark(rng):
    rows = 30
    sampler, rule = random_sampler(rng, rows), random_rule(rng, rows)
    references = np.arange(min(len(sampler.order), rows))
    words = uniform_words(references[:, None], np.arange(200)[None], key_of(0, "x"))
    narrowed = chosen(sampler, rule)
    drawn = narrowed.draw(np.repeat(references[:, None], 200, axis=1), words)
    left = narrowed.rows_left(references)
    for reference in references.tolist():
        allowed = claimed(sampler, reference)
        wanted = rule.wanted[rule.given[reference]]
        marked = {row for row in allowed if rule.marks[row] == wanted != ANYTHING}
        assert set(drawn[reference].tolist()) <= (marked or allowed)
        assert left[reference] == len(marked or allowed)
        if len(marked or allowed) <= 5:  # 200 draws miss one of five with chance 1e-18
            assert set(drawn[reference].tolist()) == (marked or allowed)
    assert (rows_claimed(sampler, references) >= left).all()


@given(seeds)
@quick
def test_asking_everyone_for_what_all_have_is_the_usual_draw(rng):
    sampler, rows = random_sampler(rng, 30), np.zeros(30, dtype=np.int64)
    references = rng.integers(0, len(sampler.order), (10, 4))
    words = uniform_words(references, np.arange(4)[None], key_of(1, "x"))
    usual = sampler.draw(references, words)
    for rule in (Rule(rows, rows[:1], rows), Rule(rows, rows[:1] + ANYTHING, rows)):
        np.testing.assert_array_equal(Chosen(sampler, rule).draw(references, words), usual)


def test_a_kernel_has_no_classes_to_choose_within():
    kernel = Kernel(np.arange(3.0), np.zeros(3, dtype=np.int64), 1.0, 3)
    rule = Rule(*(np.zeros(3, dtype=np.int64),) * 3)
    with pytest.raises(TypeError, match="a rule narrows classes, and Kernel has none"):
        chosen(kernel, rule)


def _rows(tree: Tree, strategy: Strategy | None) -> np.ndarray:
    references = range(len(tree.claim.dataset))
    return draw_donors(tree, references, 2, 0, strategy=strategy).rows


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_law_3_holds_under_a_strategy(rng):
    """The engine agrees with the reference interpreter, which knows nothing of strategies."""
    case = random_case(rng)
    tree = unfold(case.claim)
    donors = draw_donors(
        tree, range(len(case.claim.dataset)), 2, 0, strategy=random_strategy(rng, tree)
    )
    rows = flat(donors)[:, :8]
    expected = reference_outputs(tree, rows, donors.dataset, CallableOracle(case.model))
    found = engine(case.model, case.claim, rows)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@given(seeds)
@quick
def test_law_5_holds_under_a_strategy(rng):
    """A chosen donor agrees with the reference handed to its node, donors' donors included."""
    claim = random_case(rng).claim
    tree = unfold(claim)
    rows = _rows(tree, random_strategy(rng, tree))
    for i, draw in enumerate(tree.draws):
        if draw.kind is not DrawKind.DONOR:
            continue
        if not isinstance(claim.nodes[draw.node].feature, Extent):
            values = np.array([repr(v) for v in node_values(claim.nodes[draw.node], claim.dataset)])
            assert (values[rows[i]] == values[rows[draw.of]]).all()
        if draw.within_length:
            frames = claim.dataset.frames
            assert (frames[rows[i]] == frames[rows[draw.of]]).all()


@given(seeds)
@quick
def test_a_rule_moves_its_own_draws_and_those_below_and_no_other(rng):
    claim = random_case(rng).claim
    tree = unfold(claim)
    strategy = random_strategy(rng, tree, share=0.3)
    usual, narrowed = _rows(tree, None), _rows(tree, strategy)
    touched: set[int] = set()
    for i, draw in enumerate(tree.draws):
        if (draw.node, draw.kind) in strategy or draw.of in touched:
            touched.add(i)
        else:
            np.testing.assert_array_equal(narrowed[i], usual[i])


@given(seeds)
@quick
def test_no_strategy_can_do_anything_to_an_exact_node(rng):
    claim = random_case(rng).claim
    tree = unfold(claim)
    exact = [name for name, node in claim.nodes.items() if node.feature is EXACT]
    rows = len(claim.dataset)
    strategy = {(name, DrawKind.DONOR): random_rule(rng, rows) for name in exact}
    np.testing.assert_array_equal(_rows(tree, strategy), _rows(tree, None))


def test_rows_named_one_by_one_are_the_rows_drawn():
    data = Dataset.from_columns({"v": list(range(6)), "half": [0, 0, 0, 1, 1, 1]}, ["v"])
    sampler = ByClass.from_keys(list(data.columns["half"]), 6)
    rule = Rule(given=sampler.of, wanted=np.array([2, 3]), marks=np.arange(6))
    words = uniform_words(np.arange(6), np.zeros(6, dtype=np.int64), key_of(0, "x"))
    assert chosen(sampler, rule).draw(np.arange(6), words).tolist() == [2, 2, 2, 3, 3, 3]
