"""How good a circuit is, from the metric of runs in which all but some edges were replaced.

m is the mean metric over examples, N the whole model, ∅ nothing of it, C_k the circuit that keeps
a share k of the edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from scrub.statistics.effects import Effects, Shares, mean_effects, shares
from scrub.statistics.examples import (
    USUAL,
    Groups,
    Resampling,
    check_same_examples,
    check_values,
    gathered,
    intervals,
    replicated,
)
from scrub.statistics.influence import Units
from scrub.statistics.recovered import Bounds, ratio_refusal
from scrub.statistics.sample import Floats

KNOTS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # MIB's shares of the edges


@dataclass(frozen=True, eq=False)
class Areas:
    """The faithfulness curve and the two areas by which MIB ranks ways to find circuits.

    - `faithfulness` [k]: f(k) = (m(C_k) − m(∅)) / (m(N) − m(∅)), as `Shares`.
    - `cpr` = ∫ f dk, the higher the better; `cmd` = ∫ |1 − f| dk, 0 for a circuit that does as
      the model does at every size. None where the ratio is refused.
    """

    knots: tuple[float, ...]
    faithfulness: Shares
    cpr: Bounds | None
    cmd: Bounds | None

    @property
    def refusal(self) -> str | None:
        """Why there is no curve, in words."""
        return self.faithfulness.refusal


def areas(
    circuits: Floats,
    model: Floats,
    empty: Floats,
    knots: tuple[float, ...] = KNOTS,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> Areas:
    """Faithfulness at each knot, CPR and CMD with intervals: circuits [knot, example].

    `model` and `empty` [example] are the metric of the whole model and of the empty circuit. As in
    MIB's released code: f is a ratio of means over examples; the areas are trapezoids over the
    nominal knots on a linear axis, from the first knot to the last, with nothing added below the
    first; |1 − f| is taken at the knots, so a curve that crosses 1 between two of them counts as
    if it did not. A circuit of share k keeps int(k · edges) edges there (Mueller et al. 2025,
    "MIB: A Mechanistic Interpretability Benchmark", ICML; `evaluate_area_under_curve`).

    Examples are resampled jointly through all knots, model and empty circuit. |1 − f| has a kink
    at f = 1, where a plain bootstrap covers far too little: the interval of CMD follows the
    directional derivative there (Fang and Santos 2019, "Inference on directionally differentiable
    functions", Review of Economic Studies 86:377-412), on both sides, so that it also holds for
    curves that are near 1 and not at it. It is wide rather than narrow. CMD itself comes out too
    large where f is within chance of 1, being a mean of sizes.

    Raises ValueError as `shares`, and for knots that do not rise within (0, 1] or are not one per
    circuit.

    >>> rng = np.random.default_rng(0)
    >>> empty = rng.normal(size=100)
    >>> model = empty + rng.normal(3, 0.1, 100)
    >>> half = np.stack([(model + empty) / 2] * 10)
    >>> found = areas(half, model, empty)
    >>> round(found.cpr.value, 4), round(found.cmd.value, 4)
    (0.4995, 0.4995)
    """
    check_values("circuits", circuits, ("knot", "example"))
    _check_knots(knots, len(circuits))
    for name, run in (("model", model), ("empty", empty)):
        check_values(name, run, ("example",))
        check_same_examples(name, run, "circuits", circuits.shape[1])
    curve = shares(circuits, model, empty, groups, how)
    refusal = ratio_refusal(curve.gap, how.level, "model − empty circuit", "raw effects")
    curve = replace(curve, refusal=refusal)  # by the names that they have here
    if curve.share is None:
        return Areas(tuple(knots), curve, None, None)
    widths = trapezoid_widths(knots)
    kept, _ = gathered(circuits - empty, groups)  # [unit, knot]
    whole, _ = gathered((model - empty)[None], groups)  # [unit, 1]
    low, high = intervals(kept @ widths[:, None], whole[:, 0], how)
    cpr = float(curve.share @ widths)
    if low is None or high is None:
        cmd = Bounds(float(np.abs(1 - curve.share) @ widths))
        return Areas(tuple(knots), curve, Bounds(cpr), cmd)
    cmd = _size_of_distance(whole - kept, whole[:, 0], widths, how)
    return Areas(tuple(knots), curve, Bounds(cpr, float(low[0]), float(high[0])), cmd)


def trapezoid_widths(knots: tuple[float, ...]) -> Floats:
    """What each knot's value counts in the trapezoid rule.

    >>> trapezoid_widths((0.0, 0.5, 1.0))
    array([0.25, 0.5 , 0.25])
    """
    halves = np.diff(np.asarray(knots, dtype=np.float64)) / 2
    widths: Floats = np.append(halves, 0) + np.append(0, halves)
    return widths


def _size_of_distance(distances: Floats, whole: Floats, widths: Floats, how: Resampling) -> Bounds:
    """Σ widths · |distance / whole|, of sums over units [U, knot] and [U], with its interval.

    Where a distance is beyond chance, its size moves as it does, times its sign. Where it is not,
    its size may have moved by the size of the move, either way.
    """
    found = replicated(distances, whole, how)
    value = float(np.abs(found.figures) @ widths)
    signs = np.sign(found.figures)
    errors = np.sqrt((found.influence**2).sum(axis=0))
    beyond = np.abs(found.figures) > np.sqrt(np.log(len(whole))) * errors
    along = np.where(beyond, signs * found.deviations, 0) @ widths  # [B]
    either_way = np.where(beyond, 0, np.abs(found.deviations)) @ widths
    units = Units(found.influence @ (widths * signs), len(whole))
    reach = ndtr(how.reading.reach(units.count, units.freedom))
    below = float(np.quantile(either_way + along, reach))
    above = float(np.quantile(either_way - along, reach))
    return Bounds(value, max(0.0, value - below), value + above)


@dataclass(frozen=True, eq=False)
class Gaps:
    """Sizes of differences |m(with) − m(without)|, one for each subset or component.

    - `signed`: the differences themselves, with their intervals.
    - `size`, `low`, `high` [row]: their sizes. The interval is the image of the signed one: from
      0 where that holds 0. `low`, `high` are None where there is a single unit.
    """

    signed: Effects
    size: Floats
    low: Floats | None
    high: Floats | None

    @property
    def largest(self) -> int:
        """The row with the largest size; the first of several."""
        return int(np.argmax(self.size))

    @property
    def smallest(self) -> int:
        """The row with the smallest size; the first of several."""
        return int(np.argmin(self.size))


def completeness(
    circuit_without: Floats,
    model_without: Floats,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> Gaps:
    """How far circuit and model come apart when the same subset is taken out of both.

    [subset, example] each: the metric of C∖K and of N∖K, for subsets K of the circuit. The
    circuit is complete if |m(C∖K) − m(N∖K)| is small for every K; K = ∅ gives faithfulness
    unscaled. The largest of several sampled K is what is reported, and its interval, as that of
    any maximum, is a little too high (Wang et al. 2022, "Interpretability in the wild", ICLR
    2023, section 4).

    Raises ValueError as `mean_effects`, and for shapes that differ.

    >>> found = completeness(np.array([[3.0, 3.2], [0.1, 0.3]]), np.array([[3.4, 3.6], [2.9, 3.1]]))
    >>> found.largest, found.size.round(2).tolist()
    (1, [0.4, 2.8])
    """
    return _gaps("circuit_without", circuit_without, "model_without", model_without, groups, how)


def minimality(
    without_subset: Floats,
    without_both: Floats,
    groups: Groups | None = None,
    how: Resampling = USUAL,
) -> Gaps:
    """How much each component still matters in the circuit, once a subset K of its own is out.

    [component, example] each: the metric of C∖K and of C∖(K ∪ {v}), for each component v with the
    K that shows it best. The circuit is minimal if |m(C∖K) − m(C∖(K ∪ {v}))| is large for every v,
    so the smallest is what is reported (Wang et al. 2022, section 4). Where K was searched for,
    hand in other examples than those of the search.

    Raises ValueError as `completeness`.

    >>> found = minimality(np.array([[2.0, 2.2], [3.0, 3.0]]), np.array([[1.0, 1.0], [2.9, 3.1]]))
    >>> found.smallest, found.size.round(2).tolist()
    (1, [1.1, 0.0])
    """
    return _gaps("without_subset", without_subset, "without_both", without_both, groups, how)


def _gaps(
    name: str, one: Floats, other_name: str, other: Floats, groups: Groups | None, how: Resampling
) -> Gaps:
    for which, values in ((name, one), (other_name, other)):
        check_values(which, values, ("row", "example"))
    if one.shape != other.shape:
        raise ValueError(
            f"{name} and {other_name} must have one shape; found {one.shape} and {other.shape}."
        )
    signed = mean_effects(one - other, groups, how)
    size = np.abs(signed.mean)
    if signed.low is None or signed.high is None:
        return Gaps(signed, size, None, None)
    ends = np.abs(np.stack([signed.low, signed.high]))
    crossed = (signed.low <= 0) & (signed.high >= 0)
    return Gaps(signed, size, np.where(crossed, 0, ends.min(axis=0)), ends.max(axis=0))


def _check_knots(knots: tuple[float, ...], circuits: int) -> None:
    rising = all(a < b for a, b in pairwise((0.0, *knots)))
    if len(knots) < 2 or not rising or knots[-1] > 1:
        raise ValueError(
            f"knots must be at least two shares that rise within (0, 1]; found {tuple(knots)}."
        )
    if len(knots) != circuits:
        raise ValueError(
            f"circuits must have one row for each of the {len(knots)} knots; found {circuits} rows."
        )
