"""The JSON form of a result: its schema, its files, and its page in the reference."""

from __future__ import annotations

import errno
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from safetensors.numpy import load_file

from scrub import InputRefused
from scrub.results.files import write_whole
from scrub.results.result import SCHEMA, Figure, Means, Result
from scrub.results.schema import field_table, schema
from tests.report.fixed import RESULT, changed, refused

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "result.md"
FIXED_BY_THE_ISSUE = (
    "recovered.value", "recovered.low", "recovered.high",
    "means.model", "means.scrubbed", "means.baseline",
    "divergence", "claims", "cost.forward_passes", "nodes[].self_share",
)  # fmt: skip


def validate(document: Any) -> None:
    jsonschema.Draft202012Validator(schema()).validate(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["properties"]["schema"]["const"] == SCHEMA


@pytest.mark.parametrize(
    "result",
    [RESULT, refused(), changed(null=None, kl=None, worst=(), nodes=())],
    ids=["plain", "refused", "sparse"],
)
def test_results_validate(result: Result) -> None:
    validate(result.as_dict())


def test_what_is_not_finite_is_null_and_validates() -> None:
    odd = Figure(float("nan"), float("-inf"), float("inf"))
    document = changed(means=Means(odd, odd, odd), divergence=float("inf")).as_dict()
    assert document["means"]["model"] == {"value": None, "low": None, "high": None}
    assert document["divergence"] is None
    validate(document)


def test_the_schema_can_fail() -> None:
    for broken in ({"schema": "scrub-result/0"}, {"divergence": "much"}, {"surprise": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validate({**RESULT.as_dict(), **broken})


def test_every_field_of_a_result_is_in_the_schema() -> None:
    document = set(schema()["properties"]) - {"examples_file"}
    assert document == {field.name for field in fields(Result)} - {"per_example"}


def test_every_field_is_documented() -> None:
    assert field_table() in PAGE.read_text()
    for path in FIXED_BY_THE_ISSUE:
        assert f"| `{path}` |" in field_table()


def test_every_field_has_a_description() -> None:
    for line in field_table().splitlines()[2:]:
        assert len(line.rsplit("| ", 1)[1]) > len("x. |")


def test_json_round_trip(tmp_path: Path) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    document = json.loads(path.read_text())
    validate(document)
    beside = document.pop("examples_file")
    assert document == RESULT.as_dict()
    arrays = load_file(tmp_path / beside)
    assert set(arrays) == {"references", "model", "scrubbed", "baseline", "kl"}
    np.testing.assert_array_equal(arrays["scrubbed"], RESULT.per_example.scrubbed)
    assert arrays["references"].dtype == np.int64


def test_without_kl_the_file_beside_has_none(tmp_path: Path) -> None:
    result = changed(kl=None, per_example=replace(RESULT.per_example, kl=None))
    beside = json.loads(result.write_json(tmp_path / "r.json").read_text())["examples_file"]
    assert "kl" not in load_file(tmp_path / beside)


def test_a_failing_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.json"
    path.write_text("before")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputRefused) as refused:
        write_whole(path, b"after")
    assert str(refused.value) == (
        f"'{path}': cannot be written: no space left on device. Choose another place."
    )
    with pytest.raises(InputRefused):
        RESULT.write_json(path)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["r.json"]


def test_a_result_that_is_no_json_is_not_half_written(tmp_path: Path) -> None:
    odd = changed(conventions={"seed": object()})
    with pytest.raises(TypeError):
        odd.write_json(tmp_path / "r.json")
    assert not (tmp_path / "r.json").exists()


def test_to_frame_has_a_row_for_each_reference_and_draw() -> None:
    frame = RESULT.to_frame()
    assert list(frame.columns) == ["row", "draw", "model", "scrubbed", "baseline", "kl"]
    assert frame.shape == (6, 6)
    assert frame["row"].tolist() == [45, 45, 45, 311, 311, 311]
    assert frame["draw"].tolist() == [0, 1, 2, 0, 1, 2]
    assert frame["scrubbed"].tolist() == [1.9, 1.96, 1.93, 2.7, 2.8, 2.75]


def test_to_frame_repeats_a_baseline_that_is_the_same_in_every_draw() -> None:
    uniform = replace(RESULT.per_example, baseline=np.array([[1.0], [2.0]]), kl=None)
    frame = changed(per_example=uniform).to_frame()
    assert "kl" not in frame
    assert frame["baseline"].tolist() == [1, 1, 1, 2, 2, 2]


def test_to_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'causal-scrub\[frames\]'"):
        RESULT.to_frame()
