"""Classes of transformers that have no head to be scored are refused before weights are loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import (
    CONFIG_MAPPING,
    AutoConfig,
    BertConfig,
    BertModel,
    CLIPVisionConfig,
    CLIPVisionModel,
)
from typer.testing import CliRunner

from scrub.cli.app import app
from scrub.errors import InputRefused
from scrub.models.classes import is_trunk, usual_class, with_head
from scrub.models.config import graph_from_config
from scrub.models.families import KINDS
from scrub.models.loading import _class_of, _config
from scrub.models.outputs import HEADS, WORDS, head_of
from scrub.study.check import model_graph
from tests.architectures.building import config_of
from tests.architectures.coverage import CASES

SIZES: dict[str, Any] = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1}
TRUNK = BertConfig(**SIZES, intermediate_size=8, vocab_size=50)
HYPOTHESIS = '''"""A claim about a model without a head."""
import networkx as nx
from scrub import EXACT, Dataset, Hypothesis, Task

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
rows = [{"tokens": [i, 1, 2], "answer": i} for i in range(8)]
hypothesis = Hypothesis(claim, task=Task(Dataset.from_rows(rows), at="all"), model="m")
'''

KINDS_COVERED = (
    "Covered: next and masked tokens, classes of rows, of tokens and of images, CLIP's projections."
)
OTHER = "ends in an output of another kind than those that are covered."
BARE = "is a bare trunk: without a head it computes nothing to be scored. Take the model with its"
WITHOUT_HEAD = {
    "BertForMultipleChoice": f"{OTHER} Use BertForMaskedLM. {KINDS_COVERED}",
    "BertForQuestionAnswering": f"{OTHER} Use BertForMaskedLM. {KINDS_COVERED}",
    "BertModel": f"{BARE} head, as BertForMaskedLM.",
    "GPT2Model": f"{BARE} head, as GPT2LMHeadModel.",
    "ViTModel": f"{BARE} head, as ViTForImageClassification.",
    "ViTForMaskedImageModeling": f"{OTHER} Use ViTForImageClassification. {KINDS_COVERED}",
    "BeitBackbone": f"{OTHER} Use BeitForImageClassification. {KINDS_COVERED}",
}


@pytest.mark.parametrize("name", WITHOUT_HEAD)
def test_a_class_without_a_head_that_is_covered_is_refused_before_anything_is_loaded(
    name: str,
) -> None:
    kind = next(kind for kind in ("bert", "gpt2", "vit", "beit") if name.lower().startswith(kind))
    config = AutoConfig.for_model(kind).to_dict() | {"architectures": [name]}
    with pytest.raises(InputRefused) as caught:
        graph_from_config(config, "x")
    assert str(caught.value) == f"model 'x': its class {name} {WITHOUT_HEAD[name]}"


def test_the_class_that_is_advised_is_one_that_is_covered() -> None:
    """Of every architecture that this transformers has, and of whose classes all are covered."""
    kinds = [kind for kind, (family, *_) in KINDS.items() if not family.classes]
    named = {kind: with_head(kind) for kind in kinds if kind in CONFIG_MAPPING}
    known = tuple(suffix for head in HEADS for suffix in head.suffixes)
    assert {kind for kind, name in named.items() if not name.endswith(known)} == set()
    assert len(named) > 80


@pytest.mark.parametrize(
    "name",
    ["CLIPVisionModel", "SiglipVisionModel", "MarianMTModel", "GPT2DoubleHeadsModel"],
)
def test_not_every_class_called_a_model_is_a_trunk(name: str) -> None:
    assert head_of({}, name).field in ("logits", "pooler_output")


def test_a_class_of_the_user_s_own_has_the_head_that_its_architecture_mostly_has() -> None:
    assert head_of({}, "MyOwnModel") is WORDS
    graph = graph_from_config({"model_type": "vit", **SIZES, "num_labels": 7}, "x", "MyOwnViT")
    assert graph["logits"].width == 7


def test_a_trunk_in_memory_is_refused_as_in_a_folder(tmp_path: Path) -> None:
    module = BertModel(TRUNK)
    module.save_pretrained(tmp_path / "m")
    for source, shown in ((module, "BertModel"), (tmp_path / "m", "m")):
        with pytest.raises(InputRefused) as caught:
            model_graph(source, tmp_path)
        assert str(caught.value) == (
            f"model '{shown}': its class BertModel {WITHOUT_HEAD['BertModel']}"
        )


@pytest.mark.parametrize("command", ["check", "plan", "show", "run"])
def test_every_command_refuses_a_trunk(command: str, tmp_path: Path) -> None:
    BertModel(TRUNK).save_pretrained(tmp_path / "m")
    (tmp_path / "claim.py").write_text(HYPOTHESIS)
    found = CliRunner().invoke(app, [command, str(tmp_path / "claim.py")])
    said = " ".join(found.output.split())
    assert f"model 'm': its class BertModel {WITHOUT_HEAD['BertModel']}" in said
    assert found.exit_code == 2


def test_a_tower_whose_pooled_output_is_covered_is_no_trunk_though_auto_model_makes_it(
    tmp_path: Path,
) -> None:
    config = CLIPVisionConfig(**SIZES, intermediate_size=8, image_size=4, patch_size=2)
    CLIPVisionModel(config).save_pretrained(tmp_path)
    assert is_trunk("CLIPVisionModel")
    assert _class_of(_config(str(tmp_path)), "") is CLIPVisionModel


def test_a_config_that_names_no_class_is_checked_as_the_class_that_is_loaded() -> None:
    """Of every covered architecture whose usual class is no decoder's."""
    first = {case.model_type: case for case in reversed(CASES)}
    classes = {kind: usual_class(kind) for kind in first}
    assert all(classes.values())
    others = {kind: name for kind, name in classes.items() if not name.endswith("ForCausalLM")}
    assert len(others) > 50
    for kind, name in others.items():
        config = config_of(first[kind]).to_dict() | {"architectures": None}
        assert graph_from_config(config, kind) == graph_from_config(config, kind, name), kind


UNNAMED = {
    "bart": "BartForConditionalGeneration",  # not the decoder alone
    "bert": "BertForMaskedLM",  # not BERT as a decoder
    "clip_vision_model": "CLIPVisionModelWithProjection",  # of two that are covered
    "llama": "LlamaForCausalLM",
    "vit": "ViTForImageClassification",
}


@pytest.mark.parametrize("kind", UNNAMED)
def test_a_config_that_names_no_class_is_loaded_as_the_usual_one(kind: str) -> None:
    config = AutoConfig.for_model(kind)
    assert not config.architectures
    assert _class_of(config, "model 'x'").__name__ == UNNAMED[kind]


def test_a_config_that_names_no_class_of_an_architecture_without_a_head_is_refused() -> None:
    with pytest.raises(InputRefused) as caught:
        _class_of(AutoConfig.for_model("mimi"), "model 'x'")
    assert str(caught.value) == (
        "model 'x': its config.json names no class, and transformers lists none with a head for "
        "'mimi'. Write the class into it, under 'architectures'."
    )
