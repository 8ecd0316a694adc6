"""What is said of position spaces: a model with an encoder, an image and a pooled output."""

from __future__ import annotations

from functools import partial
from typing import Any

import networkx as nx
import pytest
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, source
from scrub.graph import Component, ModelGraph, Port, Reach, Space
from scrub.hypothesis.resolve import resolve
from scrub.models.config import graph_from_config
from tests.messages.tables import Case, check


def _tokens(inputs: torch.Tensor) -> torch.Tensor:
    return inputs.double()[:, :, None]


def _mean(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return q + k.mean(1, keepdim=True)


TRANSLATOR = handmade(
    source("read", _tokens),
    source("written", _tokens, space="decoder_tokens"),
    component("cross", _mean, q="written", k="read", reach={"k": Reach.ANY}),
    component("out", lambda v: v, v=["cross", "written"]),
    output="out",
).graph
CLASSIFIER = handmade(
    source("patches", lambda image: image.flatten(1)[:, :4, None], space="image"),
    component("pool", lambda v: v.mean(1, keepdim=True), v="patches", space="pooled",
              reach={"v": Reach.ANY}),
    component("out", lambda v: v, v="pool"),
    output="out",
    spaces=(Space("image", length=4, shape=(1, 2, 2)), Space("pooled", length=1, given=False)),
).graph  # fmt: skip


SMALL = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
LABELS = {"id2label": {"0": "cat", "1": "dog", "2": "eel"}}
VIT = graph_from_config(
    {"model_type": "vit", **SMALL, **LABELS, "image_size": 2, "patch_size": 1, "num_channels": 1},
    "tiny-vit",
)
BERT = graph_from_config(
    {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "vocab_size": 50,
        **SMALL,
        **LABELS,
    },
    "tiny-bert",
)
T5 = graph_from_config(
    {"model_type": "t5", "vocab_size": 50, "d_model": 8, "num_layers": 1, "num_heads": 2},
    "tiny-t5",
)


def pairs(n: int = 8, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "tokens": [i, 1, 2],
            "decoder_tokens": [0, i, 1, 2],
            "roles": {"subject": 1},
            "decoder_roles": {"end": -1},
            "f": i % 2,
            **more,
        }
        for i in range(n)
    ]


def pictures(n: int = 8, size: int = 2, f: int = 1, **roles: int) -> list[dict[str, Any]]:
    return [
        {
            "image": [[[float(i + j * k) for j in range(size)] for k in range(size)]],
            "image_roles": {"cls": 0, **roles},
            "f": i % 2 * f,
        }
        for i in range(n)
    ]


def ask(graph: ModelGraph, rows: list[dict[str, Any]], at: Any, *, metric: Any = "kl",
        **node: Any) -> None:  # fmt: skip
    claim: nx.DiGraph[Any] = nx.DiGraph()
    claim.add_node("answer", component=graph.output, feature=EXACT)
    if node:
        claim.add_node("node", **{"feature": "f", **node})
        claim.add_edge("node", "answer")
    task = Task(Dataset.from_rows(rows), at=at, metric=metric, answer="f", label=("f",))
    resolve(Hypothesis(claim, task=task), graph, task)


def graph_of(*components: Component) -> None:
    spaces = (Space("tokens"), Space("decoder_tokens"))
    ModelGraph("toy", components, components[-1].name, spaces=spaces)


E, D = Component("e"), Component("d", space="decoder_tokens")

CASES = [
    Case(
        "role of another space",
        lambda: ask(TRANSLATOR, pairs(), "end", component="cross", positions="subject"),
        "node 'node': role 'subject' counts positions of 'tokens', and cross lives in "
        "'decoder_tokens'. If it should count 'decoder_tokens', put it into 'decoder_roles'. "
        "Known: end.",
    ),
    Case(
        "scored at a role of another space",
        lambda: ask(TRANSLATOR, pairs(), "subject"),
        "node 'answer': role 'subject' counts positions of 'tokens', and out lives in "
        "'decoder_tokens'. If it should count 'decoder_tokens', put it into 'decoder_roles'. "
        "Set at= in the task to another role. Known: end.",
    ),
    Case(
        "scored at a decoder's role under 'roles'",
        lambda: ask(TRANSLATOR, pairs(roles={"last": 2}, decoder_roles={}), "last"),
        "node 'answer': role 'last' counts positions of 'tokens', and out lives in "
        "'decoder_tokens'. If it should count 'decoder_tokens', put it into 'decoder_roles'. "
        "Set at= in the task to an index or 'all'.",
    ),
    Case(
        "a decoder's role under 'roles'",
        lambda: ask(
            TRANSLATOR,
            pairs(roles={"last": 2}, decoder_roles={}),
            "all",
            component="cross",
            positions="last",
        ),
        "node 'node': role 'last' counts positions of 'tokens', and cross lives in "
        "'decoder_tokens'. If it should count 'decoder_tokens', put it into 'decoder_roles'. "
        "Give an index or 'all'.",
    ),
    Case(
        "a wrong token among the decoder's",
        lambda: ask(T5, pairs(decoder_tokens=[0, 1, 77, 2]), "end"),
        "data, row 0: token 77 of 'decoder_tokens' is not in the model's vocabulary of 50. Was "
        "another tokenizer used?",
    ),
    Case(
        "a wrong token among the encoder's",
        lambda: ask(T5, pairs(tokens=[0, 50, 1]), "end"),
        "data, row 0: token 50 of 'tokens' is not in the model's vocabulary of 50. Was another "
        "tokenizer used?",
    ),
    Case(
        "an answer that is no class of an image",
        lambda: ask(VIT, pictures(f=3), "all", metric="loss"),
        "data, row 1: f 3 is no class of the model, which has 3. Classes count from 0.",
    ),
    Case(
        "an answer that is no class of a sequence",
        lambda: ask(BERT, [{"tokens": [i], "f": i} for i in range(8)], "all", metric="loss"),
        "data, row 3: f 3 is no class of the model, which has 3. Classes count from 0.",
    ),
    Case(
        "a classifier scored at a role",
        lambda: ask(CLASSIFIER, pictures(), "cls"),
        "node 'answer': role 'cls' counts positions of 'image', and out lives in 'pooled'. "
        "Set at=0 in the task.",
    ),
    Case(
        "a role beyond the patches",
        lambda: ask(CLASSIFIER, pictures(last=4), "all", component="patches", positions="last"),
        "node 'answer': port v of out cannot be fed by patches. What feeds out: pool.\n"
        "node 'node': role 'last' is at 4 in row 0, outside 'image', which has 4 positions. "
        "Positions count from 0.",
    ),
    Case(
        "an index beyond the pooled position",
        lambda: ask(CLASSIFIER, pictures(), 1),
        "node 'answer': position 1 lies outside 'pooled', which has 1 position. Positions count "
        "from 0.",
    ),
    Case(
        "a node in two spaces at an index",
        lambda: ask(TRANSLATOR, pairs(), "end", component="read,cross", positions=0),
        "node 'answer': port v of out cannot be fed by read. What feeds out: cross, written.\n"
        "node 'node': stands for cross in 'decoder_tokens' and read in 'tokens', and positions are "
        "those of one space. Write a node for each space, or put it at positions='all'.",
    ),
    Case(
        "answers at all positions",
        lambda: ask(TRANSLATOR, pairs(), "all", metric="loss"),
        "task 'task': the output is scored at 4 position(s), and column 'f' holds 1 token(s) in "
        "row 0. Give one token for each position, or score at one role.",
    ),
    Case(
        "no decoder tokens",
        lambda: ask(TRANSLATOR, [{"tokens": [i], "f": 0} for i in range(4)], "all"),
        "data: has no 'decoder_tokens', which the model reads. Give each row 'decoder_tokens', a "
        "list of token ids.",
    ),
    Case(
        "a field that nobody reads",
        lambda: ask(TRANSLATOR, pairs(image=[[[1.0]]]), "end"),
        "data: has 'image', which the model does not read. Leave it out: the model reads 'tokens' "
        "and 'decoder_tokens'.",
    ),
    Case(
        "images of another shape",
        lambda: ask(CLASSIFIER, pictures(size=3), "all"),
        "data: has images of 1 × 3 × 3, and the model reads 1 × 2 × 2. Resize them: channel, "
        "height and width are the model's.",
    ),
    Case(
        "a sum over two spaces",
        lambda: graph_of(E, D, Component("x", (Port("in", "s", ("e", "d"), Reach.ANY),))),
        "component 'x', port 'in': is fed from 2 position spaces: 'd' in 'decoder_tokens' and 'e' "
        "in 'tokens'. A sum is taken position by position: give each space a port of its own.",
    ),
    Case(
        "reach across spaces",
        lambda: graph_of(E, D, Component("x", (Port("in", "s", ("d",)),))),
        "component 'x', port 'in': reads space 'decoder_tokens' with reach 'same', and the "
        "component lives in 'tokens'. Positions of two spaces are not compared: declare Reach.ANY.",
    ),
    Case(
        "a space that is not there",
        lambda: graph_of(Component("x", space="image")),
        "component 'x': lives in space 'image', which the model does not have. Known: tokens, "
        "decoder_tokens.",
    ),
    Case(
        "a space without a length",
        lambda: Space("pooled"),
        "space 'pooled': is laid out by no sequence of an example, and says no length. Give "
        "length=, or name it tokens or decoder_tokens.",
    ),
]


def row(**changed: Any) -> Any:
    good = {"tokens": [1, 2], "decoder_tokens": [3, 4], "image": [[[0.5]]], "token_types": [0, 1]}
    return partial(Dataset.from_rows, [good, {**good, **changed}])


ROWS = [
    Case("types", row(token_types=[0]), "data, row 1: 2 tokens but 1 entries in 'token_types'."),
    Case(
        "decoder tokens",
        row(decoder_tokens=[0.5]),
        "data, row 1: 'decoder_tokens' must be whole numbers, found 0.5.",
    ),
    Case(
        "lacks a field",
        row(decoder_tokens=None),
        "data, row 1: lacks the 'decoder_tokens' that the first row has.",
    ),
    Case(
        "image",
        row(image="cat.npy"),
        "data, row 1: 'image' must be an array [channel, height, width], not 'cat.npy'.",
    ),
    Case(
        "images of two shapes",
        row(image=[[[0.5, 1.0]]]),
        "data, row 1: has an image of 1 × 1 × 2, and the first row one of 1 × 1 × 1.",
    ),
    Case(
        "a role twice",
        row(roles={"end": 1}, decoder_roles={"end": 1}),
        "data, row 1: role 'end' is in 'roles' and in 'decoder_roles'.",
    ),
    Case(
        "a decoder role outside",
        row(decoder_roles={"end": 2}),
        "data, row 1: role 'end' is at 2, outside the row's 2 decoder tokens.",
    ),
    Case(
        "a decoder's role beyond the tokens",
        row(decoder_tokens=[3, 4, 5], roles={"end": 2}),
        "data, row 1: role 'end' is at 2, outside the row's 2 tokens. A role that counts decoder "
        "tokens goes into 'decoder_roles'.",
    ),
    Case(
        "an image role from the end",
        row(image_roles={"last": -1}),
        "data, row 1: role 'last' is at -1: positions of an image count from 0, and only the "
        "model knows how many there are.",
    ),
]


@pytest.mark.parametrize("case", [*CASES, *ROWS], ids=str)
def test_message(case: Case) -> None:
    check(case)


def test_a_classifier_is_scored_at_all_or_at_its_one_position() -> None:
    ask(CLASSIFIER, pictures(), "all")
    ask(CLASSIFIER, pictures(), 0)
    ask(CLASSIFIER, pictures(), "all", metric="loss")  # it declares no width
    ask(VIT, pictures(f=2), "all", metric="loss")  # the last of its classes is one
