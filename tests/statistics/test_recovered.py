"""The figure, its interval, and what must not change them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub.statistics import (
    NOT_A_ROW,
    Estimand,
    Interval,
    Recovered,
    Sample,
    bits,
    divergence,
    recovered,
)

from .populations import Population

TYPICAL = Population(rows=60, references=40, variables=4, draws=3, classes=2)


def shuffled(sample: Sample, order: np.ndarray) -> Sample:
    return replace(
        sample,
        references=sample.references[order],
        scrubbed=sample.scrubbed[order],
        baseline=sample.baseline[order],
        model=sample.model[order],
        donors=sample.donors[:, order],
        baseline_donors=sample.baseline_donors[:, order],
    )


def ends(found: Recovered) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def cancellation() -> Sample:
    """y = ±1, x2 in {-1, 0, 1}; the loss of y + x2/2 is -y·output; x2 is claimed not to matter.

    All six rows are references, and each of the six is a donor once.
    """
    y, x2 = (grid.ravel().astype(float) for grid in np.meshgrid([-1, 1], [-1, 0, 1]))
    donors = np.tile(np.arange(6), (1, 6, 1))  # [1, R, T]
    return Sample(
        rows=6,
        references=np.arange(6),
        scrubbed=-y[:, None] * (y[:, None] + x2[donors[0]] / 2),
        baseline=-y[:, None] * (y + x2 / 2)[donors[0]],
        model=-y * (y + x2 / 2),
        donors=donors,
        baseline_donors=donors,
    )


def test_errors_that_cancel_show_in_the_divergence() -> None:
    found = recovered(cancellation())
    assert found.value == pytest.approx(1, abs=1e-12)
    assert found.divergence == pytest.approx(4 / 9, abs=1e-12)
    assert found.model.value == pytest.approx(-1)
    assert found.baseline.value == pytest.approx(0, abs=1e-12)


def test_divergence_is_taken_before_draws_are_averaged() -> None:
    sample = cancellation()
    averaged = sample.scrubbed.mean(axis=1, keepdims=True)
    assert divergence(averaged, sample.model) == pytest.approx(1 / 3)


def test_ratio_of_means_beyond_one_and_below_zero() -> None:
    sample = TYPICAL.scrub(0)
    for shift in (5.0, -5.0):
        found = recovered(replace(sample, scrubbed=sample.scrubbed + shift))
        means = found.scrubbed.value, found.baseline.value, found.model.value
        assert found.value == (means[0] - means[1]) / (means[2] - means[1])
        assert not 0 <= found.value <= 1


@pytest.mark.parametrize("estimand", Estimand)
@pytest.mark.parametrize("method", Interval)
def test_scrub_that_changes_nothing_recovers_one(estimand: Estimand, method: Interval) -> None:
    sample = TYPICAL.scrub(1)
    same = np.repeat(sample.model[:, None], sample.draws, axis=1)
    found = recovered(replace(sample, scrubbed=same), estimand=estimand, method=method)
    assert (found.value, *ends(found)) == pytest.approx((1, 1, 1), abs=1e-9)
    assert found.divergence == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(Estimand), st.sampled_from(Interval))
def test_order_of_references_changes_nothing(
    seed: int, estimand: Estimand, method: Interval
) -> None:
    sample = TYPICAL.scrub(seed)
    order = np.random.default_rng(seed).permutation(len(sample.references))
    one = recovered(sample, estimand=estimand, method=method, replicates=200)
    other = recovered(shuffled(sample, order), estimand=estimand, method=method, replicates=200)
    assert one == other


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100), st.booleans(), st.floats(-50, 50), st.sampled_from(Estimand))
def test_units_of_the_metric_change_nothing(
    size: float, negative: bool, shift: float, estimand: Estimand
) -> None:
    """A metric times a constant, plus a constant: the same share, the same interval."""
    sample = TYPICAL.scrub(3)
    scale = -size if negative else size
    moved = replace(
        sample,
        scrubbed=scale * sample.scrubbed + shift,
        baseline=scale * sample.baseline + shift,
        model=scale * sample.model + shift,
    )
    one, other = recovered(sample, estimand=estimand), recovered(moved, estimand=estimand)
    assert (other.value, *ends(other)) == pytest.approx((one.value, *ends(one)), rel=1e-6)


def test_seed_alone_decides() -> None:
    sample = TYPICAL.scrub(4)
    assert recovered(sample, seed=1) == recovered(sample, seed=1)
    assert recovered(sample, seed=1) != recovered(sample, seed=2)


def test_order_of_variables_changes_rounding_at_most() -> None:
    sample = TYPICAL.scrub(5)
    assert sample.classes is not None
    turned = replace(sample, donors=sample.donors[::-1], classes=sample.classes[::-1])
    assert ends(recovered(turned)) == pytest.approx(ends(recovered(sample)), rel=1e-9)


def test_one_draw_listed_twice_is_one_draw() -> None:
    """As `joint` and `one` list it: two nodes, one donor."""
    sample = TYPICAL.scrub(6)
    assert sample.classes is not None
    twice = replace(
        sample,
        donors=np.concatenate([sample.donors, sample.donors[1:]]),
        classes=np.concatenate([sample.classes, sample.classes[1:]]),
    )
    assert recovered(twice) == recovered(sample)


def test_exact_nodes_add_nothing() -> None:
    """A node that always gets its reference is alone in its class: no donor is being drawn."""
    sample = TYPICAL.scrub(7)
    assert sample.classes is not None
    own = np.broadcast_to(sample.references[:, None], sample.scrubbed.shape)
    with_exact = replace(
        sample,
        donors=np.concatenate([sample.donors, own[None]]),
        classes=np.concatenate([sample.classes, np.arange(sample.rows)[None]]),
    )
    assert ends(recovered(with_exact)) == pytest.approx(ends(recovered(sample)), rel=1e-9)


def test_names_of_classes_do_not_matter() -> None:
    sample = TYPICAL.scrub(8)
    assert sample.classes is not None
    renamed = replace(sample, classes=sample.classes * 17 + 3)
    assert recovered(renamed) == recovered(sample)


def test_generated_donors_are_no_rows_of_the_data() -> None:
    """Where a generator makes the donors, a new dataset would change the references alone."""
    sample = Population(rows=300, references=300, draws=4, strength=3).scrub(9)
    nowhere = np.full_like(sample.donors, NOT_A_ROW)
    generated = replace(sample, donors=nowhere, baseline_donors=nowhere)
    low, high = ends(recovered(generated))
    wide_low, wide_high = ends(recovered(sample))
    assert high - low < 0.7 * (wide_high - wide_low)


def test_data_as_it_is_is_known_better_than_its_population() -> None:
    sample = Population(draws=8).scrub(10)
    widths = {
        estimand: np.diff(ends(recovered(sample, estimand=estimand)))[0] for estimand in Estimand
    }
    assert widths[Estimand.DATA] < 0.6 * widths[Estimand.POPULATION]
    data = recovered(sample, estimand=Estimand.DATA)
    assert (data.model.low, data.model.high) == (data.model.value, data.model.value)


def test_higher_level_is_wider() -> None:
    sample = TYPICAL.scrub(11)
    narrow, wide = (ends(recovered(sample, level=level)) for level in (0.8, 0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_ratio_without_a_denominator_is_refused_in_words() -> None:
    sample = TYPICAL.scrub(12)
    shift = sample.baseline.mean() - sample.model.mean() + 0.01
    found = recovered(replace(sample, model=sample.model + shift))
    assert (found.value, found.low, found.high) == (None, None, None)
    gap = found.gap
    assert found.refusal == (
        f"The ratio is refused: its denominator, model − baseline, is 0.01, and the 95 % interval "
        f"of that, {gap.low:.4g} to {gap.high:.4g}, holds 0. The three means stand by themselves."
    )
    assert found.scrubbed.low is not None


def one_reference() -> Sample:
    return Sample(
        rows=5,
        references=np.array([2]),
        scrubbed=np.array([[0.5, 1.5]]),
        baseline=np.array([[0.0, 0.0]]),
        model=np.array([2.0]),
        donors=np.zeros((0, 1, 2), dtype=int),
        baseline_donors=np.array([[[0, 3]]]),
    )


def test_single_reference_has_a_figure_and_no_interval() -> None:
    found = recovered(one_reference())
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert found.notes == (
        "There is no interval: 1 reference of 5 rows cannot show how much another would have "
        "differed. Use at least two references.",
    )
    assert str(found.model) == "2"


def test_single_reference_without_a_denominator() -> None:
    sample = replace(one_reference(), model=np.array([0.0]))
    found = recovered(sample)
    assert found.value is None
    assert found.refusal == "The ratio is refused: its denominator, model − baseline, is 0."


def test_notes_say_how_far_to_trust_the_interval() -> None:
    few = recovered(Population(rows=8, references=8, draws=2, strength=0.1).scrub(0))
    assert few.notes[0] == "With 8 references the interval is rough; it may be too narrow."
    many = recovered(Population(rows=64, references=64, variables=300).scrub(0))
    assert many.notes[-1] == (
        "How much the choice of donors moves the ratio is hardly known from 64 references with 1 "
        "draw of 300 donors each; the interval may be much too wide. More references or draws help."
    )
    single = recovered(Population().scrub(0), estimand=Estimand.DATA)
    assert "With one draw per reference the variance of the draws is not known" in single.notes[0]


def test_nothing_drawn_and_all_rows_used_leaves_no_width() -> None:
    rng = np.random.default_rng(0)
    nobody = np.zeros((0, 30, 1), dtype=int)
    sample = Sample(
        rows=30,
        references=np.arange(30),
        scrubbed=rng.normal(1, 1, (30, 1)),
        baseline=np.zeros((30, 1)),
        model=rng.normal(2, 0.1, 30),
        donors=nobody,
        baseline_donors=nobody,
    )
    found = recovered(sample, estimand=Estimand.DATA)
    assert ends(found) == (found.value, found.value)
    assert "The interval has no width: nothing that was drawn changed the ratio." in found.notes


def test_bits_are_log2_of_class_sizes() -> None:
    assert bits([1, 2, 1024]).tolist() == [0, 1, 10]
    with pytest.raises(ValueError, match=r"class sizes must be at least 1; found 0\."):
        bits([3, 0])
