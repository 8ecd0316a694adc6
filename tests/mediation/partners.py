"""Models of known shapes on examples and their partners: edges and paths between the two, by hand,
with whole forward passes and hooks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch

from tests.mediation.hookloops import Change
from tests.mediation.sites import END, ROWS, Case
from tests.mediation.slow import Slow

Tensor = torch.Tensor
CORRUPT = "embed=partner:partner"
QUICK: dict[str, Any] = {"references": None, "replicates": 100}


class Partners(Case):
    """`slow` has the examples as its wild run, their partners as the other; `back` the reverse."""

    @cached_property
    def others(self) -> Tensor:
        return self.tokens[torch.tensor(self.task.dataset.columns["partner"])]

    @cached_property
    def slow(self) -> Slow:
        return Slow(self.loop, self.model.graph, self.tokens, self.others)

    @cached_property
    def back(self) -> Slow:
        return Slow(self.loop, self.model.graph, self.others, self.tokens)

    def scored(self, logits: Tensor) -> np.ndarray:
        """Cross-entropy of the examples' answers at the end, [row]."""
        answers = torch.tensor(self.task.dataset.columns["answer"])
        return -logits[:, END].log_softmax(-1)[torch.arange(ROWS), answers].numpy()

    def patched(self, slow: Slow, changes: Sequence[Change]) -> np.ndarray:
        return self.scored(self.loop.logits(slow.tokens, changes))


@cache
def partners(shape: str) -> Partners:
    return Partners(shape)
