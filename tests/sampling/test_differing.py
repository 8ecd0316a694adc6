"""Donors that differ on a feature: what a claim says must break what depends on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import InputRefused, near
from scrub.data.features import ANY, EXACT, Columns, Unlike
from scrub.hypothesis.unfold import unfold
from scrub.sampling.donors import draw_donors
from scrub.sampling.philox import key_of, uniform_words
from scrub.sampling.samplers import Differing, Within, sampler_of
from tests.sampling.test_donors import VALUES, donors_of, numbers, one_node


def words(references: np.ndarray, draws: int, seed: int = 0) -> Any:
    examples = np.repeat(references[:, None], draws, axis=1)
    return uniform_words(examples, np.broadcast_to(np.arange(draws), examples.shape), key_of(seed))


def drawn(sampler: Differing, rows: int, draws: int) -> np.ndarray:
    references = np.arange(rows)
    return sampler.draw(np.repeat(references[:, None], draws, axis=1), words(references, draws))


def unlike(tree: Any, feature: Any) -> Any:
    """The same tree, its one node's donors swapped for those that differ on a feature."""
    nodes = {**tree.claim.nodes, "x": replace(tree.claim.nodes["x"], feature=Unlike(feature))}
    return unfold(replace(tree.claim, nodes=nodes))


@given(
    keys=st.lists(st.integers(0, 3), min_size=3, max_size=30),
    frames=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_a_draw_never_agrees_and_stays_in_its_group(keys, frames, seed):
    groups = np.random.default_rng(seed).integers(0, frames, len(keys))
    sampler = Differing.from_keys(keys, groups, len(keys))
    values = np.array(keys)
    apart = (values[:, None] != values) & (groups[:, None] == groups)  # [row, donor]
    assert sampler.without == (~apart.any(axis=1)).sum()
    np.testing.assert_array_equal(sampler.class_size(np.arange(len(keys))), apart.sum(axis=1))
    if not sampler.without:
        rows = drawn(sampler, len(keys), 8)
        assert all(apart[row, donor] for row in range(len(keys)) for donor in rows[row])


def test_a_draw_is_uniform_over_all_that_differ():
    keys = ["a", "a", "b", "c", "b", "a", "c"]
    sampler = Differing.from_keys(keys, np.zeros(7, dtype=np.int64), 7)
    draws = 6000
    for row, found in enumerate(drawn(sampler, 7, draws)):
        allowed = [other for other in range(7) if keys[other] != keys[row]]
        counts = Counter(found.tolist())
        assert set(counts) == set(allowed)
        expected = draws / len(allowed)
        chi = sum((counts[a] - expected) ** 2 / expected for a in allowed)
        assert chi < 25  # 4 degrees of freedom at the most: beyond it once in 20,000


def test_rows_beyond_the_data_are_references_and_no_donors():
    sampler = Differing.from_keys(["a", "b", "a", "b"], np.zeros(4, dtype=np.int64), 2)
    assert [set(found.tolist()) for found in drawn(sampler, 4, 50)] == [{1}, {0}, {1}, {0}]


def test_a_draw_depends_on_the_reference_and_the_draw_alone():
    tree = one_node(Columns(("next",)), numbers(), self_donation="allowed")
    tree = unlike(tree, tree.claim.nodes["x"].feature)
    whole = draw_donors(tree, range(10), 6, seed=3)
    some = draw_donors(tree, [7, 2], 3, seed=3)
    np.testing.assert_array_equal(some.rows, whole.rows[:, [7, 2], :3])
    assert (draw_donors(tree, range(10), 6, seed=4).rows != whole.rows).any()


def test_outside_a_tolerance_lies_all_that_is_not_within_it():
    tree = one_node(near("v", tolerance=0.15), numbers(), self_donation="allowed")
    _, rows = donors_of(unlike(tree, tree.claim.nodes["x"].feature))
    values = np.array(VALUES)
    for row, found in enumerate(rows):
        assert set(found.tolist()) == set(np.flatnonzero(np.abs(values - values[row]) > 0.15))


def test_what_differs_from_the_whole_input_is_any_other_input():
    _, rows = donors_of(unlike(one_node(ANY, numbers()), EXACT))
    assert all(set(found.tolist()) == set(range(10)) - {row} for row, found in enumerate(rows))


def test_nothing_differs_where_all_agree_or_a_kernel_decides():
    same = Differing.from_keys(["a"] * 3, np.zeros(3, dtype=np.int64), 3)
    with pytest.raises(InputRefused) as refused:
        drawn(same, 3, 1)
    assert (
        str(refused.value) == "row 0: every example that it could be swapped with agrees with it."
    )
    tree = one_node(near("v", bandwidth=1.0), numbers())
    node = unlike(tree, tree.claim.nodes["x"].feature).claim.nodes["x"]
    with pytest.raises(InputRefused) as refused:
        sampler_of(node, tree.claim.dataset, 10, False)
    assert str(refused.value) == "node 'x': a kernel calls no two examples different."


def test_a_window_and_what_lies_outside_it_are_the_whole_group():
    values, groups = np.array([3.0, 1.0, 2.0, 1.5]), np.array([0, 0, 0, 1])
    within = Within.from_values(values, groups, 1.0, 4)
    outside = Differing.from_windows(within, groups)
    sizes = within.class_size(np.arange(4)) + outside.class_size(np.arange(4))
    np.testing.assert_array_equal(sizes, [3, 3, 3, 1])
