"""Rules about options: what each of them needs of the data and of the graph."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from scrub.data.features import Columns, Extent, FeatureFault, values
from scrub.errors import Problem, nearest
from scrub.graph import Everywhere, Space
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.options import (
    Baseline,
    Donors,
    MeanWithin,
    Nodes,
    Partner,
    Replacement,
    Unimportant,
)
from scrub.hypothesis.rules.spaces import unit


def option_columns_exist(claim: Claim) -> Iterator[Problem]:
    """Columns that options name exist, and a partner column holds row numbers."""
    unimportant, replacement = claim.options.unimportant, claim.options.replacement
    columns = claim.dataset.columns
    if isinstance(replacement, MeanWithin):
        if replacement.column not in columns:
            yield _no_column(claim, "replacement", replacement.column)
        else:
            try:
                values(Columns((replacement.column,)), claim.dataset)
            except FeatureFault as fault:
                said = str(fault).replace("the feature's value", f"column '{replacement.column}'")
                yield Problem("option 'replacement'", said)
    if isinstance(unimportant, Partner):
        if unimportant.column not in columns:
            yield _no_column(claim, "unimportant", unimportant.column)
            return
        size = len(claim.dataset)
        for row, value in enumerate(columns[unimportant.column]):
            if not _is_row(value, size):
                yield Problem(
                    "option 'unimportant'",
                    f"column '{unimportant.column}' must hold row numbers from 0 to {size - 1}, "
                    f"found {value!r} in row {row}.",
                    "A row's partner is the row that supplies its unimportant inputs.",
                )
                return


def _no_column(claim: Claim, option: str, column: str) -> Problem:
    known = nearest(column, claim.dataset.columns)
    return Problem(f"option '{option}'", f"the data has no column '{column}'.", known)


def _is_row(value: object, size: int) -> bool:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
        return False
    return 0 <= int(value) < size


def partners_have_equal_lengths(claim: Claim) -> Iterator[Problem]:
    """Where values cross by index, a row's partner is as long as the row."""
    unimportant, frames = claim.options.unimportant, claim.dataset.frames
    if not isinstance(unimportant, Partner) or any(option_columns_exist(claim)):
        return
    index = next(iter(claim.moved_by_index), None)
    partners = np.array(claim.dataset.columns[unimportant.column], dtype=np.int64)
    unequal = np.nonzero(frames[partners] != frames)[0]
    if index is not None and len(unequal):
        row = int(unequal[0])
        space = _differing(claim, row, int(partners[row]))
        lengths = claim.dataset.lengths_in(space)
        yield Problem(
            "option 'unimportant'",
            f"node '{index}' moves by index, which needs partners of equal length, but row {row} "
            f"has {lengths[row]} {unit(space)} and its partner {lengths[partners[row]]}.",
            "Name roles throughout, or give partners of equal length.",
        )


def lengths_fit_the_options(claim: Claim) -> Iterator[Problem]:
    """Where values cross by index throughout, or are averaged, lengths are equal."""
    uneven = [space for space in claim.graph.spaces if _is_uneven(claim, space)]
    if not uneven:
        return
    found = _spread(claim, uneven[0])
    options = claim.options
    if len(claim.moved_by_index) == len(claim.nodes):
        yield Problem(
            "data",
            f"no node names a role, and {found}",
            "Without roles all examples need equally many tokens: name roles, or cut the data.",
        )
        return
    sink = claim.nodes[claim.sink]
    if isinstance(sink.positions, Everywhere) and claim.space_of(sink) in uneven:
        scored = _spread(claim, claim.space_of(sink))
        fix = "Score at a role (at='end' in the task), or cut the data to equal lengths."
        yield Problem("the output", f"is scored at all positions, and {scored}", fix)
    if options.unimportant is Unimportant.SEPARATELY:
        fix = "Use 'together', or cut the data to equal lengths."
        yield Problem("option 'unimportant'", f"'separately' needs equal lengths; {found}", fix)
    if isinstance(options.replacement, MeanWithin) or options.replacement is Replacement.MEAN:
        yield _no_means("replacement", found)
    if options.baseline is Baseline.MEAN:
        yield _no_means("baseline", found)
    index = next(iter(claim.moved_by_index), None)
    if options.unimportant is Unimportant.ONE and index is not None:
        yield Problem(
            "option 'unimportant'",
            f"'one' draws a single example for the tree, but node '{index}' moves by index and "
            f"{found}",
            "Name roles throughout, or use 'together'.",
        )


def _is_uneven(claim: Claim, space: Space) -> bool:
    lengths = claim.dataset.lengths_in(space)
    return bool(lengths.min() < lengths.max())


def _spread(claim: Claim, space: Space) -> str:
    lengths = claim.dataset.lengths_in(space)
    return f"the examples have {lengths.min()} to {lengths.max()} {unit(space)}."


def _differing(claim: Claim, row: int, other: int) -> Space:
    """A space in which two rows of unequal lengths differ."""
    lengths = ((space, claim.dataset.lengths_in(space)) for space in claim.graph.spaces)
    return next(space for space, found in lengths if found[row] != found[other])


def _no_means(option: str, found: str) -> Problem:
    fix = "Use another value, or cut the data to equal lengths."
    return Problem(f"option '{option}'", f"per-position means need equal lengths; {found}", fix)


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
                f"generated donors agree on columns, and its feature is {node.feature}.",
                "Put the feature's value into a column of the data.",
            )
    if claim.moved_by_index and claim.dataset.frames.any():  # numbered from 0
        yield Problem(
            f"node '{claim.moved_by_index[0]}'",
            "moves by index, and generated donors may have other lengths.",
            "Name roles, or use donors='data'.",
        )


def unfolding_within_limit(claim: Claim) -> Iterator[Problem]:
    """The tree of occurrences is counted before it is built."""
    count, limit = count_occurrences(claim), claim.options.limit
    if count > limit:
        shown = f"{count:,}" if count < 10**9 else f"about 10^{math.log10(count):.0f}"
        joint = "Use nodes='joint' (one draw for each node and reference), or raise limit=."
        fewer = "Raise limit=, or make more nodes EXACT, which share their reader's draw."
        fix = fewer if claim.options.nodes is Nodes.JOINT else joint
        yield Problem("hypothesis", f"unfolds to {shown} nodes, and the limit is {limit:,}.", fix)
