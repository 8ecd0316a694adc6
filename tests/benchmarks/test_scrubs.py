"""Whole scrubs beside other libraries: the ways that need no other library, and the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from benchmarks import random_gpt2, scrubs_table
from benchmarks.hook_loop import Pass
from benchmarks.scrubs import Disagreement, compare, distance
from benchmarks.whole import cases, worker
from benchmarks.whole.cases import SETTINGS, Setting
from benchmarks.whole.ways import IN_CIRCUITS, OF_HEADS, OURS, WAYS, Definition, Loop


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "WIDTH", 48)
    monkeypatch.setattr(random_gpt2, "SPREAD", 0.3)


def gap(one: Any, other: Any) -> float:
    ours, theirs = ({k: v.numpy() for k, v in way.values().items()} for way in (one, other))
    return distance(ours, theirs)


@pytest.mark.usefixtures("small")
def test_the_loops_and_the_engine_tell_the_same_of_every_node() -> None:
    case = cases.by_class(4, 1)
    referee = OF_HEADS["hooks, plain"](case)
    assert referee.effect() > 1e-4
    for who in ("hooks, careful", OURS):
        assert gap(OF_HEADS[who](case), referee) < 1e-5


@pytest.mark.usefixtures("small")
def test_a_loop_that_leaves_a_parent_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    case = cases.by_class(4, 1)
    engine = OF_HEADS[OURS](case).values()
    monkeypatch.setattr(Pass, "_watch_parents", lambda self, before=None: [])
    loop = OF_HEADS["hooks, plain"](case).values()
    assert distance(*({k: v.numpy() for k, v in both.items()} for both in (loop, engine))) > 1e-3


@pytest.mark.usefixtures("small")
def test_a_loops_output_is_the_engines_draw_by_draw() -> None:
    case = cases.by_class(3, 2)
    plain, ours = OF_HEADS["hooks, plain"](case).run(), OF_HEADS[OURS](case).run()
    assert plain.shape == ours.shape == (6, 1, cases.VOCABULARY)
    assert torch.allclose(plain, ours, atol=1e-4)


@pytest.mark.usefixtures("small")
def test_a_sampled_time_is_multiplied_up_to_all_passes() -> None:
    case = cases.by_class(2, 1)
    way = Loop(case, careful=False)
    found = way.timing(sampled=2, number=0)
    assert (found.timed, found.passes) == (2, case.nodes)
    whole = way.timing(sampled=None, number=0)
    assert (whole.timed, whole.passes) == (0, 0)


@pytest.mark.parametrize("name", ["or_gate", "parens_1_2"])
def test_the_definition_and_the_engine_agree_on_small_models(name: str) -> None:
    case = SETTINGS[name].make(2, 1)
    definition = IN_CIRCUITS["the definition"](case)
    assert isinstance(definition, Definition)
    assert definition.effect() > 1e-2
    assert gap(IN_CIRCUITS[OURS](case), definition) < 1e-5


def test_every_setting_has_a_referee_first_and_ours() -> None:
    assert WAYS.keys() == SETTINGS.keys()
    for ways in WAYS.values():
        assert OURS in ways
        assert next(iter(ways)) in ("hooks, plain", "the definition")


def test_values_of_different_things_are_infinitely_apart() -> None:
    one, other = {"output": np.ones(1)}, {"output": np.ones(1), "node 1, a0.h0": np.ones(1)}
    assert distance(one, other) == float("inf")
    assert distance({"output": np.array([np.nan])}, one) == float("inf")


class Answers:
    """A worker that keeps an array for its values."""

    def __init__(self, value: float, effect: float = 1.0) -> None:
        self.value, self.effect = value, effect

    def ask(self, task: str, path: str, referee: bool) -> dict[str, float]:
        np.savez(path, output=np.array([1.0, self.value]))
        return {"effect": self.effect} if referee else {}


@pytest.mark.parametrize(
    ("other", "effect", "said"),
    [
        (Answers(2.1), 1.0, "them is 5.0e-02 from the referee."),
        (Answers(2.0), 1e-9, r"what is put in hardly shows \(1.0e-09\)."),
    ],
)
def test_nothing_is_timed_where_two_differ(
    other: Answers, effect: float, said: str, tmp_path: Path
) -> None:
    workers: Any = {"referee": Answers(2.0, effect), "them": other}
    with pytest.raises(Disagreement, match=said):
        compare("x", workers, {who: {} for who in workers}, tmp_path, Console(quiet=True))


def test_a_library_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(case: Any) -> Any:
        raise ImportError("No module named 'rust_circuit'")

    small = Setting("parentheses", SETTINGS["parens_1"].make, 2, 1, checked=2)
    monkeypatch.setitem(SETTINGS, "parens_1", small)
    monkeypatch.setitem(WAYS, "parens_1", {"them": absent})
    told = worker.start("parens_1", "them", tiny=True, threads=torch.get_num_threads())
    assert told == {"missing": "No module named 'rust_circuit'"}


def taken(seconds: float, every: int = 0) -> dict[str, Any]:
    return {"seconds": seconds, "passes": every, "timed": 8 if every else 0}


REPORT: dict[str, Any] = {
    "machine": "a machine, 2 cores",
    "load": 0.1,
    "threads": 2,
    "libraries": {"torch": "2.13.0"},
    "shape": {"layers": 12},
    "rounds": 3,
    "settings": {
        "heads": {
            "title": "IOI",
            "effect": 2e-4,
            "ways": {
                OURS: {
                    "nodes": 846,
                    "draws": 1,
                    "references": 64,
                    "apart": 1e-6,
                    "bytes": 2**20,
                    "rounds": [taken(1.0), taken(2.0), taken(4.0)],
                },
                "them": {
                    "apart": 2e-6,
                    "bytes": 3 * 2**20,
                    "rounds": [taken(50.0, 846), taken(80.0, 846), taken(160.0, 846)],
                },
                "others": {"missing": "No module named 'others'", "rounds": []},
            },
        }
    },
}


def test_a_ratio_is_the_median_over_rounds_of_times_in_the_same_round(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{scrubs_table.START}\nold\n{scrubs_table.END}\nafter\n")
    figures = tmp_path / "scrubs-x.json"
    figures.write_text(json.dumps(REPORT))
    scrubs_table.write(readme, [figures])
    text = readme.read_text()
    row = "| them | 80.0 s (from 24 of 846 passes) | 50.0 s – 160 s | 40.0 | 3 MiB | 2.0e-06 |"
    assert row in text
    assert "| others | not measured: No module named 'others' |  |" in text
    assert "old" not in text
    assert text.endswith("after\n")
