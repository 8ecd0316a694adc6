"""How much each row moved the means by being a donor, and how much of that is noise.

Let h be a metric value, d_k the rows that were drawn for it. The derivative of the mean of h with
respect to the weight of row j among the donors is, by the score function of the draws,

    sum over k of  E[ h · (1[d_k = j] − 1[j in the class] / class size) ],

and it stays the same when h is replaced by h − c, for any c that was fixed before d_k was drawn.
It is estimated here by the draws themselves, with c a prediction from the reference (and from
its other draws), and less the mean of the class.

That is unbiased and noisy: the noise grows with the number of variables, what it hides need not.
Its size is measured by doing the same with residuals whose signs were flipped at random, draw by
draw, which keeps everything (their sizes, coincidences of donors, small classes) but the
association with donors. Whoever needs a variance subtracts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from scrub.statistics.sample import NOT_A_ROW, Floats, Integers, Sample

FLIPS = 32  # sets of random signs; they add 1/FLIPS to the variance of a variance without noise

SCRUBBED, BASELINE = 0, 1


@dataclass(frozen=True, eq=False)
class DonorPart:
    """The donor part of the influence on the means of scrubbed and baseline, in that order.

    - `parts` [N, 2]: the change of the mean for a unit of weight of row j (already over N).
    - `noise` [N, 2, 2]: what `parts[j] parts[j]ᵀ` is on average if no donor has any effect.
    - `separate` [2, 2]: the sum over the draw variables of the variance of each one's effect,
      free of noise. What `parts` has beyond it: effects of one row agree across variables.
    """

    parts: Floats
    noise: Floats
    separate: Floats


@dataclass(frozen=True, eq=False)
class _Variable:
    """One random draw: its donors [R·T], the classes [N], and which of the two means it moves."""

    donors: Integers
    classes: Integers | None
    moves: tuple[bool, bool]
    pool: int | None = None


def donor_part(sample: Sample, seed: int, pools: Integers | None = None) -> DonorPart:
    """The donor part of every row's influence, with its noise, in time linear in the draws.

    `pools` [V]: variables of `sample.donors` with the same number count as one variable, whose
    effects add up row by row, or cancel; without it each counts for itself.
    """
    residuals = np.stack(
        [surprise(values, sample.model).ravel() for values in (sample.scrubbed, sample.baseline)],
        axis=1,
    )
    residuals /= sample.scrubbed.size
    signs = _signs(len(residuals), seed)
    total = np.zeros((sample.rows, 2, 1 + FLIPS))
    separate = np.zeros((2, 2))
    for pool in _pooled(_distinct(sample, pools)):
        pooled = np.zeros_like(total)
        for variable in pool:
            moved = [channel for channel in (SCRUBBED, BASELINE) if variable.moves[channel]]
            pooled[:, moved] += _given(variable, residuals[:, moved], signs, sample.rows)
        total += pooled
        noise = np.einsum("jam,jbm->ab", pooled[..., 1:], pooled[..., 1:]) / FLIPS
        separate += pooled[..., 0].T @ pooled[..., 0] - noise
    noise = np.einsum("jam,jbm->jab", total[..., 1:], total[..., 1:]) / FLIPS
    return DonorPart(total[..., 0], noise, separate)


def surprise(values: Floats, model: Floats) -> Floats:
    """Values [R, T] less what their reference foretold, and the reference's other draws.

    The prediction is a line in the model's own value, moved towards the mean of the reference's
    other draws by as much as references are seen to differ from that line. The value's own draw
    has no part in it but through the line's two coefficients.
    """
    draws = values.shape[1]
    line = line_through(model, values.mean(axis=1))
    if draws == 1:
        return values - line[:, None]
    within = values.var(axis=1, ddof=1).mean()
    between = max(0.0, float(np.mean((values.mean(axis=1) - line) ** 2) - within / draws))
    spread = between + within / (draws - 1)
    trust = between / spread if spread > 0 else 0.0
    others = (values.sum(axis=1, keepdims=True) - values) / (draws - 1)
    prediction: Floats = line[:, None] + trust * (others - line[:, None])
    return values - prediction


def line_through(x: Floats, y: Floats) -> Floats:
    """The least-squares line of y on x, at x; the mean of y where x does not vary.

    >>> line_through(np.array([0.0, 1.0]), np.array([1.0, 3.0]))
    array([1., 3.])
    """
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ (y - y.mean())) / spread if spread > 0 else 0.0
    fitted: Floats = y.mean() + slope * centred
    return fitted


def _signs(draws: int, seed: int) -> Floats:
    """One column [R·T] of ones, then FLIPS columns of random signs: one sign a draw."""
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    signs = np.ones((draws, 1 + FLIPS))
    signs[:, 1:] -= 2 * generator.integers(0, 2, (draws, FLIPS))
    return signs


def _pooled(variables: list[_Variable]) -> list[list[_Variable]]:
    """Those of one pool together, all others alone."""
    found: dict[object, list[_Variable]] = {}
    for number, variable in enumerate(variables):
        key = ("alone", number) if variable.pool is None else variable.pool
        found.setdefault(key, []).append(variable)
    return list(found.values())


def _distinct(sample: Sample, pools: Integers | None = None) -> list[_Variable]:
    """The draws of scrubbed and baseline, each once, however often it is listed."""
    found: dict[tuple[bytes, bytes], _Variable] = {}
    for channel, donors, classes in (
        (SCRUBBED, sample.donors, sample.classes),
        (BASELINE, sample.baseline_donors, sample.baseline_classes),
    ):
        for k, drawn in enumerate(donors):
            if np.all(drawn == NOT_A_ROW):
                continue
            flat = np.ascontiguousarray(drawn, dtype=np.int32).ravel()
            own = None
            if classes is not None and np.any(classes[k] != classes[k, 0]):
                own = np.unique(classes[k], return_inverse=True)[1].astype(np.int32)
            key = (flat.tobytes(), b"" if own is None else own.tobytes())
            before = found[key].moves if key in found else (False, False)
            moves = (before[0] or channel == SCRUBBED, before[1] or channel == BASELINE)
            pool = None if pools is None or channel == BASELINE else int(pools[k])
            found[key] = _Variable(flat, own, moves, found[key].pool if key in found else pool)
    return list(found.values())


def _given(variable: _Variable, residuals: Floats, signs: Floats, rows: int) -> Floats:
    """What each row gave as this variable's donor, as it is and flipped: [N, channels, 1 + FLIPS].

    The sum of the residuals [R·T, channels] it was drawn for, less as many times the mean of its
    class. The residuals lose the mean of their class before they are flipped, too.
    """
    drawn = np.flatnonzero(variable.donors != NOT_A_ROW)
    donors = variable.donors[drawn]
    classes = np.zeros(rows, np.int32) if variable.classes is None else variable.classes
    to_row = csr_array((np.ones(len(drawn)), (donors, np.arange(len(drawn)))), (rows, len(drawn)))
    to_class = csr_array((np.ones(rows), (classes, np.arange(rows))))
    counts: Floats = np.bincount(donors, minlength=rows).astype(np.float64)
    draws = np.asarray(to_class @ counts)  # of each class

    def class_means(sums: Floats) -> Floats:
        means: Floats = np.asarray(to_class @ sums) / np.maximum(draws, 1)[:, None]
        return means

    sums: Floats = np.asarray(to_row @ residuals[drawn])
    values: Floats = residuals[drawn] - class_means(sums)[classes[donors]]
    flipped = values[:, :, None] * signs[drawn, None, :]
    freedom = np.sqrt(draws / np.maximum(draws - 1, 1))  # one is spent on the mean
    flipped[..., 1:] *= freedom[classes[donors], None, None]
    sums = np.asarray(to_row @ flipped.reshape(len(drawn), -1))
    given: Floats = sums - counts[:, None] * class_means(sums)[classes]
    return given.reshape(rows, values.shape[1], -1)
