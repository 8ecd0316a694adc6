"""The rule about inputs: the model knows the tokens, and has positions for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.errors import Problem
from scrub.hypothesis.claim import Claim


def inputs_fit_the_model(claim: Claim) -> Iterator[Problem]:
    """Token ids and answers lie in the vocabulary, and no example is longer than the model."""
    graph, data = claim.graph, claim.dataset
    if not graph.vocabulary:
        return
    most = np.array([x.max() for x in data.inputs])[data.sequence]
    if most.max() >= graph.vocabulary:
        row = int(most.argmax())
        found = f"token {int(most[row])} is not in the model's vocabulary of {graph.vocabulary}."
        yield Problem(f"data, row {row}", found, "Was another tokenizer used?")
    if graph.longest and data.length > graph.longest:
        row = int(data.lengths.argmax())
        found = f"has {data.length} tokens, and the model has {graph.longest} positions."
        yield Problem(f"data, row {row}", found, "Shorten the examples.")
    yield from _answers(claim)


def _answers(claim: Claim) -> Iterator[Problem]:
    task = claim.task
    if not isinstance(task.metric, str) or task.metric == "kl":
        return
    for column in [task.answer] if task.wrong is None else [task.answer, task.wrong]:
        for row, value in enumerate(claim.dataset.columns[column]):
            largest = max(value) if isinstance(value, tuple) else value
            if not 0 <= largest < claim.graph.vocabulary:
                known = f"not in the model's vocabulary of {claim.graph.vocabulary}."
                yield Problem(f"data, row {row}", f"{column} {largest} is {known}")
                return
