"""Loading: what works, and every refusal by its full message. No pickle is ever opened."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BertConfig, T5Config, ViTConfig

from scrub.errors import InputRefused
from scrub.models.families import LISTED
from scrub.models.loading import MISFIT, _class_of, _config, load
from scrub.models.probe import probe
from scrub.models.quiet import quiet
from tests.models import tiny


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.module("llama").save_pretrained(tmp_path)  # type: ignore[operator]
    return tmp_path


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_a_folder_gives_the_model_that_was_saved(
    family: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module = tiny.module(family)
    module.save_pretrained(tmp_path)  # type: ignore[operator]
    capfd.readouterr()
    model = load(tmp_path)
    assert capfd.readouterr() == ("", "")  # no progress bar, no log line
    assert (model.device, model.dtype) == (torch.device("cpu"), torch.float32)
    tokens = tiny.tokens(2, 5)
    with torch.no_grad():
        assert torch.equal(model.module(input_ids=tokens).logits, module(input_ids=tokens).logits)
    assert model.fingerprint() == tiny.model(family).fingerprint()
    assert model.graph.components == tiny.model(family).graph.components


@pytest.mark.parametrize("named", [["LlamaForCausalLM"], None, []])
def test_the_config_names_the_class_and_the_usual_one_is_the_default(
    named: list[str] | None, folder: Path
) -> None:
    config(folder, architectures=named)
    assert type(load(folder).module).__name__ == "LlamaForCausalLM"


HEADED = {
    "BertForMaskedLM": BertConfig(
        vocab_size=11, hidden_size=8, num_attention_heads=2, num_hidden_layers=1
    ),
    "ViTForImageClassification": ViTConfig(
        hidden_size=8, num_attention_heads=2, num_hidden_layers=1, image_size=4, patch_size=2
    ),
    "T5ForConditionalGeneration": T5Config(
        vocab_size=11, d_model=8, d_kv=4, num_heads=2, num_layers=1, d_ff=8
    ),
}


@pytest.mark.parametrize("name", HEADED)
def test_any_headed_class_of_transformers_is_chosen_by_its_name(name: str, tmp_path: Path) -> None:
    """Whether its architecture is covered is asked elsewhere."""
    with quiet():
        getattr(transformers, name)(HEADED[name]).save_pretrained(tmp_path)
    assert _class_of(_config(str(tmp_path)), "").__name__ == name


def test_a_module_in_memory_is_taken_as_it_is() -> None:
    module = tiny.module("gpt2").to(torch.bfloat16)
    model = load(module)
    assert model.module is module
    assert model.dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_dtype(folder: Path, dtype: str) -> None:
    model = load(folder, dtype=dtype)
    assert model.dtype == getattr(torch, dtype)
    probe(model).require()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda(folder: Path) -> None:
    model = load(folder, device="cuda")
    assert model.device.type == "cuda"
    probe(model).require()


def config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def truncated(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])


def cut_in_the_data(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def empty_file(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


class Exploit:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch executed",)


def only_a_pickle(folder: Path) -> None:
    no_weights(folder)
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Exploit()))


def weight_missing(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    del weights["model.layers.1.mlp.up_proj.weight"], weights["model.norm.weight"]
    save_file(weights, path, metadata={"format": "pt"})


def weight_too_many(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path) | {"model.layers.0.extra": torch.zeros(3)}
    save_file(weights, path, metadata={"format": "pt"})


def fewer_layers(folder: Path) -> None:
    config(folder, num_hidden_layers=1)


def another_width(folder: Path) -> None:
    config(folder, intermediate_size=41)


def own_code(folder: Path) -> None:
    config(folder, auto_map={"AutoModelForCausalLM": "code.Model"}, model_type="zzz")
    (folder / "code.py").write_text("raise SystemExit('executed')")


def another_architecture(folder: Path) -> None:
    config(folder, model_type="mamba")


def bare_trunk(folder: Path) -> None:
    config(folder, architectures=["LlamaModel"])


def unknown_class(folder: Path) -> None:
    config(folder, architectures=["LlamaForPoetry"])


def no_class(folder: Path) -> None:
    """And the weights are those of a classifier."""
    config(folder, architectures=None)
    weights = load_file(folder / "model.safetensors")
    weights["score.weight"] = weights.pop("lm_head.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def no_config(folder: Path) -> None:
    (folder / "config.json").unlink()


FOLDERS: dict[Callable[[Path], None], str] = {
    truncated: "a safetensors file is damaged or cut short (Error while deserializing header: "
    "invalid header length). Copy or download it again.",
    cut_in_the_data: "a safetensors file is damaged or cut short (Error while deserializing "
    "header: incomplete metadata, file not fully covered). Copy or download it again.",
    empty_file: "a safetensors file is damaged or cut short (Error while deserializing header: "
    "header too small). Copy or download it again.",
    no_weights: "the folder holds no weights as safetensors. Write it with save_pretrained, or "
    "convert it with safetensors' own tool.",
    only_a_pickle: "the folder holds no weights as safetensors, only pytorch_model.bin, a pickle, "
    "which is never opened. Write it with save_pretrained, or convert it with safetensors' own "
    "tool.",
    weight_missing: "weights that the model needs are missing from its files: "
    f"model.layers.1.mlp.up_proj.weight, model.norm.weight. {MISFIT}",
    weight_too_many: "its files hold weights that the model has no place for: "
    f"model.layers.0.extra. {MISFIT}",
    fewer_layers: "its files hold weights that the model has no place for: "
    "model.layers.1.input_layernorm.weight, model.layers.1.mlp.down_proj.bias, "
    f"model.layers.1.mlp.down_proj.weight, … (16 in all). {MISFIT}",
    another_width: "weights have another shape than the config says: "
    "model.layers.0.mlp.down_proj.weight ([24, 40] in the file, [24, 41] by the config), "
    "model.layers.0.mlp.gate_proj.bias ([40] in the file, [41] by the config), "
    "model.layers.0.mlp.gate_proj.weight ([40, 24] in the file, [41, 24] by the config), "
    f"… (10 in all). {MISFIT}",
    own_code: f"the architecture 'zzz' is not covered. {LISTED}",
    another_architecture: "its config.json names the class LlamaForCausalLM, which is no 'mamba'. "
    f"{MISFIT}",
    bare_trunk: "its class LlamaModel is a bare trunk: without a head it computes nothing to be "
    "scored. Take the model with its head, as LlamaForCausalLM.",
    unknown_class: "its config.json names the class LlamaForPoetry, which transformers does not "
    "have. Code of a model's own is never executed.",
    no_class: "weights that the model needs are missing from its files: lm_head.weight. "
    f"{MISFIT} It names no class in 'architectures', so LlamaForCausalLM was taken.",
    no_config: "the folder holds no config.json. A model folder is what transformers' "
    "save_pretrained writes.",
}


@pytest.mark.parametrize("damage", FOLDERS, ids=lambda damage: damage.__name__)
def test_folder(
    damage: Callable[[Path], None], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage(folder)
    monkeypatch.chdir(folder)
    with pytest.raises(InputRefused) as caught:
        load(folder)
    assert str(caught.value) == f"model '{folder}': {FOLDERS[damage]}"
    assert not (folder / "executed").exists()


OPTIONS: dict[str, tuple[dict[str, str], str]] = {
    "dtype": (
        {"dtype": "float23"},
        "dtype 'float23': is not one. Did you mean float32 or float64 or float16?",
    ),
    "device": ({"device": "gpu"}, "device 'gpu': is not one. Known: cpu, cuda, cuda:0, …, auto."),
    "other device": (
        {"device": "meta"},
        "device 'meta': is not covered. Known: cpu, cuda, cuda:0, …, auto.",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_option(case: str, folder: Path) -> None:
    options, message = OPTIONS[case]
    with pytest.raises(InputRefused) as caught:
        load(folder, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("count", "device", "message"),
    [
        (
            0,
            "cuda",
            "device 'cuda': this torch finds no CUDA device on this machine. Use --device cpu.",
        ),
        (2, "cuda:2", "device 'cuda:2': there are 2 CUDA devices, counted from 0."),
    ],
)
def test_a_cuda_device_that_is_not_there(
    count: int, device: str, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(InputRefused) as caught:
        load(folder, device=device)
    assert str(caught.value) == message


def test_auto_without_accelerate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputRefused) as caught:
        load(folder, device="auto")
    assert str(caught.value) == (
        "device 'auto': spreading a model over devices needs the package accelerate. "
        "Run: pip install accelerate"
    )


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        load(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"model '{tmp_path / 'nowhere'}': there is no such folder. Check the path."
    )


def test_a_name_that_is_neither_folder_nor_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputRefused) as caught:
        load("nobody/no-such-model")
    assert str(caught.value) == (
        "model 'nobody/no-such-model': is no folder here, and no model in the hub's cache or "
        "reachable on the hub. Check the spelling, the path and the network."
    )


def test_a_checkpoint_with_another_head_beside_the_one_that_is_loaded(tmp_path: Path) -> None:
    """As bert-base-uncased is published: named a masked language model, with a pooler."""
    from tests.architectures.building import Case, build

    build(Case("bert", cls="BertForPreTraining")).save_pretrained(tmp_path)
    config(tmp_path, architectures=["BertForMaskedLM"])
    assert load(tmp_path).graph["logits"].width == 50
