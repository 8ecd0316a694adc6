"""Rules about options: what each of them needs of the data and of the graph."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.data.features import Columns, Extent
from scrub.errors import Problem
from scrub.graph import Role
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.options import (
    Baseline,
    Donors,
    MeanWithin,
    Partner,
    Replacement,
    Unimportant,
)
from scrub.hypothesis.rules.features import column_problem
from scrub.hypothesis.unfold import count_occurrences


def option_columns_exist(claim: Claim) -> Iterator[Problem]:
    """Columns that options name exist, and a partner column holds row numbers."""
    unimportant, replacement = claim.options.unimportant, claim.options.replacement
    if isinstance(replacement, MeanWithin):
        if problem := column_problem(claim, "replacement", replacement.column):
            yield problem
    if isinstance(unimportant, Partner):
        if problem := column_problem(claim, "unimportant", unimportant.column):
            yield problem
            return
        size = len(claim.dataset)
        for row, value in enumerate(claim.dataset.columns[unimportant.column]):
            if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < size:
                yield Problem(
                    "option 'unimportant'",
                    f"column '{unimportant.column}' must hold row numbers from 0 to {size - 1}, "
                    f"found {value!r} in row {row}.",
                )
                return


def lengths_fit_the_options(claim: Claim) -> Iterator[Problem]:
    """Where values cross by index throughout, or are averaged, lengths are equal."""
    lengths = claim.dataset.lengths
    if lengths.min() == lengths.max():
        return
    found = f"the examples have {lengths.min()} to {lengths.max()} tokens."
    options = claim.options
    means = isinstance(options.replacement, MeanWithin) or options.replacement is Replacement.MEAN
    if not any(isinstance(node.positions, Role) for node in claim.nodes.values()):
        yield Problem(
            "data",
            f"no node names a role, and {found}",
            "Without roles all examples need equally many tokens: name roles, or cut the data.",
        )
    elif options.unimportant is Unimportant.SEPARATELY:
        yield Problem("option 'unimportant'", f"'separately' needs equal lengths; {found}")
    elif means or options.baseline is Baseline.MEAN:
        name = "replacement" if means else "baseline"
        yield Problem(f"option '{name}'", f"per-position means need equal lengths; {found}")
    elif options.unimportant is Unimportant.ONE and any(n.by_index for n in claim.nodes.values()):
        index = next(name for name, n in claim.nodes.items() if n.by_index)
        yield Problem(
            "option 'unimportant'",
            f"'one' draws a single example for the tree, but node '{index}' moves by index and "
            f"{found}",
            "Name roles throughout, or use 'together'.",
        )


def generator_given(claim: Claim) -> Iterator[Problem]:
    """Generated donors need a generator, and features that it can be told."""
    if claim.options.donors is not Donors.GENERATED:
        return
    if claim.task.generator is None:
        yield Problem(
            "option 'donors'",
            f"'generated' needs a generator, and task '{claim.task.name}' has none.",
            "Give Task(generator=...), or use donors='data'.",
        )
    for name, node in claim.nodes.items():
        if not isinstance(node.feature, (Extent, Columns)):
            yield Problem(
                f"node '{name}'",
                "generated donors agree on columns, and this feature is a function.",
                "Put its value into a column of the data.",
            )
    if not np.all(claim.dataset.lengths == claim.dataset.lengths[0]):
        index = [name for name, node in claim.nodes.items() if node.by_index]
        if index:
            yield Problem(
                f"node '{index[0]}'",
                "moves by index, and generated donors may have other lengths.",
                "Name roles, or use donors='data'.",
            )


def unfolding_within_limit(claim: Claim) -> Iterator[Problem]:
    """The tree of occurrences is counted before it is built."""
    count, limit = count_occurrences(claim), claim.options.limit
    if count > limit:
        shown = f"{count:,}" if count < 10**9 else f"{count:.1e}"
        yield Problem(
            "hypothesis",
            f"unfolds to {shown} nodes, and the limit is {limit:,}.",
            "Use nodes='joint' (one draw for each node and reference), or raise limit=.",
        )
