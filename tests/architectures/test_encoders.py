"""What is particular to encoders: layers that share weights, outputs of other kinds, refusals."""

from __future__ import annotations

import pytest
from transformers import BertConfig, BertModel, CLIPConfig, CLIPModel

from scrub import InputRefused
from scrub.models.adapter import TransformersModel
from scrub.models.config import graph_from_config
from scrub.models.outputs import head_of
from tests.architectures.building import Case, build

SMALL = {"num_hidden_layers": 2, "hidden_size": 24, "num_attention_heads": 4, "vocab_size": 50}


def test_each_application_of_a_shared_layer_is_a_layer():
    """Two groups of two blocks, each applied twice: 0 1 0 1 2 3 2 3."""
    sizes = {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2}
    model = TransformersModel(build(Case("albert", sizes, "AlbertForMaskedLM")))
    held = [model.anatomy.organs[f"a{layer}"].whole[0] for layer in range(8)]
    modules = list(dict.fromkeys(spot.module for spot in held))
    assert [modules.index(spot.module) for spot in held] == [0, 1, 0, 1, 2, 3, 2, 3]
    assert [spot.turn for spot in held] == [0, 0, 1, 1, 0, 0, 1, 1]


@pytest.mark.parametrize("key", ["is_decoder", "add_cross_attention", "chunk_size_feed_forward"])
def test_bert_as_anything_but_an_encoder_is_refused_by_name(key):
    with pytest.raises(InputRefused, match=f"config key '{key}' is set"):
        graph_from_config({"model_type": "bert", **SMALL, key: True}, "it")


def test_a_trunk_without_a_head_is_refused_in_words():
    config = BertConfig(**SMALL, intermediate_size=40)
    with pytest.raises(InputRefused, match="computes nothing to be scored"):
        TransformersModel(BertModel(config))


def test_a_pair_of_towers_is_refused_by_its_class():
    tower = {"num_hidden_layers": 1, "hidden_size": 24, "num_attention_heads": 4}
    config = CLIPConfig(text_config={**tower, "vocab_size": 50}, vision_config=tower)
    with pytest.raises(InputRefused, match="the class 'CLIPModel' of 'clip' is not covered"):
        TransformersModel(CLIPModel(config))


@pytest.mark.parametrize(
    ("name", "field", "pooled"),
    [
        ("BertForMaskedLM", "logits", False),
        ("BertForSequenceClassification", "logits", True),
        ("BertForTokenClassification", "logits", False),
        ("BertForPreTraining", "prediction_logits", False),
        ("ElectraForPreTraining", "logits", False),
        ("CLIPVisionModelWithProjection", "image_embeds", True),
        ("SiglipVisionModel", "pooler_output", True),
        ("DeiTForImageClassificationWithTeacher", "logits", True),
    ],
)
def test_the_output_of_a_class_is_read_off_its_name(name, field, pooled):
    head = head_of({}, name)
    assert (head.field, head.pooled) == (field, pooled)
