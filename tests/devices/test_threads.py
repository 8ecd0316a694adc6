"""Two threads may rehearse at once: torch has one mode of waiting for all of them."""

from __future__ import annotations

import threading

import pytest
import torch

from scrub.engine.graphs import _nothing_waiting


def test_rehearsals_of_two_threads_leave_the_mode_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mode: list[int | str] = [0]
    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: mode[0])
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", lambda to: mode.__setitem__(0, to))
    inside, over = threading.Event(), threading.Event()

    def rehearse() -> None:
        with _nothing_waiting():
            inside.set()
            over.wait(10)

    other = threading.Thread(target=rehearse)
    with _nothing_waiting():
        other.start()
        inside.wait(0.2)  # it gets in only if nothing holds it back
    over.set()
    other.join()
    assert inside.is_set()
    assert mode == [0]
