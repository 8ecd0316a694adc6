"""Models as older transformers lay them out and load them, made here of today's parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import nn
from transformers.modeling_outputs import ImageClassifierOutput

from scrub import ModelRefused
from scrub.models import versions
from scrub.models.adapter import TransformersModel
from scrub.models.families.falcon import _bias
from scrub.models.hooked import HookedModel
from scrub.models.loading import load
from scrub.models.measure import Check
from scrub.models.probe import ProbeReport, probe
from tests.architectures.building import build, redraw
from tests.architectures.granite import CASES
from tests.models import tiny

SIZES: dict[str, Any] = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 8,
    "patch_size": 4,
}


class ViTForImageClassification(nn.Module):
    """Of transformers below 5.9: Data2Vec's modules lie today as its did."""

    def __init__(self) -> None:
        super().__init__()
        self.config = transformers.ViTConfig(**SIZES)
        same: dict[str, Any] = {"layer_scale_init_value": 0.0, "use_mean_pooling": False}
        self.vit = transformers.Data2VecVisionModel(
            transformers.Data2VecVisionConfig(**SIZES, **same)
        )
        self.classifier = nn.Linear(24, 2)

    def forward(self, pixel_values: torch.Tensor, **_: object) -> ImageClassifierOutput:
        hidden = self.vit(pixel_values).last_hidden_state
        return ImageClassifierOutput(logits=self.classifier(hidden[:, 0]))


class CLIPVisionModel(nn.Module):
    """Of transformers below 5.6."""

    def __init__(self) -> None:
        super().__init__()
        self.config = transformers.CLIPVisionConfig(**SIZES)
        self.vision_model = transformers.CLIPVisionModel(self.config)

    def forward(self, pixel_values: torch.Tensor, **_: object) -> Any:
        return self.vision_model(pixel_values)


@pytest.mark.parametrize("older", [ViTForImageClassification, CLIPVisionModel])
def test_an_older_layout_has_the_same_components_in_other_places(older: type[nn.Module]) -> None:
    before = older()
    now = getattr(transformers, older.__name__)(before.config)
    graphs = []
    for module in (before, now):
        redraw(module)
        model = TransformersModel(module.eval(), "x")
        probe(model).require()
        assert HookedModel(module).graph.components == model.graph.components
        graphs.append(model.graph)
    assert graphs[0] == graphs[1]


class Inside(nn.Module):
    """A mixture whose experts are not where the facts have them."""

    def __init__(self, mixture: nn.Module) -> None:
        super().__init__()
        self.inner = mixture

    def forward(self, x: torch.Tensor) -> Any:
        return self.inner(x)


def test_experts_that_are_no_module_of_their_own_are_one_component() -> None:
    """As Granite's are in transformers below 5.13."""
    module = build(next(case for case in CASES if case.model_type == "granitemoe"))
    named = TransformersModel(module).graph
    assert named["m1"].experts == 5
    for layer in module.get_submodule("model.layers").children():
        layer.block_sparse_moe = Inside(layer.get_submodule("block_sparse_moe"))
    model = TransformersModel(module)
    probe(model).require()
    assert model.graph["m1"].experts == 0
    assert list(model.graph.by_name) == list(named.by_name)


def test_what_sdpa_leaves_out_in_older_transformers_is_loaded_with_eager(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.module("gpt2", scale_attn_by_inverse_layer_idx=True).save_pretrained(  # type: ignore[operator]
        tmp_path / "scaled"
    )
    tiny.module("gpt2").save_pretrained(tmp_path / "plain")  # type: ignore[operator]

    def loaded(name: str) -> str:
        config: Any = load(tmp_path / name).module.config
        return str(config._attn_implementation)

    assert (loaded("scaled"), loaded("plain")) == ("sdpa", "sdpa")
    monkeypatch.setattr(versions, "version", lambda _: "5.3.0")
    assert (loaded("scaled"), loaded("plain")) == ("eager", "sdpa")


def test_the_check_that_fails_says_what_to_do() -> None:
    check = Check("attention 'eager' agrees with 'sdpa'", 0.5, 1e-4, "a0.h1", fix="Load it so.")
    with pytest.raises(ModelRefused) as refused:
        ProbeReport("x", (check,)).require()
    assert str(refused.value) == (
        "model 'x' is refused, for this does not hold: attention 'eager' agrees with 'sdpa'. At "
        "a0.h1 the error is 0.5; at most 0.0001 is allowed. Load it so."
    )


def test_falcon_s_bias_has_rows_and_heads_on_one_axis_or_on_two() -> None:
    table = torch.arange(12.0).view(1, 4, 1, 3)  # [row, head, 1, key]
    older = table.view(4, 1, 3)  # transformers 5.0
    for heads in ([2], [3, 0]):
        wanted = _bias(table, heads, 2)
        assert torch.equal(_bias(older, heads, 2).view(wanted.shape), wanted)
