"""Models whose tables depend on the length are refused on data of unequal lengths."""

from __future__ import annotations

import numpy as np
import pytest

from scrub import ModelRefused
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.padding import require_padding_harmless
from tests.models.tiny import module

ROPES = {
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "longrope": {
        "rope_type": "longrope", "factor": 4.0, "short_factor": [1.0] * 4,
        "long_factor": [3.0] * 4, "original_max_position_embeddings": 12,
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", ROPES)
def test_rotary_tables_that_depend_on_the_length(kind, monkeypatch):
    scaled = module(
        "llama",
        rope_parameters={"rope_theta": 10_000.0, **ROPES[kind]},
        max_position_embeddings=12 if kind == "dynamic" else 64,
        head_dim=8,
    )
    model = TransformersModel(scaled, kind)
    rng = np.random.default_rng(0)
    short, long = rng.integers(0, 50, 9), rng.integers(0, 50, 16)
    # dynamic tables are for inputs beyond the limit
    monkeypatch.setattr("scrub.models.adapter.require_known", lambda *_: None)
    require_padding_harmless(model, Inputs({"tokens": [short, short]}))
    with pytest.raises(ModelRefused, match=r"padded to 16.*Use inputs of equal lengths"):
        require_padding_harmless(model, Inputs({"tokens": [long, short]}))


def test_other_models_take_unequal_lengths():
    require_padding_harmless(
        TransformersModel(module("llama"), "plain"),
        Inputs({"tokens": [np.arange(9), np.arange(16)]}),
    )
