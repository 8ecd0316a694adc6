"""A sweep that is stopped goes on with the same numbers, and a changed option starts anew."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scrub import InputRefused, trace
from scrub.mediation.journal import journal
from scrub.mediation.traced import Trace

TASK = "repeated_tokens(n=32)"
SCRIPT = """
import time
from scrub import trace
from scrub.mediation import sweep

once = sweep.Sweep._batch

def slowly(self, *given):
    time.sleep(0.2)
    return once(self, *given)

sweep.Sweep._batch = slowly
trace({how})
"""


def traced(path: Path | None, **changed: object) -> Trace:
    how: dict[str, object] = {
        "corrupt": "embed@after_match=resample",
        "cells": "resid,heads",
        "positions": "roles",
        "references": 6,
        "draws": 2,
        "batch": 5,
        "stack": 2,
        "replicates": 100,
    }
    return trace("induction-exact", TASK, journal=path, **{**how, **changed})


def same(one: Trace, other: Trace) -> bool:
    """To the last bit, intervals included."""
    return one.cells == other.cells and all(
        np.array_equal(value, other.per_example[name]) for name, value in one.per_example.items()
    )


class Told:
    """Progress that stops a sweep, as Ctrl-C does, once so much is done."""

    def __init__(self, most: int) -> None:
        self.most, self.done, self.total = most, 0, 0

    def start(self, stage: str, total: int) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount
        if self.done > self.most:
            raise KeyboardInterrupt


def test_an_interrupted_sweep_goes_on_with_the_same_numbers(tmp_path):
    path, whole = tmp_path / "kept.db", traced(None)
    with pytest.raises(KeyboardInterrupt):
        traced(path, progress=Told(100))
    told = Told(10**9)
    again = traced(path, progress=told)
    assert same(again, whole)
    assert told.done == told.total == 12 * len(whole.cells)
    assert again.cost["known"] > 10
    assert again.cost["evaluated"] < whole.cost["evaluated"]
    third = traced(path)
    assert same(third, whole)
    assert third.cost["evaluated"] == third.cost["forward_passes"] == 0


@pytest.mark.slow  # a process of its own, which imports all anew
def test_a_killed_process_loses_nothing_that_it_had_measured(tmp_path):
    path = tmp_path / "kept.db"
    how = f"'induction-exact', '{TASK}', journal={str(path)!r}, corrupt='embed@after_match="
    how += "resample', cells='resid,heads', references=6, draws=2, batch=5, stack=2, replicates=100"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT.format(how=how)])
    try:
        while _measured(path) < 8:
            assert process.poll() is None, "the sweep ended before it could be killed"
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    again = traced(path)
    assert again.cost["known"] >= 4
    assert 0 < again.cost["evaluated"] < traced(None).cost["evaluated"]
    assert same(again, traced(None))


def _measured(path: Path) -> int:
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as held:
            return int(held.execute("SELECT count(*) FROM measured").fetchone()[0])
    except sqlite3.OperationalError:  # not made yet
        return 0


CHANGED = {
    "seed": {"seed": 1},
    "draws": {"draws": 1},
    "corruption": {"corrupt": "embed@match=resample"},
    "direction": {"direction": "knock_out"},
    "metric": {"metric": "probability"},
    "references": {"references": 7},
    "dtype": {"dtype": "float64"},
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "seed" else pytest.mark.slow) for n in CHANGED]
)
def test_a_changed_option_starts_anew(name, tmp_path):
    path = tmp_path / "kept.db"
    first = traced(path, cells="heads")
    other = traced(path, cells="heads", **CHANGED[name])
    assert other.cost["known"] == 0
    assert same(other, traced(None, cells="heads", **CHANGED[name]))
    back = traced(path, cells="heads")
    assert same(back, first)
    assert back.cost["evaluated"] == 0


def test_more_cells_and_other_intervals_go_on_from_what_is_known(tmp_path):
    path = tmp_path / "kept.db"
    traced(path, cells="heads")
    more = traced(path, cells="heads,attn", level=0.9)
    assert more.cost["known"] == 12 * 3  # four heads at three roles, in three batches of examples
    assert same(more, traced(None, cells="heads,attn", level=0.9))


def test_another_file_is_no_journal_and_is_left_alone(tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("what I know\n")
    with pytest.raises(InputRefused) as refused:
        traced(notes)
    assert str(refused.value) == (
        f"journal '{notes}': is another kind of file, which would be lost. Choose another name."
    )
    assert notes.read_text() == "what I know\n"
    with pytest.raises(InputRefused) as refused:
        traced(tmp_path)
    assert str(refused.value) == f"journal '{tmp_path}': is a folder; name a file in it."
    with pytest.raises(InputRefused) as refused:
        traced(tmp_path / "gone" / "kept.db")
    found = f"journal '{tmp_path / 'gone' / 'kept.db'}': there is no folder '{tmp_path / 'gone'}'."
    assert str(refused.value) == f"{found} Make it first."


def test_a_file_holds_several_sweeps(tmp_path):
    path, values = tmp_path / "kept.db", np.arange(6.0).reshape(2, 3)
    with journal(path, {"seed": 0}) as one, journal(path, {"seed": 1}) as other:
        one.write(0, [("a0@end", values)])
        other.write(0, [("a0@end", -values)])
        assert np.array_equal(one.read(0, 3)["a0@end"], values)
        assert one.read(3, 3) == {}
    with journal(path, {"seed": 1}) as again:
        assert np.array_equal(again.read(0, 3)["a0@end"], -values)
