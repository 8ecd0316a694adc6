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


@pytest.mark.parametrize("name", NAMES)
def test_scoring_in_slices_changes_nothing(name, monkeypatch):
    monkeypatch.setattr("scrub.engine.metrics.AT_ONCE", 5)  # one item at a time
    task = Task(DATA, metric=name, wrong="wrong", at="all")
    rows = np.array([0, 1, 1, 0, 1])
    logits, own = LOGITS[rows], OWN[rows]
    found = Scorer(task, DATA, CPU)(logits, own, rows)
    np.testing.assert_allclose(found, np.array(EXPECTED[name])[rows], rtol=1e-6)


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


def scored(metric: object, logits: torch.Tensor = LOGITS, rows: object = ROWS) -> np.ndarray:
    data = Dataset.from_rows(rows)
    return Scorer(Task(data, metric=metric, at="all"), data, CPU)(logits, OWN, np.array([0, 1]))


def test_accuracy_is_shared_among_the_largest_logits():
    """Uniform logits are right as often as a guess, whatever token the answer is."""
    np.testing.assert_array_equal(scored("accuracy", torch.zeros_like(LOGITS)), [0.25, 0.25])
    tied = torch.tensor([[[0.0, 3.0, 3.0, 1.0]], [[3.0, 0.0, 3.0, 3.0]]])  # answers 2 and 1
    np.testing.assert_array_equal(scored("accuracy", tied), [0.5, 0.0])


def test_a_users_metric_may_write_in_place():
    def masks(output: torch.Tensor, columns: object) -> torch.Tensor:
        output[:, :, 1:] = 0
        return output[:, 0].sum(-1)

    logits = LOGITS.clone()
    np.testing.assert_array_equal(scored(masks, logits), [1.0, 0.5])
    assert torch.equal(logits, LOGITS)


def test_a_users_metric_is_given_columns_of_lists_of_unequal_size():
    def first_names(output: torch.Tensor, columns: dict[str, np.ndarray]) -> list[float]:
        assert columns["tags"].shape == (2,)
        assert columns["pair"].shape == (2, 2)
        return [float(sum(tags)) for tags in columns["tags"]]

    rows = [{"tokens": [1], "tags": [1, 2], "pair": [1, 2]},
            {"tokens": [2], "tags": [3], "pair": [3, 4]}]  # fmt: skip
    np.testing.assert_array_equal(scored(first_names, rows=rows), [3.0, 3.0])


def test_a_column_looks_the_same_in_every_chunk():
    """Which rows a chunk holds is no matter of the metric: sizes and types are the column's."""
    seen = []

    def looks(output: torch.Tensor, columns: dict[str, np.ndarray]) -> list[float]:
        seen.append([(name, column.dtype, column.shape[1:]) for name, column in columns.items()])
        return [0.0] * len(output)

    rows = [{"tokens": [1], "tags": [1], "name": "a"}, {"tokens": [2], "tags": [], "name": "long"}]
    data = Dataset.from_rows(rows)
    for row in (0, 1):
        Scorer(Task(data, metric=looks, at="all"), data, CPU)(LOGITS[:1], None, np.array([row]))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_no_numbers_are_refused_with_their_row(value):
    def broken(output: torch.Tensor, columns: object) -> list[float]:
        return [1.0, value]

    assert refusal(metric=broken) == (
        f"metric 'broken': gives {value} on row 1. "
        "Give each example a finite value, or leave out those that have none."
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_output_that_holds_nan_is_named_by_every_metric(name):
    logits = LOGITS.clone()
    logits[1] = torch.nan
    data = Dataset.from_rows(ROWS)
    scorer = Scorer(Task(data, metric=name, wrong="wrong", at="all"), data, CPU)
    with pytest.raises(InputRefused) as refused:
        scorer(logits, OWN, np.array([0, 1]))
    assert str(refused.value) == (
        f"metric '{name}': gives nan on row 1, where the model's output holds NaN or infinite "
        "numbers. Look at the weights and the dtype: float16 ends at 65504, bfloat16 does not."
    )


def test_kl_of_a_token_that_neither_can_give_is_0():
    logits = LOGITS.clone()
    logits[:, :, 3] = -torch.inf
    task = Task(DATA, metric="kl", at="all")
    found = Scorer(task, DATA, CPU)(logits, logits, np.array([0, 1]))
    np.testing.assert_array_equal(found, [0.0, 0.0])
