"""Metrics against their definitions, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scrub import Dataset, InputRefused, Task
from scrub.data.task import METRICS as NAMES
from scrub.engine.metrics import METRICS, Scorer

ROWS = [{"tokens": [1], "answer": 2, "wrong": 0}, {"tokens": [2], "answer": 1, "wrong": 3}]
DATA = Dataset.from_rows(ROWS)
LOGITS = torch.tensor([[[1.0, 2.0, 4.0, 0.0]], [[0.5, -1.0, 0.0, 2.0]]])  # [row, position, V]
OWN = torch.zeros_like(LOGITS)
CPU = torch.device("cpu")


def softmax(row: int) -> np.ndarray:
    e = np.exp(LOGITS[row, 0].double().numpy())
    return e / e.sum()


EXPECTED = {
    "loss": [-np.log(softmax(0)[2]), -np.log(softmax(1)[1])],
    "probability": [softmax(0)[2], softmax(1)[1]],
    "logit_difference": [4.0 - 1.0, -1.0 - 2.0],
    "accuracy": [1.0, 0.0],
    "kl": [np.sum(0.25 * (np.log(0.25) - np.log(softmax(i)))) for i in (0, 1)],
}


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_by_its_definition(name):
    task = Task(DATA, metric=name, wrong="wrong", at="all")
    found = Scorer(task, DATA, CPU)(LOGITS, OWN, np.array([0, 1]))
    np.testing.assert_allclose(found, EXPECTED[name], rtol=1e-6)
    assert found.dtype == np.float64


def test_every_name_of_a_metric_has_a_function():
    assert set(NAMES) == set(METRICS)


def test_positions_are_averaged():
    rows = [{"tokens": [1, 2], "answer": [2, 0]}, {"tokens": [2, 2], "answer": [1, 1]}]
    data = Dataset.from_rows(rows)
    logits = LOGITS.repeat(1, 2, 1)
    found = Scorer(Task(data, at="all"), data, CPU)(logits, None, np.array([0]).repeat(2))
    assert found[0] == pytest.approx(-(np.log(softmax(0)[2]) + np.log(softmax(0)[0])) / 2)


def refusal(**changes: object) -> str:
    options = {"at": "all", **changes}
    data = Dataset.from_rows(options.pop("rows", ROWS))
    scorer = Scorer(Task(data, **options), data, CPU)
    with pytest.raises(InputRefused) as refused:
        scorer(LOGITS, None, np.array([0, 1]))
    return str(refused.value)


def test_an_answer_that_the_model_cannot_give_is_refused():
    large = [{"tokens": [1], "answer": 9}, {"tokens": [2], "answer": 1}]
    assert refusal(rows=large) == (
        "task: answer 9 is no token of the model, whose outputs are 4 wide."
    )


def test_a_users_metric_is_held_to_one_value_for_each_example():
    def per_position(output: torch.Tensor, columns: object) -> torch.Tensor:
        return output[:, :, 0]

    assert refusal(metric=per_position) == (
        "metric 'per_position': must give one value for each of 2 examples, found 2 × 1. "
        "Average over positions: output is [row, position, width]."
    )

    def broken(output: torch.Tensor, columns: dict[str, object]) -> object:
        return columns["nothing"]

    assert refusal(metric=broken) == "metric 'broken': raised KeyError: 'nothing'"
