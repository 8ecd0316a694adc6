"""Experiments that are kept: found again, told apart, complete or absent, with their source."""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from scrub import InputRefused, Keeper, intervene_on_neuron, trace_token_probability
from scrub.study.keeping.calls import Call
from scrub.study.keeping.keeper import NotKept
from scrub.study.keeping.kept import read
from scrub.study.keeping.values import Encoder, Plain, Unkept, decode

CALLS: list[Any] = []
FACTOR = 3


@dataclass(frozen=True)
class Pair:
    left: Any
    right: Any


class Spot(NamedTuple):
    row: int
    column: int


class Mood(enum.Enum):
    GLAD = "glad"


def helped(x: float) -> float:
    return FACTOR * x


def doubled(x: Any, offset: float = 0.0) -> Any:
    """A function of a user's own."""
    CALLS.append(x)
    return {"double": 2 * x + offset, "helped": helped(1.0)}


def failing(x: Any) -> Any:
    raise ZeroDivisionError(f"of {x}")


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    CALLS.clear()
    return Keeper(tmp_path / "runs")


def key(function: Any, *args: Any, **kwargs: Any) -> str:
    return Call.of(function, args, kwargs).key


def once(x: Any) -> Any:
    """Returns what it is given; closes over and looks up nothing."""
    return x


def test_a_probe_is_kept_with_its_source_and_found_again(keeper):
    ids = [[5, 6, 7, 5], [8, 9, 8, 1]]
    first = keeper.run(trace_token_probability, "induction-2l", ids, target=6)
    assert first.source == inspect.getsource(trace_token_probability)
    assert first.call.module == "scrub.mediation.lens"
    assert set(first.call.versions) >= {"python", "causal-scrub", "code", "torch", "transformers"}
    assert first.arguments["input_ids"] == ids
    assert first.arguments["at"] is None
    assert len(first.arguments["model"]["sha256"]) == 64
    second = keeper.run(trace_token_probability, "induction-2l", target=6, input_ids=ids)
    assert (first.found, second.found, len(keeper)) == (False, True, 1)
    (loaded,) = Keeper(keeper.folder)
    for kept in (second, loaded):
        assert type(kept.result) is type(first.result)
        assert kept.result.states == first.result.states
        assert kept.result.as_dict() == first.result.as_dict()
        for name, value in first.result.per_example.items():
            np.testing.assert_array_equal(kept.result.per_example[name], value)
            assert kept.result.per_example[name].dtype == value.dtype
    other = keeper.run(intervene_on_neuron, "induction-2l", ids, 1, 3)
    assert not other.found
    assert [kept.function for kept in keeper.all("intervene_on_neuron")] == ["intervene_on_neuron"]
    assert len(keeper.all(trace_token_probability)) == 1


def test_a_call_is_known_by_its_arguments_and_found_rather_than_run(keeper):
    first = keeper.run(helped, 2.0)
    assert first.result == 6.0
    assert keeper.run(helped, 2.0).found
    assert keeper.run(helped, x=2.0).found
    assert not keeper.run(helped, 3.0).found


def test_again_runs_a_known_call_again_and_keeps_both_results_where_they_differ(tmp_path):
    results = iter([1, 2, 2])

    def counted() -> int:
        return next(results)

    again = Keeper(tmp_path, known="again")
    found = [again.run(counted).result for _ in range(3)]
    assert found == [1, 2, 2]
    assert sorted(kept.result for kept in again) == [1, 2]


def test_what_a_function_uses_is_part_of_what_it_is(monkeypatch):
    before = key(doubled, 1.0)
    assert key(doubled, 1.0) == before != key(doubled, 2.0)
    monkeypatch.setitem(globals(), "FACTOR", 4)  # two functions further down
    assert key(doubled, 1.0) != before
    monkeypatch.undo()
    CALLS.append("told")  # a list that it looks up
    assert key(doubled, 1.0) != before
    CALLS.clear()
    assert key(doubled, 1.0) == before
    told = Call.of(doubled, (1.0,), {})
    assert told.source == inspect.getsource(doubled)
    assert told.sources["tests.study.test_keeper.helped"] == inspect.getsource(helped)


def test_functions_that_close_over_other_values_are_other_functions():
    def made(factor: float) -> Any:
        return lambda x: factor * x

    assert key(made(2), 1) == key(made(2), 1) != key(made(3), 1)
    assert key(partial(once, 1)) != key(partial(once, 2))
    assert Call.of(partial(once, 1), (), {}).source == inspect.getsource(once)


def test_models_are_known_by_their_weights():
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    before = key(once, model)
    assert key(once, model) == before
    with torch.no_grad():
        model.weight[0, 0] += 1
    assert key(once, model) != before
    told = Call.of(once, (model,), {}).arguments["x"]
    assert told["model"] == "torch.nn.modules.linear.Linear"
    assert len(told["fingerprint"]) == 64


def test_files_and_model_folders_are_known_by_what_is_in_them(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "weights"
    weights.write_bytes(b"1")
    keys = [key(once, tmp_path), key(once, weights), key(once, str(weights))]
    assert keys == [key(once, tmp_path), key(once, weights), key(once, str(weights))]
    weights.write_bytes(b"2")
    assert not set(keys) & {key(once, tmp_path), key(once, weights), key(once, str(weights))}


APART = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    ("1", 1),
    ([1], (1,)),
    (None, "None"),
    (float("nan"), float("inf")),
    ({1: 2}, {"1": 2}),
    (np.zeros(2), np.zeros(2, dtype=np.float32)),
    (np.zeros((2, 1)), np.zeros((1, 2))),
    (np.zeros(2), torch.zeros(2, dtype=torch.float64)),
    (torch.zeros(2), torch.ones(2)),
    (torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)),
    (Mood.GLAD, "glad"),
    (Pair(1, 2), Pair(2, 1)),
    (torch.float32, "torch.float32"),
    (int, float),
]


@pytest.mark.parametrize(("one", "other"), APART)
def test_other_arguments_are_other_calls(one, other):
    assert key(once, one) == key(once, one)
    assert key(once, one) != key(once, other)


def test_a_call_that_cannot_be_told_for_certain_is_never_found(keeper):
    generator = np.random.default_rng(0)
    first = keeper.run(once, [generator])
    assert first.call.unsure == ("argument 'x'[0] (Generator)",)
    assert not keeper.run(once, [generator]).found


@pytest.mark.slow
def test_another_process_finds_what_this_one_kept(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("def squares(n):\n    return [i * i for i in range(n)]\n")
    monkeypatch.syspath_prepend(tmp_path)
    squares = importlib.import_module("mine").squares
    assert Keeper(tmp_path / "runs").run(squares, 4).result == [0, 1, 4, 9]
    code = "import mine, scrub; kept = scrub.Keeper('runs').run(mine.squares, 4); "
    code += "print(kept.found, kept.result, kept.source.splitlines()[0])"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout == "True [0, 1, 4, 9] def squares(n):\n"


def test_what_a_function_raises_is_kept_and_raised(keeper):
    with pytest.raises(ZeroDivisionError, match="of 1"):
        keeper.run(failing, 1)
    (kept,) = keeper
    assert kept.error.splitlines()[-1] == "ZeroDivisionError: of 1"
    assert kept.source == inspect.getsource(failing)
    with pytest.raises(InputRefused) as refused:
        _ = kept.result
    assert str(refused.value) == (
        f"'{kept.path.name}': holds no result: the function raised. Its traceback is in `error`."
    )
    with pytest.raises(ZeroDivisionError):  # and is no answer to the same call
        keeper.run(failing, 1)


def test_a_result_that_cannot_be_written_is_not_lost(keeper, monkeypatch):
    def full(*_: object) -> None:
        raise InputRefused("the disk is full.")

    monkeypatch.setattr("scrub.study.keeping.kept.write_whole", full)
    with pytest.raises(NotKept) as lost:
        keeper.run(once, [1, 2])
    assert lost.value.result == [1, 2]
    assert str(lost.value) == (
        "the disk is full. What the function returned is this error's `result`."
    )
    with pytest.raises(ZeroDivisionError):  # what the function raised comes first
        keeper.run(failing, 1)
    assert len(keeper) == 0


def test_an_experiment_stopped_between_its_files_is_absent(keeper, monkeypatch):
    from scrub.study.keeping import kept as files

    write = files.write_whole

    def stopped(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(files, "write_whole", stopped)
    with pytest.raises(KeyboardInterrupt):
        keeper.run(once, np.ones(3))
    monkeypatch.undo()
    assert len(keeper) == 0
    np.testing.assert_array_equal(keeper.run(once, np.ones(3)).result, np.ones(3))


def test_parts_that_no_file_can_hold_are_named_and_the_rest_is_kept(keeper):
    first = keeper.run(once, 1)
    assert first.unkept == ()

    def made() -> Any:
        return {"array": np.arange(3), "layer": nn.Linear(1, 1)}

    kept = keeper.run(made)
    assert kept.unkept == ("result['layer'] (Linear)",)
    assert isinstance(kept.result["layer"], nn.Linear)
    loaded = read(kept.path)
    assert loaded.unkept == kept.unkept
    assert isinstance(loaded.result["layer"], Unkept)
    assert loaded.result["array"].tolist() == [0, 1, 2]
    assert not keeper.run(made).found


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from([Mood.GLAD, Spot(1, 2), Path("a/b")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.integers() | st.text(max_size=3), inner, max_size=3)
        | st.builds(Pair, inner, inner)
        | st.frozensets(st.integers(), max_size=1)
    ),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_whatever_is_kept_comes_back_as_it_was(value):
    encoder = Encoder()
    tree = json.loads(json.dumps(encoder.encode(value), allow_nan=False))
    found = decode(tree, encoder.arrays)
    assert repr(found) == repr(value)  # 1 is not True, a tuple no list
    assert encoder.unkept == []


NUMBERS = [
    np.array([[1.5, np.nan]]),
    np.array(7),
    np.float32(0.1),
    np.arange(3, dtype=np.uint16),
    np.array([True, False]),
    np.asfortranarray(np.arange(6).reshape(2, 3))[:, ::-1],
    np.zeros((0, 3)),
    torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
    torch.arange(6).reshape(2, 3).T,
    torch.tensor(2.5),
    torch.zeros(2, requires_grad=True),
    torch.zeros(2, dtype=torch.complex64),
]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_numbers_come_back_bit_by_bit(keeper, value):
    found = read(keeper.run(once, value).path).result
    assert type(found) is type(value)
    assert found.dtype == value.dtype
    assert tuple(found.shape) == tuple(value.shape)
    if isinstance(value, torch.Tensor):
        assert torch.equal(found, value.detach())
    else:
        np.testing.assert_array_equal(found, value)


def test_a_class_that_is_not_there_comes_back_by_its_fields():
    tree = {"type": "nowhere.to.be.found:Thing", "fields": {"a": 1, "b": {"tuple": [2]}}}
    found = decode(tree, {})
    assert found == Plain("nowhere.to.be.found:Thing", {"a": 1, "b": (2,)})
    assert found.b == (2,)
    assert "nowhere" not in sys.modules


def test_a_file_makes_no_module_be_imported():
    name = "antigravity"  # opens a browser
    tree = {"type": f"{name}:Thing", "fields": {}}
    assert isinstance(decode(tree, {}), Plain)
    assert name not in sys.modules


def test_damage_is_told_in_words(keeper):
    kept = keeper.run(once, np.ones(2))
    arrays = kept.path.with_name(kept.path.name.replace(".kept.json", ".safetensors"))
    arrays.write_bytes(arrays.read_bytes()[:-1] + b"x")
    said = [_refusal(lambda: read(kept.path).result)]
    arrays.unlink()
    said.append(_refusal(lambda: read(kept.path).result))
    kept.path.write_text("{}")
    said.append(_refusal(lambda: keeper.all()))
    said.append(_refusal(lambda: read(kept.path.parent / "none.kept.json")))
    assert said == [
        f"'{kept.path}': its arrays, {arrays.name}, are not those that were written. Remove both, "
        "and run again.",
        f"'{kept.path}': its arrays, {arrays.name}, are not beside it. Copy both, or run again.",
        f"'{kept.path}': is no experiment that scrub kept, or is damaged (KeyError: 'schema').",
        f"'{kept.path.parent / 'none.kept.json'}': cannot be read: No such file or directory.",
    ]


def test_what_a_keeper_refuses_it_says(keeper, tmp_path):
    (tmp_path / "file").write_text("")
    said = [
        _refusal(lambda: Keeper(tmp_path, known="agian")),
        _refusal(lambda: Keeper(tmp_path / "file" / "runs")),
        _refusal(lambda: keeper.run(once)),
        _refusal(lambda: keeper.run(once, 1, y=2)),
    ]
    assert said == [
        "option 'known': 'agian' is no value of it. Did you mean again?",
        f"folder '{tmp_path / 'file' / 'runs'}': cannot be made: Not a directory.",
        "function 'once': cannot be called like this: missing a required argument: 'x'.",
        "function 'once': cannot be called like this: got an unexpected keyword argument 'y'.",
    ]
    assert len(keeper) == 0


def test_functions_without_a_source_are_told_in_words(keeper, tmp_path, monkeypatch):
    typed: dict[str, Any] = {}
    exec("def typed(x):\n    return x + 1", typed)
    kept = keeper.run(typed["typed"], 1)
    assert kept.source == "no source: typed was typed or made where Python keeps none."
    assert keeper.run(typed["typed"], 1).found
    exec("def typed(x):\n    return x + 2", typed)
    assert keeper.run(typed["typed"], 1).result == 3  # told apart by its code
    (folder := tmp_path / "code").mkdir()
    (folder / "changed.py").write_text("def first(x):\n    return x\n")
    monkeypatch.syspath_prepend(folder)
    first = importlib.import_module("changed").first
    (folder / "changed.py").write_text("import this\n\n\ndef first(x):\n    return -x\n")
    told = "no source: the file that first came from holds it no more."
    assert keeper.run(first, 1).source == told
    kept = keeper.run(sorted, [2, 1])
    assert kept.source == "no source: sorted is built into Python or compiled."


def _refusal(act: Any) -> str:
    with pytest.raises(InputRefused) as refused:
        act()
    return str(refused.value)
