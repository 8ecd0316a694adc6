"""What is recovered in a subgroup less what is in all: exact, with honest intervals and p."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from scrub.statistics import Sample
from scrub.statistics.comparison import Comparing
from scrub.statistics.groups import apart

ROWS = 150
QUICK = Comparing(replicates=200, flips=199)


def sample(rng: np.random.Generator, lost: float = 0.0, rows: int = ROWS) -> Sample:
    """Random rows, the first third of which recovers `lost` less of its own gap."""
    own = rng.normal(2, 0.3, rows)
    donors = rng.integers(0, rows, (1, rows, 2))
    base = rng.integers(0, rows, (1, rows, 2))
    share = np.where(np.arange(rows) < rows // 3, 0.8 - lost, 0.8)[:, None]
    noise = rng.normal(0, 0.3, rows)
    baseline = noise[base[0]]
    scrubbed = share * own[:, None] + noise[donors[0]]
    return Sample(
        rows=rows,
        references=np.arange(rows),
        scrubbed=scrubbed,
        baseline=baseline,
        model=own,
        donors=donors,
        baseline_donors=base,
    )


FIRST = np.arange(ROWS // 3)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_difference_is_exact(seed):
    rng = np.random.default_rng(seed)
    made, members = sample(rng, 0.3), np.sort(rng.choice(ROWS, 40, replace=False))
    found = apart(made, members, QUICK)
    shares = []
    for some in (members, np.arange(ROWS)):
        baseline = made.baseline[some].mean()
        shares.append(
            (made.scrubbed[some].mean() - baseline) / (made.model[some].mean() - baseline)
        )
    assert found is not None
    assert found.value == pytest.approx(shares[0] - shares[1])
    assert found.low <= found.value <= found.high


def test_a_group_that_is_all_is_not_apart():
    found = apart(sample(np.random.default_rng(0)), np.arange(ROWS), QUICK)
    assert found is not None
    assert found.value == pytest.approx(0, abs=1e-12)


def test_there_is_no_ratio_where_the_model_is_no_better_than_random():
    made = sample(np.random.default_rng(0))
    made.model[FIRST] = made.baseline[FIRST].mean(axis=1)
    assert apart(made, FIRST, QUICK) is None


def test_a_group_in_which_the_claim_fails_is_found():
    found = apart(sample(np.random.default_rng(0), lost=0.3), FIRST, QUICK)
    assert found is not None
    assert -0.3 < found.low < found.high < 0
    assert found.p == 0.005


def _found(times: int, seed: int) -> tuple[np.ndarray, float]:
    """p-values where the group is like all, and how often the interval then holds 0."""
    rng = np.random.default_rng(seed)
    told = [apart(sample(rng), FIRST, QUICK) for _ in range(times)]
    held = [one is not None and one.low <= 0 <= one.high for one in told]
    return np.array([one.p for one in told if one]), float(np.mean(held))


def test_intervals_cover_and_p_is_not_too_small_in_short():
    p, covered = _found(40, 3)
    assert covered > 0.85
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01


@pytest.mark.slow
def test_intervals_cover_and_p_is_not_too_small():
    """With two draws a row the donors' variance is taken at what it may be, not at what it seems:
    both are careful. Measured: 0.973 covered, 3 % of p at most 0.05."""
    p, covered = _found(1000, 4)
    assert 0.945 < covered < 0.99
    assert all(np.mean(p <= level) <= level + 0.015 for level in (0.01, 0.05, 0.1, 0.2))
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01
