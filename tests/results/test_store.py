"""The store: what is finished stays, each job is given to one, and every mishap has its words."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scrub.errors import InputRefused
from scrub.results.store import store as stores
from scrub.results.store.arrays import PART, keep
from scrub.results.store.owners import is_alive, owner
from scrub.results.store.store import Entry, Store, StoreFailed
from scrub.results.store.tables import DATABASE

RNG = np.random.default_rng(0)
ARRAYS = {"scrubbed": RNG.normal(size=(5, 3)), "references": np.arange(5)}


def entry(**changed: Any) -> Entry:
    given = {"document": {"recovered": 0.1 + 0.2}, "schema": "scrub-result/1", "arrays": ARRAYS}
    return Entry("scrub", "induction", {"seed": 1}, **{**given, **changed})


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path / "store") as made:
        yield made


def test_what_is_finished_is_there_again_to_the_last_bit(store: Store) -> None:
    store.finish("k", entry(seconds=2.5))
    store.close()
    with Store.reading(store.folder) as again:
        (row,) = again.rows()
        assert (row.key, row.name, row.said, row.seconds) == ("k", "induction", {"seed": 1}, 2.5)
        assert row.document == {"recovered": 0.1 + 0.2}
        for name, value in again.arrays(row).items():
            assert value.dtype == ARRAYS[name].dtype
            assert value.tobytes() == ARRAYS[name].tobytes()
        assert again.is_done("k")
        assert not again.is_done("other")


def test_a_job_that_two_have_run_is_kept_as_the_first_wrote_it(store: Store) -> None:
    store.finish("k", entry())
    store.finish("k", entry(document={"recovered": 7}, arrays={"scrubbed": np.zeros(3)}))
    (row,) = store.rows()
    assert row.document == {"recovered": 0.1 + 0.2}
    np.testing.assert_array_equal(store.arrays(row)["scrubbed"], ARRAYS["scrubbed"])


def test_a_failed_job_is_kept_with_its_reason_until_it_is_done(store: Store) -> None:
    store.fail("k", entry(document=None), "ran out of memory")
    (row,) = store.rows()
    assert (row.status.value, row.message, row.document) == ("failed", "ran out of memory", None)
    assert not store.is_done("k")
    store.finish("k", entry())
    (row,) = store.rows()
    assert (row.status.value, row.message) == ("done", "")
    store.fail("k", entry(document=None), "too late")
    assert store.is_done("k")


def test_a_job_is_given_to_one_of_those_who_ask(store: Store) -> None:
    mine, other = owner(), owner()
    store.finish("a", entry())
    first = store.claim(["a", "b"], mine)
    assert list(map(set, (first.mine, first.done, first.held))) == [{"b"}, {"a"}, set()]
    second = store.claim(["a", "b", "c"], other)
    assert list(map(set, (second.mine, second.held))) == [{"c"}, {"b"}]
    assert store.claim(["b"], mine).mine == {"b"}  # it may ask again
    store.release(mine)
    assert store.claim(["b"], other).mine == {"b"}


def test_a_claim_that_is_not_renewed_lapses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = owner(), owner()
    now = [1000.0]
    monkeypatch.setattr("scrub.results.store.store.time.time", lambda: now[0])
    store.claim(["k"], mine)
    now[0] += stores.LEASE - 1
    store.renew(mine)
    now[0] += stores.LEASE - 1
    assert store.claim(["k"], other).held == {"k"}
    now[0] += 2
    assert store.claim(["k"], other).mine == {"k"}


def test_the_claim_of_a_dead_process_counts_for_nothing(store: Store) -> None:
    program = "from scrub.results.store.owners import owner; print(owner())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    dead = done.stdout.strip()
    assert not is_alive(dead)
    store.claim(["k"], dead)
    assert store.claim(["k"], owner()).mine == {"k"}


def test_another_process_with_a_dead_ones_number_is_not_taken_for_it() -> None:
    machine, pid, born, mark = owner().split("|")
    assert is_alive("|".join([machine, pid, born, mark]))
    assert not is_alive("|".join([machine, pid, f"{born}0", mark]))
    assert is_alive("|".join(["another machine", pid, f"{born}0", mark]))


def test_of_many_who_ask_at_once_each_job_is_given_to_one(tmp_path: Path) -> None:
    keys = [f"k{i}" for i in range(40)]
    Store(tmp_path).close()
    given: list[frozenset[str]] = []

    def ask() -> None:
        with Store(tmp_path) as mine:
            me = owner()
            given.extend(mine.claim([key], me).mine for key in keys)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(key for some in given for key in some) == sorted(keys)


def test_arrays_without_a_row_are_no_result(store: Store) -> None:
    """What a kill between the two leaves."""
    keep(store.folder, "k", ARRAYS)
    assert not store.is_done("k")
    assert store.rows() == []


def test_a_row_without_its_arrays_is_run_again(store: Store) -> None:
    store.finish("k", entry())
    (row,) = store.rows()
    path = store.folder / str(row.arrays)
    path.unlink()
    assert not store.is_done("k")
    with pytest.raises(StoreFailed) as raised:
        store.arrays(row)
    assert str(raised.value) == (
        f"store '{store.folder}': {row.arrays} is not there. Remove it and start the suite again: "
        "its job is then run again."
    )
    assert store.claim(["k"], owner()).mine == {"k"}
    store.finish("k", entry())
    assert store.is_done("k")


def test_arrays_that_have_been_changed_are_found_out(store: Store) -> None:
    store.finish("k", entry())
    (row,) = store.rows()
    path = store.folder / str(row.arrays)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(StoreFailed, match="holds something else"):
        store.arrays(row)


def test_what_was_half_written_is_swept_when_it_is_old(store: Store) -> None:
    store.finish("k", entry())
    folder = (store.folder / str(store.rows()[0].arrays)).parent
    old, new = folder / f".old{PART}", folder / f".new{PART}"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    Store(store.folder).close()
    assert (old.exists(), new.exists()) == (False, True)


KEPT = "Every finished job is kept: make room and start again, and it goes on from there."


def test_a_full_disk_is_said_so_and_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.finish("k", entry())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFailed) as raised:
        store.finish("l", entry())
    assert str(raised.value) == f"store '{store.folder}': there is no room left on the disk. {KEPT}"
    assert raised.value.exit_code == 5
    monkeypatch.undo()
    assert [row.key for row in store.rows()] == ["k"]
    assert not list(store.folder.rglob(f"*{PART}"))
    store.finish("l", entry())
    assert store.is_done("l")


def test_a_database_that_cannot_grow_says_the_same(store: Store) -> None:
    store.finish("k", entry())
    pages = store._open.execute("PRAGMA page_count").fetchone()[0]
    store._open.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed) as raised:
        store.finish("l", entry(document={"long": "x" * 100_000}))
    assert str(raised.value) == f"store '{store.folder}': there is no room left on the disk. {KEPT}"
    store._open.execute("PRAGMA max_page_count = 1000000")
    assert store.is_done("k")
    assert not store.is_done("l")


@pytest.mark.parametrize("how", [Store, Store.reading])
def test_a_damaged_database_is_called_damaged(tmp_path: Path, how: Any) -> None:
    with Store(tmp_path) as store:
        for i in range(50):
            store.finish(f"k{i}", entry(document={"long": "x" * 3000}))
    path = tmp_path / DATABASE
    content = bytearray(path.read_bytes())
    content[4096:] = bytes(b ^ 0x5A for b in content[4096:])
    path.write_bytes(content)
    with pytest.raises(StoreFailed) as raised, how(tmp_path) as again:
        again.rows()
    assert str(raised.value).startswith(f"store '{tmp_path}': its database is damaged (")
    assert str(raised.value).endswith(
        f"Put a copy of the database in its place, or mend it with `sqlite3 {path} .recover`; the "
        "arrays beside it are whole."
    )


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreFailed, match=r"damaged \(file is not a database\)"):
        Store(tmp_path)


def test_other_schemas_are_refused_by_name(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / DATABASE) as opened:
        opened.execute("UPDATE about SET value = 'scrub-store/0'")
    opened.close()
    for how in (Store, Store.reading):
        with pytest.raises(InputRefused) as raised:
            how(tmp_path)
        assert str(raised.value) == (
            f"store '{tmp_path}': its schema is 'scrub-store/0'; what can be read is "
            "scrub-store/1. Use the version of scrub that wrote it, or another folder."
        )


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    messages = {}
    for name, path, how in [
        ("file", file, Store),
        ("below a file", file / "store", Store),
        ("absent", tmp_path / "absent", Store.reading),
        ("empty", tmp_path, Store.reading),
    ]:
        with pytest.raises(InputRefused) as raised:
            how(path)
        messages[name] = str(raised.value).removeprefix(f"store '{path}': ")
    assert messages == {
        "file": "is a file, and a store is a folder.",
        "below a file": "cannot be made: not a directory.",
        "absent": "there is no such folder. `scrub suite FILE --store DIR` makes one.",
        "empty": f"holds no {DATABASE}. `scrub suite FILE --store DIR` makes one.",
    }
    with sqlite3.connect(tmp_path / DATABASE) as opened:
        opened.execute("CREATE TABLE journal (x)")
    opened.close()
    for how in (Store, Store.reading):
        with pytest.raises(InputRefused, match=f"its {DATABASE} is a database of something else"):
            how(tmp_path)


def test_a_store_whose_making_was_killed_is_empty(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / DATABASE).close()
    assert (tmp_path / DATABASE).is_file()
    with Store.reading(tmp_path) as store:
        assert store.rows() == []


def test_weights_are_known_while_their_files_are_the_same(store: Store) -> None:
    store.know_weights("models/x float32", "stamp", "abc")
    assert store.weights("models/x float32", "stamp") == "abc"
    assert store.weights("models/x float32", "another stamp") is None
    assert store.weights("models/x float64", "stamp") is None
