"""Images in the places of tokens: what keeps the places right."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from scrub import EXACT, Dataset, Hypothesis, InputRefused, Task
from scrub.hypothesis.resolve import resolve
from scrub.models.adapter import TransformersModel
from scrub.models.base import Kind, Site
from scrub.models.batches import Inputs
from tests.architectures.building import build
from tests.architectures.vision_language import CASES

(CASE,) = (case for case in CASES if case.name == "llava")
PLACE = 49


@pytest.fixture(scope="module")
def model():
    return TransformersModel(build(CASE), CASE.name)


def dataset(*tokens: list[int]) -> Dataset:
    rng = np.random.default_rng(0)
    return Dataset.from_rows(
        [
            {"tokens": row, "image": rng.normal(size=(3, 8, 8)), "roles": {"end": len(row) - 1}}
            for row in tokens
        ]
    )


def test_a_row_with_too_few_places_is_refused_in_words(model):
    """Of all rows together there would be enough, and the second image would fill the first row."""
    rows = dataset([PLACE] * 5 + [7, 8], [PLACE] * 3 + [7, 8])
    claim = nx.DiGraph()
    claim.add_node("sink", component="logits", feature=EXACT)
    task = Task(rows, at="end", metric="kl")
    with pytest.raises(InputRefused, match=r"row 0: has 5 of token 49.*Give each row 4\."):
        resolve(Hypothesis(claim, task=task), model.graph, task)
    batch = Inputs.of(rows, model.graph).batch([0, 1], model.device)
    with pytest.raises(InputRefused, match="must have 4"):
        model.record(batch, [Site(Kind.OUTPUT, "image")])


def test_padding_after_a_row_that_begins_with_its_image_holds_no_place(model):
    """Padding repeats the first token."""
    rows = dataset([PLACE] * 4 + [7, 8], [PLACE] * 4 + [7, 8, 9, 10, 11])
    inputs = Inputs.of(rows, model.graph)
    site = Site(Kind.OUTPUT, "logits")
    both = model.record(inputs.batch([0, 1], model.device), [site])[site]
    alone = model.record(inputs.some([0]).batch([0], model.device), [site])[site]
    assert (both[0, :6] - alone[0]).abs().max() < 1e-4


def test_text_and_image_keep_to_their_own_places(model):
    rows = dataset([5, *[PLACE] * 4, 7, 8])
    batch = Inputs.of(rows, model.graph).batch([0], model.device)
    sites = [Site(Kind.OUTPUT, "embed"), Site(Kind.OUTPUT, "image")]
    found = model.record(batch, sites)
    text, image = ((found[site][0] != 0).any(-1).tolist() for site in sites)
    assert image == [False, True, True, True, True, False, False]
    assert text == [not there for there in image]
