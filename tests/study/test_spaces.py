"""Whole runs of models with several position spaces."""

from __future__ import annotations

import networkx as nx
import numpy as np
import torch

from scrub import EXACT, Dataset, Hypothesis, Task, component, handmade, run, source
from scrub.graph import Reach, Space


def mean(v: torch.Tensor) -> torch.Tensor:
    return v.mean(1, keepdim=True)


def test_a_classifier_of_images_is_recovered():
    """The output is the mean brightness of four patches, of which the first is all that varies."""
    model = handmade(
        source("patches", lambda image: image.flatten(1)[:, :, None], space="image"),
        component("pool", mean, v="patches", space="pooled", reach={"v": Reach.ANY}),
        component("out", lambda v: 4 * v, v="pool"),
        output="out",
        spaces=(Space("image", length=4, shape=(1, 2, 2)), Space("pooled", 1, given=False)),
    )
    rows = [
        {"image": [[[i % 3, 0], [0, 0]]], "image_roles": {"first": 0}, "bright": i % 3}
        for i in range(12)
    ]

    def error(output, columns):
        return (output[:, 0, 0] - torch.as_tensor(columns["bright"])).abs()

    claim = nx.DiGraph()
    claim.add_node("out", component="out", feature=EXACT)
    claim.add_node("pool", component="pool", feature="bright")
    claim.add_node("first", component="patches", positions="first", feature="bright")
    claim.add_edge("pool", "out")
    claim.add_edge("first", "pool")
    task = Task(Dataset.from_rows(rows), metric=error, at="all", label=("bright",))
    result = run(Hypothesis(claim, task=task, model=model, self_donation="allowed"))
    assert result.means.scrubbed.value == 0
    assert result.means.baseline.value > 0.5


def test_an_encoder_decoder_with_uneven_lengths():
    """The decoder's last token plus what the encoder holds at its subject."""
    model = handmade(
        source("read", lambda t: t.double()[:, :, None]),
        source("written", lambda t: t.double()[:, :, None], space="decoder_tokens"),
        component("cross", lambda q, k: q + 10 * k[:, :1], q="written", k="read",
                  reach={"k": Reach.ANY}),
        component("out", lambda v: v, v="cross"),
        output="out",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(24):
        subject, last = (int(x) for x in rng.integers(0, 3, 2))
        rows.append(
            {
                "tokens": [subject, *rng.integers(0, 3, rng.integers(1, 3)).tolist()],
                "decoder_tokens": [*rng.integers(0, 3, rng.integers(1, 3)).tolist(), last],
                "roles": {"subject": 0},
                "decoder_roles": {"end": -1},
                "subject": subject,
                "last": last,
            }
        )

    def error(output, columns):
        right = torch.as_tensor(columns["last"]) + 10 * torch.as_tensor(columns["subject"])
        return (output[:, 0, 0] - right).abs()

    claim = nx.DiGraph()
    claim.add_node("out", component="out", feature=EXACT)
    claim.add_node("cross", component="cross", positions="end", feature=("subject", "last"))
    claim.add_node("read", component="read", positions="subject", feature="subject")
    claim.add_node("written", component="written", positions="end", feature="last")
    claim.add_edge("cross", "out")
    claim.add_edge("read", "cross", port="k")
    claim.add_edge("written", "cross", port="q")
    task = Task(Dataset.from_rows(rows), metric=error, at="end", label=("subject", "last"))
    result = run(Hypothesis(claim, task=task, model=model, self_donation="allowed"))
    assert result.means.scrubbed.value == 0
    assert result.means.baseline.value > 1
