"""Data files: the same rows in each format are the same data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scrub import Dataset
from scrub.data.readers import read
from scrub.data.tasks import resolve_task
from scrub.graph import ALL, Role

ROWS: list[dict[str, Any]] = [
    {"tokens": [5, 6, 7], "roles": {"end": 2, "pair": [0, 1]}, "name": "a b", "n": 3, "x": 0.5},
    {"tokens": [8, 9], "roles": {"end": 1, "pair": [0, 1]}, "name": "c,d", "n": -4, "x": 2.0},
]

CSV = """tokens,role:end,role:pair,name,n,x
5 6 7,2,0 1,a b,3,0.5
8 9,1,0 1,"c,d",-4,2
"""


def write_jsonl(folder: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    path = folder / "data.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    return path


def write_csv(folder: Path, text: str = CSV) -> Path:
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def write_parquet(folder: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = folder / "data.parquet"
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize("write", [write_jsonl, write_csv, write_parquet])
def test_each_format_gives_the_same_data(write: Any, tmp_path: Path) -> None:
    assert read(write(tmp_path)).fingerprint() == Dataset.from_rows(ROWS).fingerprint()


def test_a_file_without_roles_or_columns(tmp_path: Path) -> None:
    found = read(write_csv(tmp_path, "tokens\n1 2\n3 4\n"))
    assert [found.tokens(i).tolist() for i in range(2)] == [[1, 2], [3, 4]]
    assert (found.roles, found.columns) == ({}, {})


def test_blank_lines_and_byte_order_marks_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"tokens": [1]}\r\n\r\n{"tokens": [2]}\r\n\n')
    assert len(read(path)) == 2
    path = tmp_path / "data.csv"
    path.write_bytes(b"\xef\xbb\xbftokens,a\r\n1,x\r\n\r\n2,y\r\n")
    assert read(path).columns == {"a": ["x", "y"]}


def test_separators_of_unicode_end_no_line(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path, [{"tokens": [1], "name": "a\u2028b"}])
    path.write_text('{"tokens": [1], "name": "a\u2028b"}', encoding="utf-8")
    assert read(path).columns["name"] == ["a\u2028b"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2"], [1, -2]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1e3", "0"], [1000.0, 0.0]),
        (["1", "two"], ["1", "two"]),
        (["1", ""], ["1", ""]),
        (["007", "7"], ["007", "7"]),
        (["nan", "inf"], ["nan", "inf"]),
    ],
)
def test_a_csv_column_is_all_of_one_kind(
    cells: list[str], values: list[Any], tmp_path: Path
) -> None:
    text = "tokens,c\n" + "".join(f"1,{cell}\n" for cell in cells)
    found = read(write_csv(tmp_path, text)).columns["c"]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_a_csv_role_may_be_missing_in_a_row(tmp_path: Path) -> None:
    found = read(write_csv(tmp_path, "tokens,role:s2\n1 2,1\n3 4,\n"))
    assert found.roles == {"s2": [(1,), ()]}


def test_a_csv_mask_strips_padding(tmp_path: Path) -> None:
    found = read(write_csv(tmp_path, "tokens,attention_mask,role:end\n0 1 2,0 1 1,2\n"))
    assert (found.tokens(0).tolist(), found.roles["end"]) == ([1, 2], [(1,)])


def test_parquet_roles_may_be_columns_and_null(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"tokens": [1, 2], "role:a": [0, 1], "role:b": None}] * 2
    rows[1] = {**rows[1], "role:b": 1}
    found = read(write_parquet(tmp_path, rows))
    assert found.roles == {"a": [(0, 1), (0, 1)], "b": [(), (1,)]}


def test_nested_values_become_tuples(tmp_path: Path) -> None:
    rows = [{"tokens": [1], "answers": [3, 4]}, {"tokens": [2], "answers": [5, 6]}]
    for path in (write_jsonl(tmp_path, rows), write_parquet(tmp_path, rows)):
        assert read(path).columns["answers"] == [(3, 4), (5, 6)]


def test_text_files_are_tokenized_where_a_tokenizer_is_given(tmp_path: Path) -> None:
    path = write_csv(tmp_path, "text,answer\nab,c\nba,a\n")
    found = read(path, tokenizer=letters, answers=["answer"])
    assert [found.tokens(i).tolist() for i in range(2)] == [[0, 1], [1, 0]]
    assert found.columns["answer"] == [2, 0]


def letters(text: str, **_: Any) -> dict[str, Any]:
    spans = [(i, i + 1) for i in range(len(text))]
    return {"input_ids": [ord(letter) - 97 for letter in text], "offset_mapping": spans}


def test_a_data_file_is_a_task_beside_the_hypothesis(tmp_path: Path) -> None:
    write_jsonl(tmp_path, [{"tokens": [1, 2], "roles": {"end": 1}, "answer": 3}] * 2)
    found = resolve_task("data.jsonl", tmp_path)
    assert (found.name, found.metric, found.positions) == ("data", "loss", Role("end"))
    (tmp_path / "data.csv").write_text("tokens,answer\n1,2\n3,4\n")
    assert resolve_task(tmp_path / "data.csv", Path("/nowhere")).positions == ALL
