"""Engine and reference on one claim, with nothing of the study around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.engine.reference import CallableOracle, reference_outputs
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.unfold import Tree, unfold
from scrub.models.batches import Inputs
from scrub.models.recording import record
from scrub.sampling.donors import Donors, draw_donors


def draw(tree: Tree, draws: int = 2, seed: int = 0) -> Donors:
    return draw_donors(tree, range(len(tree.claim.dataset)), draws, seed)


def flat(donors: Donors) -> np.ndarray:
    return donors.rows.reshape(len(donors.rows), -1)


def engine(
    model: Any, claim: Claim, rows: np.ndarray | None = None, width: int = 16
) -> torch.Tensor:
    """The engine's outputs for every row of the data (or for given draws)."""
    tree = unfold(claim)
    donors = draw(tree)
    schedule = compile_tree(tree, width)
    with record(
        model, Inputs.of(donors.dataset, model.graph), schedule.sites(), batch=5
    ) as recording:
        executor = Executor(schedule, model, recording, donors.dataset, len(claim.dataset))
        return executor(flat(donors) if rows is None else rows)


def reference(
    model: Any, claim: Claim, items: slice = slice(None), oracle: Any = None
) -> torch.Tensor:
    tree = unfold(claim)
    donors = draw(tree)
    oracle = oracle or CallableOracle(model)
    return reference_outputs(tree, flat(donors)[:, items], donors.dataset, oracle)


def plain(model: Any, claim: Claim, rows: np.ndarray) -> torch.Tensor:
    """The model's own outputs at the sink's positions of these rows."""
    data, sink = claim.dataset, claim.nodes[claim.sink]
    inputs = Inputs.of(data, model.graph)
    found = []
    for row in rows:
        alone = inputs.some([int(data.sequence[row])]).batch([0], model.device)
        output = model.outputs(alone)[model.graph.output][0]
        spots = data.positions(sink.positions)
        found.append(output if spots is None else output[spots[row]])
    return torch.stack(found)
