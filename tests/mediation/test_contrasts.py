"""Every value of a column replaced by every other, held to whole forward passes with hooks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from scrub import Dataset, InputRefused, Task, permutation
from scrub.engine.replacements import Draws, Toward
from scrub.mediation.contrasts import Permutation
from tests.mediation.hookloops import SHAPES
from tests.mediation.sites import ROWS, case_of


def found_at(shape: str, at: str = "a1.h1@end", **options: Any) -> Permutation:
    case = case_of(shape)
    given = {"column": "mood", "references": None, "replicates": 100, **options}
    return permutation(case.model, case.task, at=at, **given)


@pytest.mark.parametrize("site", ["a1.h1@end", "a1.h1<v>", "m0.n3-9@end"])
@pytest.mark.parametrize("shape", SHAPES)
def test_each_contrast_is_what_a_pass_with_hooks_gives(shape: str, site: str) -> None:
    case, found = case_of(shape), found_at(shape, site)
    assert found.values == ("glad", "odd", "sad")
    moods, wild = np.array(case.task.dataset.columns["mood"]), case.loss()
    for j, given in enumerate(found.values):
        by_hand = case.loss([case.put(site, f"toward:mood={given}")]) - wild
        for i, own in enumerate(found.values):
            if i != j:
                cell = by_hand[moods == own].mean()
                assert found.effects[i, j] == pytest.approx(cell, rel=1e-5, abs=1e-9)
                assert found.examples[i, j] == (moods == own).sum()


def test_the_diagonal_is_empty() -> None:
    found = found_at("gpt2")
    for matrix in (found.effects, found.low, found.high, found.unchanged):
        assert np.isnan(matrix.diagonal()).all()
    assert (found.examples.diagonal() == 0).all()
    assert np.isfinite(found.effects[~np.eye(3, dtype=bool)]).all()
    assert len(found.table()) == 6


def test_a_value_alone_gives_the_draws_of_toward() -> None:
    case = case_of("gpt2")
    found = found_at("gpt2", values=["odd", "sad"], draws=4, seed=7)
    rows = np.repeat(np.arange(ROWS), 4)
    draws = Draws(rows, np.tile(np.arange(4), ROWS), 7)
    donors = Toward("mood", "sad").donors(case.task.dataset, draws)
    moods = np.array(case.task.dataset.columns["mood"])
    assert (moods[donors] == "sad").all()
    assert found.values == ("odd", "sad")  # as they were named
    assert np.isnan(found.per_example["given"][1][moods == "sad"]).all()
    assert found.unchanged[0, 1] == 0


def unequal() -> Task:
    """`a` has examples of 4 and 5 tokens, `b` of 5, `c` of 6."""
    lengths = {"a": (4, 4, 5), "b": (5, 5), "c": (6,)}
    rows = [
        {"tokens": [3] * (n - 1) + [row], "roles": {"end": n - 1}, "kind": kind, "answer": row}
        for kind, some in lengths.items()
        for row, n in enumerate(some)
    ]
    return Task(Dataset.from_rows(rows), at="end")


def test_classes_without_partners_are_told_in_words() -> None:
    found = permutation(case_of("gpt2").model, unequal(), at="m0@end", column="kind")
    assert found.absent == (
        "From a to b the mean is over 1 of 3 examples: the others have no partner of their length.",
        "From a to c there is no figure: no example with kind c has the length of one with kind a.",
        "From b to c there is no figure: no example with kind c has the length of one with kind b.",
        "From c to a there is no figure: no example with kind a has the length of one with kind c.",
        "From c to b there is no figure: no example with kind b has the length of one with kind c.",
    )
    assert np.isnan(found.effects[[0, 1, 2, 2], [2, 2, 0, 1]]).all()
    assert found.examples.tolist() == [[0, 1, 0], [2, 0, 0], [0, 0, 0]]
    assert found.effect("a", "c") is None
    one = found.effect("a", "b")
    assert one is not None
    assert one.low is None  # a single example leaves no interval
    assert found.notes == (
        "2 of the contrasts are over fewer than 10 examples: their intervals are rough, and may "
        "be too narrow.",
    )
    assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["effects"][0][2] is None


def test_contrasts_that_change_nothing_are_counted() -> None:
    """Two rows of one input: what one holds is what the other holds."""
    rows = [{"tokens": [1, 2], "roles": {"end": 1}, "kind": kind, "answer": 1} for kind in "abab"]
    found = permutation(
        case_of("gpt2").model, Task(Dataset.from_rows(rows), at="end"), at="m0@end", column="kind"
    )
    assert found.unchanged[0, 1] == found.unchanged[1, 0] == 1
    assert abs(found.effects[0, 1]) < 1e-12


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"column": "moood"}, "column 'moood': is not in the data. Did you mean mood?"),
        (
            {"values": ["sad", "gld"]},
            "column 'mood': no example has the value 'gld'. Did you mean glad?",
        ),
        ({"values": ["sad"]}, "column 'mood': 1 value is named, and a contrast needs two."),
    ],
)
def test_what_cannot_be_contrasted_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        found_at("gpt2", **given)
    assert str(refused.value) == said


def test_a_column_of_many_values_is_refused_with_the_fix() -> None:
    rows = [
        {"tokens": [1, 2], "roles": {"end": 1}, "kind": kind, "answer": 1} for kind in range(33)
    ]
    task = Task(Dataset.from_rows(rows), at="end")
    with pytest.raises(InputRefused) as refused:
        permutation(case_of("gpt2").model, task, at="m0@end", column="kind")
    assert str(refused.value) == (
        "column 'kind': has 33 values, which make 1,056 contrasts. Name at most 32 of them with "
        "values=."
    )


def test_no_partner_at_all_is_refused() -> None:
    rows = [
        {"tokens": [1] * n, "roles": {"end": n - 1}, "kind": str(n), "answer": 1} for n in (3, 4)
    ]
    with pytest.raises(InputRefused) as refused:
        permutation(
            case_of("gpt2").model, Task(Dataset.from_rows(rows), at="end"), at="m0", column="kind"
        )
    assert str(refused.value).startswith("column 'kind': From 3 to 4 there is no figure: ")


def test_an_unknown_value_has_no_effect() -> None:
    with pytest.raises(KeyError):
        found_at("gpt2").effect("sad", "blue")
