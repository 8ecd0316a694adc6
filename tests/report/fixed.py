"""A result whose every figure was made up, so that each can be found again in a report."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from scrub.results.result import (
    Claims,
    Cost,
    Example,
    Figure,
    Means,
    NodeResult,
    NullResult,
    PerExample,
    Precision,
    Recovered,
    Result,
)


def node(name: str, component: str, positions: str, feature: str, self_share: float) -> NodeResult:
    return NodeResult(
        name=name,
        component=component,
        positions=positions,
        feature=feature,
        occurrences=1,
        draws=1024,
        self_share=self_share,
        frame_self_share=0.0021,
        classes=32,
        class_sizes=(9.0, 16.0, 24.0),
        bits=4.02,
    )


RESULT = Result(
    name="induction",
    claim=(
        "Induction: a head in layer 1 attends to the token after an earlier occurrence of the "
        "current token, found through layer 0's previous-token head."
    ),
    metric="loss",
    task="repeated_tokens",
    model="induction-2l",
    recovered=Recovered(
        value=0.9731,
        low=0.9514,
        high=0.9866,
        level=0.95,
        method="bca",
        estimand="population",
        replicates=2000,
        refusal=None,
        notes=(),
    ),
    means=Means(
        model=Figure(0.0713, 0.0644, 0.0801),
        scrubbed=Figure(0.2089, 0.1402, 0.3177),
        baseline=Figure(5.183, 4.986, 5.377),
    ),
    divergence=0.1571,
    kl=0.0893,
    null=NullResult("features forgotten", -0.0217, 5.294),
    claims=Claims(5, 7, 9, 29, 0.7586, 6.31, 9.0),
    nodes=(
        node("answer", "logits", "query", "EXACT", 1.0),
        node("induction", "a1.h0", "query", "next_token", 0.0312),
        node("previous", "a0.h0", "after_match", "current_token & next_token", 0.0625),
        node("current", "embed", "query", "current_token", 0.2734),
    ),
    cautions=("Node 'current': 27% of its draws are the reference itself, so they test nothing.",),
    conventions={
        "unimportant": "together",
        "replacement": "resample",
        "nodes": "independent",
        "donors": "data",
        "root": "fixes_label",
        "self_donation": "refused",
        "baseline": "random",
        "limit": 100_000,
        "references": 256,
        "draws": 4,
        "seed": 7,
        "batch": None,
        "memory": None,
        "device": "cpu",
        "dtype": "float32",
        "level": 0.95,
        "interval": "bca",
        "estimand": "population",
        "replicates": 2000,
        "null": "forgotten",
        "threads": 1,
        "rows": 512,
        "scored_at": "query",
    },
    cost=Cost(
        forward_passes=2.317,
        flops=1_234_567_890,
        recording_flops=900_000_000,
        steps=5,
        recording_bytes=16_777_216,
        peak_bytes=3_145_728,
        place="device",
        chunk=64,
        halvings=0,
        seconds={"check": 0.05, "load": 0.4, "probe": 0.3, "record": 0.2, "run": 0.6},
    ),
    precision=Precision("float32"),
    worst=(
        Example(
            311, 0.05, 2.75, 2.7, "4 17 29 3 8 11 4 17 29 3 8 11 4 17 29 3 8 11 4 17 29 3 8 11"
        ),
        Example(45, 0.06, 1.93, 1.87, "9 2 <b>30</b>"),
    ),
    fingerprints={"hypothesis": "ab12" * 16, "data": "cd34" * 16, "model": "ef56" * 16},
    versions={"python": "3.11.9", "torch": "2.13.0", "causal-scrub": "0.1.0"},
    per_example=PerExample(
        references=np.array([45, 311]),
        model=np.array([0.06, 0.05]),
        scrubbed=np.array([[1.9, 1.96, 1.93], [2.7, 2.8, 2.75]]),
        baseline=np.array([[5.0, 5.1, 5.2], [5.3, 5.2, 5.1]]),
        kl=np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),
    ),
)

REFUSAL = "The interval of model - baseline holds 0: there is nothing that could be recovered."


def changed(**values: Any) -> Result:
    """The same result with some fields replaced."""
    return replace(RESULT, **values)


def refused() -> Result:
    """The same result with its ratio refused."""
    none = replace(RESULT.recovered, value=None, low=None, high=None, refusal=REFUSAL)
    return changed(recovered=none, cautions=(REFUSAL,))
