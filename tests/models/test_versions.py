"""A model that is not as its facts say is refused in words, with the update that may help."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from scrub import ModelRefused
from scrub.models import probe as probing
from scrub.models import versions
from tests.models import tiny


def broken(model: Any) -> None:
    """Its MLP cannot take what the adapter hands it."""

    def forward(_: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("shape '[2, 4]' is invalid for input of size 6")

    model.module.transformer.h[1].mlp.act.forward = forward


def test_a_model_that_does_not_run_as_its_facts_say_is_refused_in_words() -> None:
    model = tiny.model("gpt2")
    broken(model)
    with pytest.raises(ModelRefused) as refused:
        probing.probe(model)
    assert str(refused.value) == (
        "model 'tiny-gpt2' is refused, for it does not run as its facts say: RuntimeError: shape "
        "'[2, 4]' is invalid for input of size 6. Please report it, with the config."
    )


def test_an_older_transformers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda _: "5.0.0")
    model = tiny.model("gpt2")
    broken(model)
    with pytest.raises(ModelRefused) as refused:
        probing.probe(model)
    assert str(refused.value).endswith(
        "Its facts are those of transformers 5.23, and this is 5.0.0: update transformers."
    )
