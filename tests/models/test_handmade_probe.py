"""A hand-made model that is not what it declares is refused, with the component and the fix."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from scrub import Dataset, InputRefused, ModelRefused, component, handmade, source
from scrub.graph import Kind, Reach, Site
from scrub.models.batches import Inputs
from scrub.models.handmade_probe import require_declared
from scrub.models.recording import record

ROWS = [np.array(row) for row in ([1, 5, 3, 8], [2, 2, 7, 4], [9, 1, 6, 3])]
EQUAL = Inputs({"tokens": ROWS})
UNEQUAL = Inputs({"tokens": [*ROWS, np.array([3, 1, 4, 1, 5, 9])]})
X = source("x", lambda inputs: inputs.double()[:, :, None])


def model(*pieces: Any) -> Any:
    return handmade(X, *pieces, component("o", lambda v: v, v=pieces[-1].name), output="o")


def pooled() -> Any:
    return component(
        "p", lambda v: v.mean(1, keepdim=True).expand_as(v), v="x", reach={"v": Reach.ANY}
    )


def test_what_is_as_declared_passes():
    causal = component("p", lambda v: v.cumsum(1), v="x", reach={"v": Reach.CAUSAL})
    require_declared(model(causal), UNEQUAL, {"p", "o"})
    require_declared(model(pooled()), EQUAL, {"p", "o"})


REFUSED = {
    "padding averaged in": (pooled(), UNEQUAL, "declared: port 'v' reads any position"),
    "the row's end": (
        source("p", lambda t: t[:, -1:, None].double().expand(-1, t.shape[1], -1)),
        UNEQUAL,
        "gives other values when it is padded to 6",
    ),
    "mixes, reach forgotten": (
        component("p", lambda v: v.cumsum(1), v="x"),
        EQUAL,
        "declared to read its own position only",
    ),
    "looks ahead": (
        component("p", lambda v: v.roll(-1, 1), v="x", reach={"v": Reach.CAUSAL}),
        EQUAL,
        "changes with a later position. Declare reach={'v': Reach.ANY}",
    ),
    "mixes rows": (component("p", lambda v: v - v.mean(0), v="x"), EQUAL, "alone than in a batch"),
    "width": (component("p", lambda v: v.expand(-1, -1, 2), v="x"), EQUAL, "declare width="),
    "one position": (source("p", lambda t: t[:, :1, None].double()), EQUAL, "one position for all"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_as_declared_is_refused(name):
    piece, inputs, message = REFUSED[name]
    with pytest.raises(ModelRefused, match="component 'p': ") as refused:
        require_declared(model(piece), inputs, {"p", "o"})
    assert message in str(refused.value)


def test_one_position_for_all_may_be_read_at_all():
    narrow = source("p", lambda t: t[:, :1, None].double())
    require_declared(model(narrow), EQUAL)


def test_a_feeder_named_twice_is_refused():
    with pytest.raises(InputRefused, match="port 'v': 'x' is named 2 times"):
        model(component("p", lambda v: v, v=["x", "x"]))


def test_a_position_that_was_not_recorded_is_never_another_rows():
    narrow = model(source("p", lambda t: t[:, :1, None].double()))
    data = Dataset.from_rows([{"tokens": row.tolist()} for row in ROWS])
    site = Site(Kind.OUTPUT, "p")
    with record(narrow, Inputs.of(data, narrow.graph), [site], batch=2) as recording:
        with pytest.raises(InputRefused, match="'p': is read at position 1, and what was"):
            recording.at(site, torch.tensor([0]), torch.tensor([[1]]))
        assert recording.at(site, torch.tensor([2]), torch.tensor([[0]])).numel() == 1
