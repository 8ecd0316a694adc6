"""The worst examples stand beside the donors that were really drawn for them."""

from __future__ import annotations

import numpy as np
import pytest

from scrub.data.dataset import Dataset
from scrub.graph import ALL, Indices, Positions, Role
from scrub.hypothesis.loading import load_hypothesis
from scrub.results.result import Result
from scrub.study.check import check
from scrub.study.experiment import run
from scrub.study.worst import MOST_DONORS, told


@pytest.fixture(scope="module")
def result() -> Result:
    return run("induction_wrong", references=24, draws=3, replicates=100, null="none", threads=1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return check(load_hypothesis("induction_wrong")).dataset


def test_each_has_its_worst_draw_and_its_donors(result: Result) -> None:
    values = result.per_example
    place = {row: i for i, row in enumerate(values.references.tolist())}
    assert result.worst
    for one in result.worst:
        i = place[one.row]
        apart = np.abs(values.scrubbed[i] - values.model[i])
        assert one.draw == apart.argmax()
        assert one.at_draw == values.scrubbed[i, one.draw]
        assert 0 < len(one.donors) <= MOST_DONORS
        assert one.donors[0].of == ""  # the first stands in for the reference itself


def test_a_donor_agrees_with_what_it_stands_in_for(result: Result, dataset: Dataset) -> None:
    features = {node.name: node.feature for node in result.nodes}
    compared = 0
    for one in result.worst:
        for donor in one.donors:
            feature = features[donor.node]
            if donor.supplies == "value" and donor.of == "" and feature in dataset.columns:
                column = dataset.columns[feature]
                assert donor.row is not None
                assert column[donor.row] == column[one.row]
                compared += 1
    assert compared > 0


def test_every_text_is_the_row_s_own_with_its_positions_marked(
    result: Result, dataset: Dataset
) -> None:
    for one in result.worst:
        assert one.shown == " ".join(map(str, dataset.tokens(one.row).tolist()))
        ((start, end),) = one.marks
        at = dataset.roles["query"][one.row][0]
        assert one.shown[start:end] == str(dataset.tokens(one.row)[at])


ROWS = [{"tokens": [5, 61, 7], "roles": {"end": [2], "two": [0, 1]}, "text": "no"}]
PLACES: dict[str, tuple[Positions, list[str]]] = {
    "a role": (Role("end"), ["7"]),
    "a role of two": (Role("two"), ["5", "61"]),
    "one of two": (Role("two", item=1), ["61"]),
    "indices": (Indices((0, 9)), ["5"]),
    "everywhere": (ALL, []),
    "a role that the data lack": (Role("none"), []),
}


@pytest.mark.parametrize("name", PLACES)
def test_positions_are_found_in_the_text(name: str) -> None:
    where, marked = PLACES[name]
    bare = Dataset.from_rows([{k: v for k, v in ROWS[0].items() if k != "text"}])
    said, marks = told(bare, 0, where)
    assert said == "5 61 7"
    assert [said[start:end] for start, end in marks] == marked


def test_a_text_is_shown_as_it_is_and_nothing_in_it_is_marked() -> None:
    assert told(Dataset.from_rows(ROWS), 0, Role("end")) == ("no", ())
