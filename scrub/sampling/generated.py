"""Generated donors: rows from the task's generator, held to what was asked of them before any use.

The rules look at the data before anything is drawn; what a generator makes is not there yet, so
that all that the rules require of an example is required of a made one here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.data.dataset import Dataset, Example, Ints
from scrub.data.features import Columns
from scrub.data.fields import Row
from scrub.data.task import Generator
from scrub.errors import InputRefused, Problem
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.options import MeanWithin, Partner, Replacement, Unimportant
from scrub.hypothesis.rules.spaces import unit


def make_row(generator: Generator, example: Example, node: Node, rng: np.random.Generator) -> Row:
    """A row from the user's generator; whatever it raises is reported."""
    assert isinstance(node.feature, Columns)  # held by the rules
    try:
        return generator(example, node.feature.names, rng)
    except Exception as error:
        kind = type(error).__name__
        found = f"the task's generator raised {kind}: {error}"
        raise InputRefused(Problem(f"node '{node.name}'", found)) from error


def require_usable(claim: Claim, node: Node, dataset: Dataset, of: Ints) -> None:
    """Hold the last rows of `dataset`, made for a node, against the rows `of` that they replace.

    Raises `InputRefused` with the first row that fails, for each thing that is asked.
    """
    made = np.arange(len(dataset) - len(of), len(dataset))
    checks = (
        *_agreement(node, dataset, of, made),
        *_lengths(claim, node, dataset, of, made),
        *_roles(claim, dataset, made),
        *_partners(claim, dataset, made),
        *_means(claim, node, dataset, made),
    )
    if checks:
        raise InputRefused([Problem(f"node '{node.name}'", *found) for found in checks])


Found = Iterator[tuple[str, str]]  # what was asked and made, and how to mend it


def _agreement(node: Node, dataset: Dataset, of: Ints, made: Ints) -> Found:
    assert isinstance(node.feature, Columns)  # held by the rules
    for name in node.feature.names:
        column = dataset.columns[name]
        pairs = [(column[row], column[new]) for row, new in zip(of, made, strict=True)]
        if differing := next((pair for pair in pairs if pair[0] != pair[1]), None):
            asked, found = differing
            yield (
                f"the generator was asked to agree on '{name}' ({asked!r}) and made {found!r}.",
                "A generated donor must carry the reference's feature.",
            )


def _lengths(claim: Claim, node: Node, dataset: Dataset, of: Ints, made: Ints) -> Found:
    """Equal to the reference's where values cross by index or are averaged position by position."""
    why = _fixes_the_length(claim, node)
    unequal = np.nonzero(dataset.frames[of] != dataset.frames[made])[0]
    if why and len(unequal):
        pair = [int(rows[unequal[0]]) for rows in (of, made)]
        lengths = ((space, dataset.lengths_in(space)[pair]) for space in claim.graph.spaces)
        space, (asked, found) = next((s, both) for s, both in lengths if both[0] != both[1])
        yield (
            f"the generator was asked for {asked} {unit(space)}, as the reference has, and made "
            f"{found}: {why}.",
            "Keep the example's length.",
        )


def _fixes_the_length(claim: Claim, node: Node) -> str:
    """Why made rows need the reference's length, or nothing.

    A row made for one node is handed on to those below it, so that any node by index counts.
    """
    options = claim.options
    by_index = [name for name in (node.name, *claim.nodes) if claim.by_length(name)]
    if by_index:
        return f"node '{by_index[0]}' moves by index"
    if options.unimportant is Unimportant.SEPARATELY:
        return "option unimportant='separately' needs equal lengths"
    if isinstance(options.replacement, MeanWithin) or options.replacement is Replacement.MEAN:
        return f"option replacement='{options.as_dict()['replacement']}' is position by position"
    return ""


def _roles(claim: Claim, dataset: Dataset, made: Ints) -> Found:
    """A role of which all examples have equally many positions has as many in a made row."""
    for name, spots in dataset.roles.items():
        sizes = {len(spots[row]) for row in range(len(claim.dataset))}
        found = next((len(spots[row]) for row in made if len(spots[row]) not in sizes), None)
        if len(sizes) == 1 and found is not None:
            yield (
                f"role '{name}' has {sizes.pop()} position(s) in the data, and the generator made "
                f"a row with {found or 'none'}.",
                "Values move from role to role, so a made row needs as many.",
            )


def _partners(claim: Claim, dataset: Dataset, made: Ints) -> Found:
    """A made row's partner is a row of the data; it was made for no row of its own."""
    option, size = claim.options.unimportant, len(claim.dataset)
    if not isinstance(option, Partner):
        return
    for value in (dataset.columns[option.column][row] for row in made):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < size:
            yield (
                f"column '{option.column}' must hold row numbers from 0 to {size - 1}, and the "
                f"generator made {value!r}.",
                "A row's partner is the row that supplies its unimportant inputs.",
            )
            return


def _means(claim: Claim, node: Node, dataset: Dataset, made: Ints) -> Found:
    """There is a mean to take: examples of the data share a made row's value of the column.

    A leaf is looked up and nothing in it replaced, so that its rows need no mean.
    """
    option = claim.options.replacement
    if not isinstance(option, MeanWithin) or claim.is_leaf(node.name):
        return
    values = dataset.columns[option.column]
    known = list(dict.fromkeys(values[: len(claim.dataset)]))  # made ones may have no hash
    for value in (values[row] for row in made):
        if value not in known:
            yield (
                f"unimportant inputs become their mean over the examples with the same "
                f"'{option.column}', and the generator made {value!r}, which no example has.",
                "Give the column a value that the data has.",
            )
            return
