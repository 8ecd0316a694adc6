"""Messages about files: data, hypotheses, and where models are looked for."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrub.data.readers import read
from scrub.data.tasks import resolve_task
from scrub.hypothesis import loading as loading_module
from scrub.hypothesis.loading import load_hypothesis, resolve_model_source, shipped_hypothesis
from tests.messages.tables import Case, check

FOLDER = True  # the calls of this table take a folder to write in


def reading(name: str, content: str | bytes) -> Callable[[Path], object]:
    """A call that writes a data file and reads it."""

    def call(folder: Path) -> object:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(folder / name)

    return call


def loading(content: str | bytes, name: str = "claim.py") -> Callable[[Path], object]:
    """A call that writes a hypothesis file and loads it."""

    def call(folder: Path) -> object:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_hypothesis(folder / name)

    return call


def missing(reader: Callable[[Path], object], asked: str, *there: str) -> Callable[[Path], object]:
    """A call that reads a file that is not among those in the folder."""

    def call(folder: Path) -> object:
        for name in there:
            (folder / name).write_text("")
        return reader(folder / asked)

    return call


def parquet(**columns: Any) -> Callable[[Path], object]:
    def call(folder: Path) -> object:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        parquet.write_table(pyarrow.table(columns), folder / "data.parquet")
        return read(folder / "data.parquet")

    return call


def without_pyarrow(folder: Path) -> object:
    (folder / "data.parquet").write_bytes(b"PAR1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyarrow", None)
        return read(folder / "data.parquet")


def shipping(call: Callable[[Path], object], *names: str) -> Callable[[Path], object]:
    """A call as if these hypotheses and models were shipped."""

    def patched(folder: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            for what in ("shipped_hypotheses", "shipped_models"):
                patch.setattr(loading_module, what, lambda: dict.fromkeys(names, folder))
            return call(folder)

    return patched


GOOD = json.dumps({"tokens": [1, 2], "answer": 3})

PLACES = [
    Case(
        "no file",
        missing(read, "fact.jsonl", "facts.jsonl", "other.csv", "note.txt"),
        "{folder}/fact.jsonl: there is no such file. Did you mean facts.jsonl?",
    ),
    Case(
        "no file at all",
        missing(read, "facts.jsonl", "note.txt"),
        "{folder}/facts.jsonl: there is no such file. The folder holds no .csv or "
        ".jsonl or .parquet file.",
    ),
    Case(
        "no folder",
        lambda folder: read(folder / "data" / "facts.csv"),
        "{folder}/data/facts.csv: the folder '{folder}/data' does not exist.",
    ),
    Case(
        "a folder",
        missing(read, "", "facts.jsonl"),
        "{folder}: is a folder, and a file is needed. Known: facts.jsonl.",
    ),
    Case(
        "unknown kind",
        missing(read, "facts.xlsx"),
        "{folder}/facts.xlsx: files ending in '.xlsx' cannot be read. Data files are "
        ".jsonl, .csv or .parquet.",
    ),
    Case(
        "no kind",
        missing(read, "facts"),
        "{folder}/facts: files without a suffix cannot be read. Data files are .jsonl, "
        ".csv or .parquet.",
    ),
    Case(
        "a pickle",
        reading("facts.pkl", pickle.dumps([1])),
        "{folder}/facts.pkl: .pkl files can hold pickled code, and nothing is executed "
        "from data. Save it in another format. Data files are .jsonl, .csv or .parquet.",
    ),
    Case(
        "torch's pickle",
        reading("facts.pt", b"PK"),
        "{folder}/facts.pt: .pt files can hold pickled code, and nothing is executed "
        "from data. Save it in another format. Data files are .jsonl, .csv or .parquet.",
    ),
    Case(
        "task file absent",
        lambda f: resolve_task("facts.jsonl", f),
        "{folder}/facts.jsonl: there is no such file. The folder holds no .csv or "
        ".jsonl or .parquet file.",
    ),
]

JSONL = [
    Case("empty", reading("d.jsonl", ""), "d.jsonl: holds no examples. Give at least two rows."),
    Case(
        "not JSON",
        reading("d.jsonl", f"{GOOD}\n{{'tokens': [1]}}\n"),
        "d.jsonl, line 2: is not JSON: Expecting property name enclosed in double "
        "quotes at character 2.",
    ),
    Case(
        "cut off",
        reading("d.jsonl", f'{GOOD}\n\n{{"tokens": [1,'),
        "d.jsonl, line 3: is not JSON: Expecting value at character 15.",
    ),
    Case(
        "a list",
        reading("d.jsonl", f"{GOOD}\n[1, 2]"),
        'd.jsonl, line 2: holds a list, not an object. Write one {"tokens": […], …} a line.',
    ),
    Case(
        "a number",
        reading("d.jsonl", "17"),
        'd.jsonl, line 1: holds a number, not an object. Write one {"tokens": […], …} a line.',
    ),
    Case(
        "a key twice",
        reading("d.jsonl", '{"tokens": [1], "tokens": [2]}'),
        "d.jsonl, line 1: names 'tokens' twice.",
    ),
    Case(
        "not UTF-8",
        reading("d.jsonl", GOOD.encode() + b'\n{"name": "\xff"}'),
        "d.jsonl, line 2: is not UTF-8: byte 0xff cannot be read. Save the file as UTF-8.",
    ),
    Case(
        "NaN in tokens",
        reading("d.jsonl", '{"tokens": [1, NaN]}'),
        "d.jsonl, line 1: 'tokens' must be whole numbers, found nan.",
    ),
    Case(
        "columns differ",
        reading("d.jsonl", f'{GOOD}\n\n{{"tokens": [1]}}'),
        "d.jsonl, line 3: lacks the column 'answer' that the first row has.",
    ),
    Case(
        "text only",
        reading("d.jsonl", '{"text": "abc"}'),
        "d.jsonl, line 1: has no 'tokens'. Each row needs a list of token ids. For "
        "text, use Dataset.from_text(rows, tokenizer).",
    ),
]

CSV = [
    Case("no content", reading("d.csv", ""), "d.csv: holds no examples. Give at least two rows."),
    Case(
        "header only",
        reading("d.csv", "tokens,answer\n"),
        "d.csv: holds no examples. Give at least two rows.",
    ),
    Case(
        "no header",
        reading("d.csv", "1 2 3,4\n5 6 7,8\n"),
        "d.csv, line 1: the header names no column 'tokens': 1 2 3, 4. The first line "
        "names the columns.",
    ),
    Case(
        "header with a gap",
        reading("d.csv", "tokens,,answer\n1,2,3\n"),
        "d.csv, line 1: a column has no name. Give each column a name of its own.",
    ),
    Case(
        "header with a repeat",
        reading("d.csv", "tokens,name,name\n1,a,b\n"),
        "d.csv, line 1: the header names 'name' twice. Give each column a name of its own.",
    ),
    Case(
        "ragged",
        reading("d.csv", "tokens,answer\n1 2,3\n4 5,6,7\n"),
        "d.csv, line 3: has 3 fields, and the header 2. Fields that hold a comma stand in quotes.",
    ),
    Case(
        "unclosed quote",
        reading("d.csv", 'tokens,answer\n"1 2,3\n'),
        "d.csv, line 2: is not CSV: unexpected end of data.",
    ),
    Case(
        "tokens of words",
        reading("d.csv", "tokens,answer\n1 two,3\n"),
        "d.csv, line 2: 'tokens' must be whole numbers separated by spaces, found 'two'.",
    ),
    Case(
        "role of words",
        reading("d.csv", "tokens,role:end\n1 2,1\n3 4,last\n"),
        "d.csv, line 3: 'role:end' must be whole numbers separated by spaces, found 'last'.",
    ),
    Case(
        "role outside its row",
        reading("d.csv", "tokens,role:end\n1 2,1\n3 4,2\n"),
        "d.csv, line 3: role 'end' is at 2, outside the row's 2 tokens.",
    ),
    Case(
        "tokens missing",
        reading("d.csv", "tokens,answer\n1 2,3\n,4\n"),
        "d.csv, line 3: 'tokens' must be a list of at least one token id, not [].",
    ),
]

PARQUET = [
    Case(
        "not Parquet",
        reading("d.parquet", "tokens,answer\n1 2,3\n"),
        "d.parquet: is not a Parquet file, or is damaged. Write it again.",
    ),
    Case(
        "tokens of texts",
        parquet(tokens=["1 2"], answer=[3]),
        "data.parquet, row 0: 'tokens' must be a list of at least one token id, not '1 2'.",
    ),
    Case(
        "tokens null",
        parquet(tokens=[[1], None], answer=[3, 4]),
        "data.parquet, row 1: has no 'tokens'. Each row needs a list of token ids.",
    ),
    Case(
        "pyarrow missing",
        without_pyarrow,
        "{folder}/data.parquet: Parquet files need pyarrow. Install it: pip install "
        "causal-scrub[frames].",
    ),
]

HEAD = "import networkx as nx\nfrom scrub import EXACT, Hypothesis\nclaim = nx.DiGraph()\n"

HYPOTHESES = [
    Case(
        "no such hypothesis",
        missing(load_hypothesis, "inductoin.py", "induction.py"),
        "{folder}/inductoin.py: there is no such file. Did you mean induction.py?",
    ),
    Case(
        "a name alone",
        shipping(lambda _: load_hypothesis("inductoin"), "induction"),
        "inductoin: is no hypothesis file: these are Python files, named *.py. "
        "Did you mean induction?",
    ),
    Case(
        "not Python's suffix",
        missing(load_hypothesis, "claim.json"),
        "{folder}/claim.json: is no hypothesis file: these are Python files, named *.py.",
    ),
    Case(
        "folder of hypotheses",
        missing(load_hypothesis, "", "induction.py"),
        "{folder}: is a folder, and a file is needed. Known: induction.py.",
    ),
    Case(
        "syntax",
        loading(HEAD + "claim.add_node('a',, component='a0.h0')\n"),
        "claim.py, line 4: is not Python: invalid syntax in \"claim.add_node('a',, "
        "component='a0.h0')\".",
    ),
    Case(
        "null bytes",
        loading(b"claim = 1\n\x00"),
        "claim.py, line 1: is not Python: source code string cannot contain null bytes.",
    ),
    Case(
        "bytes that are no text",
        loading(b"# caf\xe9\n"),
        "claim.py, line 1: is not UTF-8: byte 0xe9 cannot be read. Save the file as UTF-8.",
    ),
    Case(
        "raises",
        loading(HEAD + "\nclaim.add_nodes('a')\n"),
        "claim.py, line 5: raised AttributeError: 'DiGraph' object has no attribute 'add_nodes'",
    ),
    Case(
        "raises in a function",
        loading("def share(n):\n    return 1 / n\n\nx = share(0)\n"),
        "claim.py, line 2: raised ZeroDivisionError: division by zero",
    ),
    Case(
        "exits",
        loading("import sys\nsys.exit('no data')\n"),
        "claim.py, line 2: raised SystemExit: no data",
    ),
    Case(
        "imports what is not there",
        loading("import no_such_module_here\n"),
        "claim.py, line 1: raised ModuleNotFoundError: No module named 'no_such_module_here'",
    ),
    Case(
        "nothing defined",
        loading(HEAD),
        "claim.py: has no variable 'hypothesis'. Write hypothesis = Hypothesis(claim, "
        "task=..., model=...).",
    ),
    Case(
        "under another name",
        loading(HEAD + "first = second = Hypothesis(claim, task='repeated_tokens')\n"),
        "claim.py: has no variable 'hypothesis'. Rename one of: first, second.",
    ),
    Case(
        "a graph only",
        loading(HEAD + "hypothesis = claim\n"),
        "claim.py: its variable 'hypothesis' is a DiGraph, not a Hypothesis. Write "
        "hypothesis = Hypothesis(claim, task=..., model=...).",
    ),
    Case(
        "unknown options",
        loading(HEAD + "hypothesis = Hypothesis(\n    claim, task='x', nods='joint', limit=0)\n"),
        "claim.py, line 4: option 'nods': does not exist. Did you mean nodes or donors?\n"
        "claim.py, line 4: option 'limit': must be a whole number of at least 1, not 0.",
    ),
    Case(
        "no shipped hypothesis",
        shipping(lambda _: shipped_hypothesis("inductoin"), "induction", "ioi"),
        "hypothesis 'inductoin': is none of those that are shipped. Did you mean induction or ioi?",
    ),
]

MODELS = [
    Case(
        "no model",
        lambda f: resolve_model_source(None, f),
        "model: the hypothesis names no model. Set model= to a model folder, a shipped "
        "model's name or a hub id.",
    ),
    Case(
        "no such folder",
        lambda f: resolve_model_source("./models/tiny", f),
        "model './models/tiny': there is no folder '{folder}/models/tiny'. Check the path.",
    ),
    Case(
        "no such name",
        shipping(lambda f: resolve_model_source("induction", f), "induction-2l"),
        "model 'induction': is neither a folder in '{folder}' nor a shipped model. Did "
        "you mean induction-2l?",
    ),
]


@pytest.mark.parametrize("case", [*PLACES, *JSONL, *CSV, *PARQUET, *HYPOTHESES, *MODELS], ids=str)
def test_message(case: Case, tmp_path: Path) -> None:
    check(case, tmp_path)
