"""Rows with more than one sequence: a decoder's tokens, token types, images."""

from __future__ import annotations

import json

import numpy as np

from scrub import Dataset
from scrub.data.readers import read
from scrub.graph import Space

ROWS = [
    {
        "tokens": [9, 9, 1, 2],
        "attention_mask": [0, 0, 1, 1],
        "token_types": [0, 0, 0, 1],
        "decoder_tokens": [5, 6, 7],
        "image": [[[0.0, 1.0]]],
        "roles": {"end": 3},
        "decoder_roles": {"out": -1},
        "image_roles": {"cls": 0},
    },
    {
        "tokens": [1, 2],
        "token_types": [0, 1],
        "decoder_tokens": [5, 6],
        "image": [[[0.0, 1.0]]],
        "roles": {"end": 1},
        "decoder_roles": {"out": 1},
        "image_roles": {"cls": 0},
    },
]


def test_fields_are_aligned_and_roles_know_their_space():
    data = Dataset.from_rows([*ROWS, ROWS[0]])
    assert (len(data), len(data.inputs)) == (3, 2), "distinct over all fields"
    assert data.role_spaces == {"end": "tokens", "out": "decoder_tokens", "cls": "image"}
    assert data.roles["end"] == [(1,), (1,), (1,)]
    assert data.example(0)["token_types"] == (0, 1), "padding is stripped with the tokens"
    assert data.lengths_in(Space("decoder_tokens")).tolist() == [3, 2, 3]
    assert data.lengths_in(Space("image", length=5)).tolist() == [5, 5, 5]
    assert data.frames[0] == data.frames[2] != data.frames[1]


def test_every_field_and_role_space_counts_in_the_fingerprint():
    whole = Dataset.from_rows(ROWS).fingerprint()
    for changed in (
        {"decoder_tokens": [5, 8]},
        {"token_types": [1, 1]},
        {"image": [[[0.5, 1.0]]]},
        {"decoder_roles": {"out": 0}},
    ):
        assert Dataset.from_rows([ROWS[0], {**ROWS[1], **changed}]).fingerprint() != whole
    one = Dataset.from_rows([{**ROWS[1], "decoder_roles": {}, "roles": {"out": 1}}])
    other = Dataset.from_rows([{**ROWS[1], "roles": {}, "decoder_roles": {"out": 1}}])
    assert one.roles["out"] == other.roles["out"]
    plain = {name: value for name, value in ROWS[1].items() if not name.endswith("roles")}
    ours = Dataset.from_rows([{**plain, "roles": {"out": 1}}])
    theirs = Dataset.from_rows([{**plain, "decoder_roles": {"out": 1}}])
    assert ours.fingerprint() != theirs.fingerprint()


def test_extended_keeps_fields_and_shares_inputs():
    data = Dataset.from_rows(ROWS)
    more = data.extended([ROWS[1], {**ROWS[1], "decoder_tokens": [5, 9]}])
    assert more.sequence.tolist() == [0, 1, 1, 2]
    assert more.role_spaces == data.role_spaces
    assert more.content_number(2) == data.content_number(1)
    assert more.content_number(3) != data.content_number(1)


def test_an_image_alone_is_an_input():
    data = Dataset.from_rows(
        [{"image": np.full((1, 2, 2), i), "roles": {"cls": 0}} for i in (0, 1)]
    )
    assert (data.main, data.role_spaces) == ("image", {"cls": "image"})
    assert data.inputs[1].dtype == np.float32
    assert data.frames.tolist() == [0, 0]


def test_files_hold_every_field(tmp_path):
    np.save(tmp_path / "cat.npy", np.array([[[0.0, 1.0]]]))
    path = tmp_path / "data.jsonl"
    written = [ROWS[0], {**ROWS[1], "image": "cat.npy"}]
    path.write_text("\n".join(map(json.dumps, written)))
    assert read(path).fingerprint() == Dataset.from_rows(ROWS).fingerprint()
    table = tmp_path / "data.csv"
    table.write_text("tokens,decoder_tokens,role:end,decoder_role:out\n1 2,5 6,1,0\n1 2,5 6,1,1\n")
    assert read(table).role_spaces == {"end": "tokens", "out": "decoder_tokens"}
    assert read(table).roles["out"] == [(0,), (1,)]


def test_a_batch_and_a_text_may_bring_them_too():
    fields = {"decoder_tokens": [[5, 6]], "decoder_roles": {"out": [1]}}
    batch = Dataset.from_tokens([[1, 2]], roles={"end": [1]}, fields=fields)
    assert (batch.roles["out"], batch.role_spaces["out"]) == ([(1,)], "decoder_tokens")

    def words(text, add_special_tokens=True, return_offsets_mapping=False):
        starts = [i for i, c in enumerate(text) if not i or text[i - 1] == " "]
        spans = [(i, i + len(text[i:].split(" ")[0])) for i in starts]
        ids = [b - a for a, b in spans]
        return {"input_ids": ids + [0] * add_special_tokens, "offset_mapping": spans}

    row = {"text": "who ran", "decoder_text": "<s> Mary", "decoder_roles": {"name": "Mary"}}
    data = Dataset.from_text([row], words)
    assert data.fields["tokens"][0].tolist() == [3, 3, 0]
    assert data.fields["decoder_tokens"][0].tolist() == [3, 4], "no special token is added"
    assert data.roles["name"] == [(1,)]
