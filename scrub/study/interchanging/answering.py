"""What a model answers, and whether that is the value which a claim predicts."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scrub.data.task import Task
from scrub.errors import InputRefused, Problem
from scrub.graph import ModelGraph
from scrub.hypothesis.predicted import as_tuple

APART = 1e-3  # numbers nearer than this, relatively, are the same answer


class Rule(enum.Enum):
    """How an answer is read off the output at the scored positions.

    `ANSWERS`: the largest logit among the tokens that are answers in the data, or predicted.
    `VOCABULARY`: the largest of all logits. `NUMBER`: the output itself, one number.
    """

    ANSWERS = "answers"
    VOCABULARY = "vocabulary"
    NUMBER = "number"


@dataclass(frozen=True, eq=False)
class Answering:
    """Reads answers by a rule; `tokens` [k] are those that can be answered, by `ANSWERS`."""

    rule: Rule
    tokens: torch.Tensor

    @staticmethod
    def of(rule: Rule | None, task: Task, graph: ModelGraph, predicted: Iterable[Any]) -> Answering:
        """`rule` None: numbers where the output is one, else the answers' tokens."""
        width = graph[graph.output].width
        found = rule or (Rule.NUMBER if width == 1 else Rule.ANSWERS)
        if (found is Rule.NUMBER) != (width == 1):
            said = f"is '{found.value}', and the output has {width} values at a position."
            fix = "Leave it away." if rule else ""
            raise InputRefused(Problem("option 'answers'", said, fix))
        tokens: set[int] = set()
        if found is Rule.ANSWERS:
            listed = [*task.dataset.columns.get(task.answer, ()), *predicted]
            tokens = {int(token) for value in listed for token in as_tuple(value)}
        return Answering(found, torch.tensor(sorted(tokens), dtype=torch.long))

    def read(self, output: torch.Tensor) -> list[tuple[Any, ...]]:
        """The answer of each item at each scored position, of an output [item, n, width]."""
        if self.rule is Rule.NUMBER:
            return [tuple(row) for row in output[..., 0].tolist()]
        if self.rule is Rule.VOCABULARY:
            return [tuple(row) for row in output.argmax(-1).tolist()]
        tokens = self.tokens.to(output.device)
        return [tuple(row) for row in tokens[output[..., tokens].argmax(-1)].tolist()]

    def same(self, ones: Sequence[Any], others: Sequence[Any]) -> np.ndarray[Any, Any]:
        """Which answers [item] are equal; numbers up to rounding."""
        pairs = zip(map(as_tuple, ones), map(as_tuple, others), strict=True)
        return np.array([self._same(one, other) for one, other in pairs], dtype=bool)

    def _same(self, one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
        if self.rule is not Rule.NUMBER or len(one) != len(other):
            return one == other
        close = (
            math.isclose(a, b, rel_tol=APART, abs_tol=APART)
            for a, b in zip(one, other, strict=True)
        )
        return all(close)
