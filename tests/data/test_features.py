"""Features: values, and the classes of examples that they make equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scrub import ANY, EXACT, Dataset, near
from scrub.data.features import (
    Columns,
    FeatureFault,
    Function,
    as_floats,
    class_numbers,
    feature,
    values,
)

NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=20)


def data_of(names: list[str]) -> Dataset:
    return Dataset.from_rows(
        [{"tokens": [i, 7], "name": name, "n": i % 2} for i, name in enumerate(names)]
    )


@given(NAMES)
def test_classes_are_those_of_equal_values(names: list[str]) -> None:
    numbers = class_numbers(names)
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            assert (numbers[i] == numbers[j]) == (one == other)


@given(NAMES)
def test_classes_are_numbered_in_order_of_appearance(names: list[str]) -> None:
    numbers = class_numbers(names).tolist()
    assert list(dict.fromkeys(numbers)) == list(range(len(set(names))))


@given(NAMES)
def test_a_function_and_the_column_that_it_reads_agree(names: list[str]) -> None:
    data = data_of(names)
    assert values(Function(lambda row: row["name"]), data) == values(Columns(("name",)), data)


@given(NAMES)
def test_two_columns_refine_one(names: list[str]) -> None:
    data = data_of(names)
    one = class_numbers(values(Columns(("name",)), data))
    both = class_numbers(values(Columns(("name", "n")), data))
    assert len(set(zip(both.tolist(), one.tolist(), strict=True))) == len(set(both.tolist()))


def test_a_function_may_read_tokens_roles_and_the_position() -> None:
    data = Dataset.from_rows([{"tokens": [4, 5, 6], "roles": {"end": 2}} for _ in range(2)])
    by_role = Function(lambda row: row["tokens"][row["roles"]["end"][0]])
    assert values(by_role, data) == [6, 6]
    by_position = Function(lambda row, at: row["tokens"][at])
    assert values(by_position, data, np.array([0, 1])) == [4, 5]


@pytest.mark.parametrize(
    ("written", "value", "text"),
    [
        ("name", Columns(("name",)), "name"),
        (["name", "n"], Columns(("name", "n")), "name & n"),
        (EXACT, EXACT, "Extent.EXACT"),
        (ANY, ANY, "Extent.ANY"),
        (near("n", bandwidth=2), near("n", bandwidth=2), "n (kernel 2)"),
        (len, Function(len), "len"),
    ],
)
def test_what_a_user_writes_is_read_as_a_value(written: Any, value: Any, text: str) -> None:
    assert feature(written) == value
    assert str(feature(written)) == text


@pytest.mark.parametrize(
    "call",
    [
        lambda: near("n"),
        lambda: near("n", tolerance=1, bandwidth=1),
        lambda: near("n", tolerance=0),
        lambda: near("n", bandwidth=float("nan")),
        lambda: near(EXACT, tolerance=1),  # type: ignore[arg-type]
        lambda: feature(3),
        lambda: feature(()),
        lambda: feature(("name", 3)),
    ],
)
def test_what_is_no_feature_is_a_type_error(call: Any) -> None:
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("value", [[1], {}, np.zeros(2), float("nan"), (1, float("nan"))])
def test_values_that_cannot_be_compared_are_faults(value: Any) -> None:
    with pytest.raises(FeatureFault, match="row 0"):
        values(Function(lambda row: value), data_of(["a"]))


def test_none_is_a_value_of_its_own() -> None:
    data = data_of(["a", "b", "a"])
    found = values(Function(lambda row: None if row["name"] == "b" else 1), data)
    assert class_numbers(found).tolist() == [0, 1, 0]


def test_continuous_features_are_finite_numbers() -> None:
    assert as_floats([1, 2.5, np.float32(3)]).tolist() == [1.0, 2.5, 3.0]
    for bad in ("1", None, float("inf"), float("nan")):
        with pytest.raises(FeatureFault, match="row 1"):
            as_floats([1.0, bad])
