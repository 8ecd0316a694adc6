"""Unimportant inputs drawn anew under the same donors: what half-shared draws are made of."""

from __future__ import annotations

import numpy as np
import pytest

from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.unfold import DrawKind
from scrub.sampling.donors import UNIMPORTANT, draw_donors, redraw_unimportant
from scrub.study.prepare import prepare
from scrub.study.settings import Settings


@pytest.mark.parametrize(
    ("unimportant", "nodes"),
    [("together", "independent"), ("separately", "joint"), ("one", "independent")],
)
def test_donors_stay_and_unimportant_inputs_are_others(unimportant: str, nodes: str) -> None:
    hypothesis = load_hypothesis("induction").with_options(unimportant=unimportant, nodes=nodes)
    tree = prepare(hypothesis, Settings()).claim.tree
    before = draw_donors(tree, range(0, 512, 4), 3, seed=1)
    after = redraw_unimportant(tree, before, seed=1)
    kinds = {draw.kind for draw in tree.draws}
    assert DrawKind.DONOR in kinds
    assert kinds & set(UNIMPORTANT)
    for draw, old, new in zip(tree.draws, before.rows, after.rows, strict=True):
        if draw.kind in UNIMPORTANT:
            assert np.mean(old == new) < 0.02  # by chance, one in 512
            assert len(np.unique(new)) > 100
        else:
            np.testing.assert_array_equal(old, new)


def test_what_is_drawn_anew_does_not_depend_on_how_much_is() -> None:
    tree = prepare(load_hypothesis("induction"), Settings()).claim.tree
    many = redraw_unimportant(tree, draw_donors(tree, range(20), 4, seed=1), seed=1)
    few = redraw_unimportant(tree, draw_donors(tree, range(5, 9), 2, seed=1), seed=1)
    np.testing.assert_array_equal(many.rows[:, 5:9, :2], few.rows)


def test_no_long_run_draws_them() -> None:
    """Nothing but chance makes them agree with the draws of any index."""
    tree = prepare(load_hypothesis("induction"), Settings()).claim.tree
    run = draw_donors(tree, range(64), 40, seed=1).rows
    anew = redraw_unimportant(tree, draw_donors(tree, range(64), 1, seed=1), seed=1).rows
    frames = [i for i, draw in enumerate(tree.draws) if draw.kind in UNIMPORTANT]
    assert np.mean(run[frames] == anew[frames]) == pytest.approx(1 / 512, abs=1 / 512)
