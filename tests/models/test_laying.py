"""What is laid over a projection's place is there, and nothing else has changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.models.blocks import stacked
from scrub.models.laying import Put, lay

ROWS, LENGTH, WIDTH, PLACES = 3, 7, 2, 6


@given(rng=st.integers(0, 2**32 - 1).map(np.random.default_rng))
@settings(max_examples=60, deadline=None)
def test_values_laid_at_once_are_those_laid_one_after_the_other(rng):
    """Evenly spaced or not, of one shape or of two, over the same columns twice."""
    whole = torch.from_numpy(rng.normal(size=(ROWS, LENGTH, WIDTH * PLACES)))
    starts = rng.integers(0, PLACES, rng.integers(1, 8)) * WIDTH
    put = []
    for start in starts.tolist():
        spots = int(rng.integers(1, 3))
        at = torch.stack([torch.from_numpy(rng.permutation(LENGTH)[:spots]) for _ in range(ROWS)])
        put.append(Put(start, at, torch.from_numpy(rng.normal(size=(ROWS, spots, WIDTH)))))
    expected = whole.clone()
    for one in put:
        for row in range(ROWS):
            for spot, position in enumerate(one.at[row].tolist()):
                expected[row, position, one.start : one.start + WIDTH] = one.value[row, spot]
    lay(whole, put)
    where = {(o.start, r, p) for o in put for r in range(ROWS) for p in o.at[r].tolist()}
    if len(where) == sum(one.at.numel() for one in put):  # what lies over another is either
        assert torch.equal(whole, expected)
    else:
        touched = torch.zeros_like(whole, dtype=torch.bool)
        for start, row, position in where:
            touched[row, position, start : start + WIDTH] = True
        assert torch.equal(whole[~touched], expected[~touched])


def test_neighbours_are_stacked_without_a_copy_and_others_with_one():
    both = torch.arange(24.0).view(4, 2, 3)
    first, second = both[:2], both[2:]
    assert stacked([first, second]).data_ptr() == both.data_ptr()
    for values in ([second, first], [first, first], [first, second.clone()], [first]):
        assert torch.equal(stacked(values), torch.cat(values))


@pytest.mark.parametrize("which", [0, 1])
def test_a_gradient_flows_to_each_of_what_is_stacked(which):
    both = torch.arange(24.0).view(4, 2, 3)
    values = [both[:2], both[2:]]
    values[which] = values[which].detach().requires_grad_()
    stacked(values).sum().backward()
    assert torch.equal(values[which].grad, torch.ones(2, 2, 3))
