"""The benchmark of launches runs, on pretended devices: what it times there means nothing."""

from __future__ import annotations

import pytest
import torch

from benchmarks import growth, launches
from tests.devices import capturing
from tests.devices.test_scrubbing import THERE


@pytest.mark.slow
def test_both_ways_are_held_together_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, answer in (("reset_peak_memory_stats", None), ("max_memory_reserved", 2**20)):
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    monkeypatch.setattr(launches, "CHUNKS", 4)
    small = growth.Size(heads=1, draws=1, examples=4, layers=4, width=32)
    monkeypatch.setattr(growth, "Size", lambda **_: small)
    for what, measure in (("graphs", launches.graphs), ("copies", launches.crossings)):
        point = {"what": what, "size": 2, **measure(THERE, 2, rounds=1)}
        assert launches.row(point)[:2] == (what, "2")
        assert launches.row(point)[-1] == "1 MiB"
    assert sum(graph.replays for graph in capturing.graphs) > launches.CHUNKS
