"""A model that has passed the probe is not probed again; one that differs in anything is."""

from __future__ import annotations

import pytest
import torch

from scrub.errors import ModelRefused
from scrub.models import probed
from tests.models.tiny import model


@pytest.fixture
def counted(monkeypatch, tmp_path):
    """Counts real probes, with a cache of this test's own."""
    calls: list[str] = []
    real = probed.probe

    def probe(of):
        calls.append(of.name)
        return real(of)

    monkeypatch.setenv("SCRUB_CACHE", str(tmp_path))
    monkeypatch.setattr(probed, "probe", probe)
    return calls


def test_once_for_a_model_and_again_when_a_weight_changes(counted):
    probed.require_probed(model("gpt2"))
    probed.require_probed(model("gpt2"))
    assert len(counted) == 1
    changed = model("gpt2")
    with torch.no_grad():
        next(changed.module.parameters())[0, 0] += 1
    probed.require_probed(changed)
    assert len(counted) == 2


def test_a_model_that_fails_is_refused_every_time(counted):
    broken = model("gpt2")
    with torch.no_grad():
        next(broken.module.parameters())[0, 0] = float("nan")
    for _ in range(2):
        with pytest.raises(ModelRefused):
            probed.require_probed(broken)
    assert len(counted) == 2


def test_a_cache_that_cannot_be_written_only_costs_a_second_probe(counted, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("SCRUB_CACHE", str(blocked))
    probed.require_probed(model("llama"))
    probed.require_probed(model("llama"))
    assert len(counted) == 2


def test_hooks_and_foreign_code_are_probed_every_time(counted):
    probed.require_probed(model("gpt2"))
    hooked = model("gpt2")
    handle = hooked.module.transformer.h[0].register_forward_hook(lambda *args: None)
    for _ in range(2):
        probed.require_probed(hooked)
    assert len(counted) == 3
    handle.remove()
    probed.require_probed(hooked)
    assert len(counted) == 3
    part = hooked.module.transformer.h[0].mlp
    part.__class__ = type("Own", (type(part),), {"forward": lambda self, x: self.c_proj(x)})
    assert probed.is_altered(hooked.module)


def test_a_hook_that_changes_the_model_is_refused_though_the_model_had_passed(counted):
    made = model("llama")
    probed.require_probed(made)
    made.module.model.layers[1].self_attn.register_forward_hook(lambda m, i, o: (o[0] * 0, *o[1:]))
    with pytest.raises(ModelRefused):
        probed.require_probed(made)


def test_the_fingerprint_follows_the_weights():
    made = model("gpt2")
    before = made.fingerprint()
    next(made.module.parameters()).data[0, 0] += 1
    assert made.fingerprint() != before
