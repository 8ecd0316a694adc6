"""Where the draws of a chunk look, whether worked out for all draws at once or one at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import Dataset
from scrub.engine import lookups
from scrub.engine.lookups import Lookups, Tables
from scrub.engine.means import Means
from scrub.graph import ALL, Indices, Role
from scrub.models.recording import Place, Recording

LENGTH = 7
HERE = torch.device("cpu")
PLACES = (Role("one"), Role("some"), Indices((0, 2, 5)))


def made(rng: np.random.Generator) -> tuple[Dataset, np.ndarray]:
    """Rows of which some share an input, and what five draws take for four items."""
    rows = [
        {
            "c": "xyz"[int(rng.integers(0, 3))],
            "tokens": rng.integers(0, 2, LENGTH).tolist(),
            "roles": {
                "one": int(rng.integers(0, LENGTH)),
                "some": sorted(rng.permutation(LENGTH)[:3].tolist()),
            },
        }
        for _ in range(9)
    ]
    return Dataset.from_rows(rows), rng.integers(0, 9, (5, 4))


def lookups_of(dataset: Dataset, rows: np.ndarray) -> Lookups:
    nothing = Recording({}, HERE, Place.DEVICE)
    return Lookups(Tables(dataset, Means(nothing, dataset, 9), HERE), torch.from_numpy(rows))


@pytest.mark.parametrize("few", [16, 0], ids=["at once", "one by one"])
@given(rng=st.integers(0, 2**32 - 1).map(np.random.default_rng))
@settings(max_examples=25, deadline=None)
def test_rows_of_draws_lie_one_behind_the_other_at_their_frames_positions(few, rng):
    dataset, rows = made(rng)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "FEW", few)
        found = lookups_of(dataset, rows)
        for at in PLACES:
            for draws in ([0], [3], [1, 4], [2, 2, 0]):
                taken = rows[draws].flatten()
                assert found.positions(at, draws).tolist() == dataset.positions(at)[taken].tolist()
                assert found.inputs(draws).tolist() == dataset.sequence[taken].tolist()


def test_all_positions_have_no_table():
    dataset, rows = made(np.random.default_rng(0))
    found = lookups_of(dataset, rows)
    assert found.positions(ALL, [0]) is None
    assert found.inputs([2]).tolist() == dataset.sequence[rows[2]].tolist()


def test_the_class_of_a_row_is_that_of_its_columns_value():
    dataset, rows = made(np.random.default_rng(0))
    found, values = lookups_of(dataset, rows), np.array(dataset.columns["c"])
    for draw in range(len(rows)):
        numbers = found.classes("c", [draw]).numpy()
        same = values[rows[draw]][:, None] == values[rows[draw]]
        assert ((numbers[:, None] == numbers) == same).all()
        assert found.classes(None, [draw]).tolist() == [0] * 4
