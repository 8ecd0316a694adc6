"""Traces of models that see: image patches, question tokens and answer, each held to hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scrub import Dataset, Task, trace
from scrub.graph import ModelGraph
from scrub.mediation.pictures import Grid
from scrub.models.adapter import TransformersModel
from scrub.models.keywords import with_places
from scrub.report.grids import Panel, Patches
from scrub.report.tracing import heatmap
from tests.architectures.building import build
from tests.architectures.vision_language import CASES

Tensor = torch.Tensor
ROWS = 3
ASKED = {"blip-answers": "noun", "llava": "end"}
LAYERS = {  # where a residual state is read, by the stream's name
    "blip-answers": {
        "v.resid": "vision_model.encoder.layers.{}",
        "e.resid": "text_encoder.encoder.layer.{}",
        "resid": "text_decoder.bert.encoder.layer.{}",
    },
    "llava": {
        "v.resid": "model.vision_tower.encoder.layers.{}",
        "resid": "model.language_model.layers.{}",
    },
}
EMBEDDED = {"blip-answers": "v.resid.0", "llava": "v.resid.0"}  # what the patches' embedding is
CELLS = {  # one in each panel, and one position of it
    "blip-answers": [("v.resid.1", 3), ("v.resid.1", 0), ("e.resid.1", 2), ("resid.1", 2)],
    "llava": [("v.resid.1", 3), ("resid.1", 2), ("resid.1", 6)],
}


@cache
def model_of(name: str) -> TransformersModel:
    (case,) = (case for case in CASES if case.name == name)
    return TransformersModel(build(case), name)


@cache
def task_of(name: str) -> Task:
    return Task(data(model_of(name).graph), at="end", metric="loss")


def data(graph: ModelGraph) -> Dataset:
    """Questions about an image, of one length, the image's places second in a decoder's."""
    rng, rows = np.random.default_rng(3), []
    image, text = graph.space["image"], graph.space["tokens"]
    for row in range(ROWS):
        made: dict[str, Any] = {
            "image": rng.normal(size=image.shape).astype(np.float32),
            "image_roles": {"thing": 2},
            "other": (row + 1) % ROWS,
            "answer": int(rng.integers(1, 48)),
        }
        drawn = torch.from_numpy(rng.integers(1, 48, (1, 4 + text.placeholders)))
        made["tokens"] = with_places(text, drawn)[0].tolist()
        made["roles"] = {"noun": 1}
        if "decoder_tokens" in graph.space:
            made["decoder_tokens"] = rng.integers(1, 48, 3).tolist()
            made["decoder_roles"] = {"end": 2}
        else:
            made["roles"]["end"] = len(made["tokens"]) - 1
        rows.append(made)
    return Dataset.from_rows(rows)


def forward(name: str) -> Tensor:
    """Logits by plain calls of the module."""
    module: Any = model_of(name).module
    fields = {
        key: torch.tensor(np.stack(values)) for key, values in task_of(name).dataset.fields.items()
    }
    if name == "llava":
        return module(input_ids=fields["tokens"], pixel_values=fields["image"].float()).logits
    seen = module.vision_model(fields["image"].float())[0]
    asked = module.text_encoder(fields["tokens"], encoder_hidden_states=seen)[0]
    return module.text_decoder(fields["decoder_tokens"], encoder_hidden_states=asked).logits


@contextmanager
def before(module: nn.Module, act: Callable[[Tensor], Tensor | None]) -> Any:
    """A hook on what a layer reads, whichever way it is handed over."""

    def hook(_: nn.Module, args: Any, kwargs: Any) -> Any:
        new = act(args[0] if args else kwargs["hidden_states"])
        if new is None:
            return None
        return ((new, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": new})

    handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def run(name: str, put: Mapping[str, tuple[int, Tensor]]) -> tuple[np.ndarray, dict[str, Tensor]]:
    """The loss of the answers with states replaced at a position, and all states."""
    seen: dict[str, Tensor] = {}
    module, data = model_of(name).module, task_of(name).dataset
    with ExitStack() as hooks, torch.no_grad():
        for stream, path in LAYERS[name].items():
            for layer in range(2):
                state = f"{stream}.{layer}"

                def act(own: Tensor, state: str = state) -> Tensor | None:
                    seen[state] = own.clone()
                    if state not in put:
                        return None
                    at, value = put[state]
                    own = own.clone()
                    own[:, at] = value[:, at]
                    seen[state] = own
                    return own

                hooks.enter_context(before(module.get_submodule(path.format(layer)), act))
        logits = forward(name)[:, -1].double()
    answers = torch.tensor(list(data.columns["answer"]))[:, None]
    return -logits.log_softmax(-1).gather(1, answers)[:, 0].numpy(), seen


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_of_each_panel_agrees_with_a_pass_with_hooks(name):
    found = trace(
        model_of(name),
        task_of(name),
        corrupt="v.embed@thing=partner:other",
        cells="resid,attn,mlp",
        positions="all",
        replicates=100,
    )
    wild, states = run(name, {})
    start = EMBEDDED[name]
    corruption = {start: (2, states[start].roll(-1, 0))}
    corrupted, _ = run(name, corruption)
    assert found.per_example["wild"] == pytest.approx(wild, abs=1e-5)
    assert found.per_example["corrupted"] == pytest.approx(corrupted, abs=1e-5)
    assert abs(corrupted - wild).max() > 1e-2
    names = [f"{cell.component}@{cell.position}" for cell in found.cells]
    for state, at in CELLS[name]:
        repaired, _ = run(name, {**corruption, state: (at, states[state])})
        ours = found.per_example["total"][names.index(f"{state}@{at}")]
        assert ours == pytest.approx(repaired, abs=1e-5), state
        assert abs(repaired - corrupted).max() > 1e-3
    assert all(not cell.direct.value for cell in found.cells if cell.space == "image")


def test_blips_panels_are_its_patches_its_question_and_its_answer():
    found = trace(
        model_of("blip-answers"),
        task_of("blip-answers"),
        corrupt="v.embed=noise:1",
        cells="attn",
        positions="image:all,tokens:all,decoder_tokens:end",
        draws=2,
        replicates=100,
    )
    assert found.grids == (Grid("image", 2, 2, (1, 2, 3, 4)),)
    patches, first, question, answer = heatmap(found).panels
    assert isinstance(patches, Patches)
    assert patches.grid == (2, 2)
    assert patches.components == ("v0", "v1", "v2")
    assert patches.effects.array[1, 0, 1] == found["v1@2"].total.value
    assert patches.image is None  # each example has its own
    assert isinstance(first, Panel)
    assert isinstance(question, Panel)
    assert isinstance(answer, Panel)
    assert (first.name, first.columns) == ("attention, image, beside the patches", ("0",))
    assert (question.name, len(question.columns)) == ("attention, tokens", 4)
    assert (answer.name, answer.columns) == ("attention, decoder tokens", ("end",))
    assert answer.rows == ("a0", "x0", "a1", "x1")


def test_llavas_image_is_a_grid_in_its_tower_and_among_its_tokens():
    found = trace(
        model_of("llava"),
        task_of("llava"),
        corrupt="v.embed=partner:other",
        cells="resid",
        positions="all",
        references=1,
    )
    places = next(one for one in found.grids if one.space == "tokens")
    assert (places.rows, places.columns) == (2, 2)
    tower, first, image, text = heatmap(found, "indirect").panels
    assert isinstance(tower, Patches)
    assert isinstance(image, Patches)
    assert (tower.name, image.name) == (
        "residual state, image patches",
        "residual state, tokens of the image",
    )
    assert image.components[0] == "resid.0"
    assert image.image is not None
    assert image.image.shape == (8, 8, 3)
    assert isinstance(first, Panel)
    assert isinstance(text, Panel)
    assert (text.name, len(text.columns)) == ("residual state, text tokens", 4)
    assert "end" in text.roles
