"""The plain hooks that referee between the rivals agree with one another and with the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import mediation_table
from benchmarks.measuring import insert
from benchmarks.rivals import hooks
from benchmarks.rivals.case import Case, columns, edges, heads, place, some_edges, the_case
from benchmarks.rivals.contest import REFEREE, Entry, Environment, Part
from benchmarks.rivals.worker import QUESTIONS, contestant, question, sample, values

EVERY = frozenset(edges())


@pytest.fixture(scope="module")
def case() -> Case:
    return Part(rows=2, positions=6).of(the_case())


@pytest.fixture(scope="module")
def corrupted(case: Case) -> dict[str, torch.Tensor]:
    return hooks.record(case, case.corrupted)


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).abs().max()) < 1e-5 * float(other.abs().max())


def test_keeping_every_edge_is_the_clean_run(
    case: Case, corrupted: dict[str, torch.Tensor]
) -> None:
    assert close(hooks.circuit(case, EVERY, corrupted), case.plain)


@torch.no_grad()
def test_keeping_no_edge_is_the_corrupted_run(
    case: Case, corrupted: dict[str, torch.Tensor]
) -> None:
    last = hooks.metric_of(case, case.corrupted)
    assert close(hooks.circuit(case, frozenset(), corrupted), last)
    assert not close(last, case.plain)


def test_one_edge_by_its_own_hooks_is_the_circuit_without_it(
    case: Case, corrupted: dict[str, torch.Tensor]
) -> None:
    clean = hooks.record(case, case.clean)
    for edge in some_edges(2):
        sender = edge.split("->")[0]
        one = hooks.patch_edge(case, edge, corrupted[sender] - clean[sender])
        assert close(one, hooks.circuit(case, EVERY - {edge}, corrupted))
        assert not close(one, case.plain)


def test_a_patched_head_is_the_circuit_without_its_edges(
    case: Case, corrupted: dict[str, torch.Tensor]
) -> None:
    head = "a3.h5"
    layer, number = place(head)
    z = hooks.record_z(case, case.corrupted)[layer][..., columns(number)]
    gone = {edge for edge in EVERY if edge.startswith(f"{head}->")}
    whole = hooks.circuit(case, EVERY - gone, corrupted)
    assert close(hooks.patch_heads(case, {head: z}), whole)


def test_an_edge_attribution_is_the_slope_of_patching_the_edge(
    case: Case, corrupted: dict[str, torch.Tensor]
) -> None:
    clean = hooks.record(case, case.clean)
    scores = hooks.attribution(case, clean, corrupted, [1.0])
    edge, step = some_edges(1)[0], 0.01
    sender = edge.split("->")[0]
    change = corrupted[sender] - clean[sender]
    up, down = (hooks.patch_edge(case, edge, s * change).mean() for s in (step, -step))
    slope = (up - down) / (2 * step)
    assert float(scores[edges().index(edge)]) == pytest.approx(float(slope), rel=0.02)


def test_no_hook_stays_on_the_model(case: Case) -> None:
    layer, number = place(heads()[0])
    z = hooks.record_z(case, case.corrupted)[layer][..., columns(number)]
    patched = hooks.patch_heads(case, {heads()[0]: z})
    assert not close(patched, case.plain)
    assert torch.equal(case.metric(case.forward()), case.plain)


def test_every_question_has_its_referee_and_a_rival() -> None:
    for name in QUESTIONS:
        asked = question(name)
        assert next(iter(asked.entries)) == REFEREE
        assert len(asked.entries) > 1
        assert len(set(asked.units)) == len(asked.units)


def test_the_rounds_go_through_all_units() -> None:
    entry = Entry(Environment.ONE, lambda case: contestant("", "", Part()), sampled=8)
    assert sorted(unit for r in range(3) for unit in sample(entry, 24, r)) == list(range(24))


def test_values_are_kept_with_the_referees(tmp_path: Path) -> None:
    answer = values("faithfulness", REFEREE, str(tmp_path / "kept" / "hooks.npz"))
    kept = np.load(tmp_path / "kept" / "hooks.npz")
    assert answer["apart"] == 0
    assert answer["effect"] > 0.01
    assert kept["values"].shape == (2, 8)
    assert list(kept["units"]) == ["corrupt", "mean"]


REPORT = {
    "machine": "a machine, 2 cores",
    "load": 0.1,
    "libraries": {"one": {"torch": "2.13.0"}},
    "case": {
        "layers": 12,
        "heads": 8,
        "width": 256,
        "vocabulary": 512,
        "batch": 8,
        "positions": 32,
    },
    "rounds": 3,
    "questions": {
        "one_edge": {
            "title": "one edge",
            "unit": "edge",
            "bar": "≤ 0.6",
            "contestants": {
                "them": {
                    "apart": 2e-6,
                    "memory": 3 * 2**20,
                    "rounds": [
                        {
                            "threads": 1,
                            "passes": [0.1, 0.1, 0.3],
                            "unit": unit,
                            "recording": 0.4,
                            "factor": 1.0,
                        }
                        for unit in (0.2, 0.3, 0.1)
                    ],
                }
            },
        }
    },
}


def test_a_cost_is_the_median_over_rounds_in_passes_of_the_same_round(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{mediation_table.START}\nold\n{mediation_table.END}\nafter\n")
    figures = tmp_path / "mediation-x.json"
    figures.write_text(json.dumps(REPORT))
    mediation_table.write(readme, [figures])
    text = readme.read_text()
    assert "| them | edge | 1 | 2.00 | 1.00 – 3.00 | 4.00 | 3 MiB | 2.0e-06 |" in text
    assert "old" not in text
    assert text.startswith("before")
    assert text.endswith("after\n")


def test_a_readme_without_the_markers_is_refused(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing")
    with pytest.raises(ValueError, match="lacks the lines 'a' and 'b'"):
        insert(readme, "a", "b", [])
    assert readme.read_text() == "nothing"
