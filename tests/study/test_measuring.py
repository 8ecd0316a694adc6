"""Several plans on one recording: each comes out as if it had been measured alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scrub.hypothesis.loading import load_hypothesis
from scrub.models.base import Model
from scrub.study.assemble import Measured
from scrub.study.experiment import open_model
from scrub.study.measuring import measure, measure_each
from scrub.study.prepare import Plan, prepare
from scrub.study.settings import Settings

SMALL = Settings(references=12, draws=2, replicates=100)


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model(load_hypothesis("induction"), SMALL)


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """Other claims, conventions, metrics, references, draws and seeds; the first one twice."""
    induction = load_hypothesis("induction")
    first = prepare(induction, SMALL)
    return [
        first,
        prepare(load_hypothesis("induction_wrong"), replace(SMALL, references=20)),
        prepare(induction.with_options(baseline="uniform"), replace(SMALL, seed=3)),
        prepare(induction.with_options(unimportant="separately"), replace(SMALL, draws=3)),
        replace(first, task=first.task.with_metric("accuracy")),
        first,
    ]


def _same(one: Measured, other: Measured) -> None:
    np.testing.assert_allclose(one.model, other.model, rtol=1e-5, atol=1e-6)
    assert one.values.keys() == other.values.keys()
    for name, values in one.values.items():
        np.testing.assert_allclose(values.metric, other.values[name].metric, rtol=1e-5, atol=1e-5)
    for name, donors in one.donors.items():
        np.testing.assert_array_equal(donors.rows, other.donors[name].rows)


def test_plans_on_one_recording_come_out_as_alone(plans: list[Plan], model: Model) -> None:
    for plan, found in zip(plans, measure_each(plans, model), strict=True):
        _same(found, measure(plan, model))


def test_what_two_plans_have_in_common_is_run_once(plans: list[Plan], model: Model) -> None:
    first, *_, last = measure_each(plans, model)
    assert first.values["scrub"].metric is last.values["scrub"].metric


def test_skipping_plans_changes_not_one_bit_of_the_others(plans: list[Plan], model: Model) -> None:
    skip = [True, False, True, False, False, True]
    whole = [one for one, out in zip(measure_each(plans, model), skip, strict=True) if not out]
    left = list(measure_each(plans, model, skip=skip))
    assert len(left) == 3
    for one, other in zip(whole, left, strict=True):
        for name, values in one.values.items():
            np.testing.assert_array_equal(values.metric, other.values[name].metric)
