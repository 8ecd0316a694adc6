"""A scrub of prompts that begin alike has the same numbers, and says what it spared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema
import networkx as nx
import numpy as np
import pytest

from scrub import EXACT, Dataset, Hypothesis, Result, Task, run
from scrub.report.text import memory_in_words, report
from scrub.report.writing import as_text
from scrub.results.reading import read_result
from scrub.results.schema import schema
from scrub.study import measuring
from tests.models import tiny

SHARED, ROWS = 20, 40


@pytest.fixture(scope="module")
def hypothesis() -> Hypothesis:
    rng = np.random.default_rng(0)
    prompt = rng.integers(1, tiny.VOCABULARY, SHARED).tolist()
    rows = [
        {
            "tokens": [*prompt, i, *rng.integers(1, tiny.VOCABULARY, 3).tolist()],
            "answer": int(rng.integers(tiny.VOCABULARY)),
            "parity": i % 2,
        }
        for i in range(ROWS)
    ]
    claim: nx.DiGraph[str] = nx.DiGraph()
    claim.add_node("answer", component="logits", feature=EXACT)
    claim.add_node("head", component="a1.h0", feature="parity")
    claim.add_node("early", component="a0.h1", feature="parity")
    claim.add_edge("head", "answer")
    claim.add_edge("early", "head")
    task = Task(Dataset.from_rows(rows), at=SHARED + 3)
    return Hypothesis(claim, task=task, model=tiny.model("llama"))


def scrubbed(hypothesis: Hypothesis) -> Result:
    return run(hypothesis, references=16, draws=2, replicates=100)


def test_a_prompt_that_is_recorded_once_changes_no_number(
    hypothesis: Hypothesis, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = scrubbed(hypothesis)
    monkeypatch.setattr(measuring, "prefix_of", lambda *_: None)
    whole = scrubbed(hypothesis)
    assert once.cost.recorded_once == SHARED
    assert whole.cost.recorded_once == 0
    for name in ("model", "scrubbed", "baseline"):
        ours, theirs = (getattr(found.per_example, name) for found in (once, whole))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    gone = SHARED + ROWS * 4
    assert once.cost.recording_flops == whole.cost.recording_flops * gone // (ROWS * (SHARED + 4))
    assert once.cost.forward_passes < whole.cost.forward_passes


def test_the_result_says_what_was_recorded_once(hypothesis: Hypothesis, tmp_path: Path) -> None:
    found = scrubbed(hypothesis)
    said = "recorded on the device (the first 20 positions once for all inputs), "
    assert said in " ".join(as_text(report(found)).split())  # wherever its lines are broken
    assert memory_in_words(replace(found.cost, recorded_once=0)).count(" on the device, ") == 1
    jsonschema.Draft202012Validator(schema()).validate(found.as_dict())
    assert read_result(found.write_json(tmp_path / "found.json")).cost == found.cost
