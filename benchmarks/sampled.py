"""Some of a hook loop's passes, from which the time of all is extrapolated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from benchmarks.case import Case
from benchmarks.heads import SINK, Shares, head_of
from benchmarks.hook_loop import HookLoop

Passes = Sequence[tuple[int, int]]  # a node's number in the tree, and a draw


def passes(case: Case, careful: bool) -> list[tuple[int, int]]:
    """All passes that a loop makes; a careful one's are those of inner nodes."""
    inner = [not case.claim.is_leaf(o.node) for o in case.tree.occurrences]
    return [
        (node, draw)
        for node in range(case.nodes)
        for draw in range(case.draws)
        if inner[node] or not careful
    ]


def sample(case: Case, careful: bool, size: int) -> list[tuple[int, int]]:
    """Some of a loop's passes, at random."""
    every = passes(case, careful)
    chosen = np.random.default_rng(0).permutation(len(every))[:size]
    return [every[i] for i in chosen]


def visit(case: Case, loop: HookLoop, some: Passes) -> None:
    """Some nodes, each on one draw of all references.

    Their inputs' values stand in: zeros of the right shape, which take as long to put in.
    """
    for node, draw in some:
        occurrence = case.tree.occurrences[node]
        rows = case.rows[:, draw * case.references : (draw + 1) * case.references]
        inputs = {i.occurrence: _zeros(case, i.occurrence) for i in occurrence.inputs}
        loop.node(occurrence, inputs, rows)


def _zeros(case: Case, number: int) -> Shares:
    node = case.claim.nodes[case.tree.occurrences[number].node]
    positions = case.dataset.positions(node.positions)
    n = case.dataset.length if positions is None else positions.shape[1]
    shape = (case.references, n, case.model.graph["embed"].width)
    names = [part.component for part in node.parts]
    heads = [SINK if name == "logits" else head_of(name) for name in names]
    return {head: torch.zeros(shape, device=case.model.device) for head in heads}
