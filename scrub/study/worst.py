"""The references that a scrub changes most, each beside the donors that stood in for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.data.dataset import Dataset, Example
from scrub.data.fields import DECODER
from scrub.engine.metrics import Floats
from scrub.graph import IMAGE, TOKENS, Everywhere, Indices, Positions, Role
from scrub.hypothesis.unfold import DrawKind, Tree
from scrub.results import result as r
from scrub.sampling.donors import Donors

WORST = 8  # references
MOST_DONORS = 12  # of each
SUPPLIES = {DrawKind.DONOR: "value", DrawKind.FRAME: "inputs", DrawKind.PARTNER: "inputs"}

Span = tuple[int, int]


def worst(
    tree: Tree, donors: Donors, model: Floats, scrubbed: Floats, scored: Positions
) -> tuple[r.Example, ...]:
    """The worst first: `model` [reference] and `scrubbed` [reference, draw] in the metric.

    References that no draw changes are left out.
    """
    apart = np.abs(scrubbed - model[:, None])
    mean = apart.mean(axis=1)
    order = np.argsort(-mean, kind="stable")[:WORST]
    found = []
    for i in order:
        if not mean[i] > 0:
            continue
        draw, row = int(apart[i].argmax()), int(donors.references[i])
        said, marks = told(donors.dataset, row, scored)
        found.append(
            r.Example(
                row=row,
                model=float(model[i]),
                scrubbed=float(scrubbed[i].mean()),
                divergence=float(mean[i]),
                shown=said,
                marks=marks,
                draw=draw,
                at_draw=float(scrubbed[i, draw]),
                donors=tuple(_donors(tree, donors, int(i), draw)),
            )
        )
    return tuple(found)


def _donors(tree: Tree, donors: Donors, reference: int, draw: int) -> Iterator[r.Donor]:
    """Inputs that were drawn one by one, for each component that feeds a node, are not told."""
    known = len(tree.claim.dataset)
    named = [(i, one) for i, one in enumerate(tree.draws) if one.kind in SUPPLIES]
    for i, one in named[:MOST_DONORS]:
        node = tree.claim.nodes[one.node or tree.claim.sink]
        row = int(donors.rows[i, reference, draw])
        value = one.kind is DrawKind.DONOR
        said, marks = told(donors.dataset, row, node.positions if value else Everywhere())
        yield r.Donor(
            node=node.name,
            supplies=SUPPLIES[one.kind],
            of=tree.draws[one.of].node if one.of else "",
            row=row if row < known else None,
            shown=said,
            marks=marks,
        )


def shown(dataset: Dataset, row: int) -> str:
    """An example as a reader would want it: its texts if there are any, else its tokens."""
    return told(dataset, row, Everywhere())[0]


def told(dataset: Dataset, row: int, where: Positions) -> tuple[str, tuple[Span, ...]]:
    """An example as text, and the characters in it that stand at these positions.

    No positions are marked where all are meant, or where the text is not the tokens themselves.
    """
    example = dataset.example(row)
    said, marks = "", tuple[Span, ...]()
    if IMAGE in dataset.fields:
        said = f"image of {' × '.join(map(str, example[IMAGE].shape))}"
    for text, tokens in (("text", TOKENS), ("decoder_text", DECODER)):
        if text not in dataset.columns and tokens not in dataset.fields:
            continue
        said += " | " if said else ""
        if text in dataset.columns:
            said += str(example[text])
            continue
        words = [str(token) for token in example[tokens]]
        marks += _spans(words, len(said), _at(dataset, example, where, tokens))
        said += " ".join(words)
    return said, marks


def _at(dataset: Dataset, example: Example, where: Positions, tokens: str) -> tuple[int, ...]:
    """The positions that are meant in one of an example's sequences."""
    match where:
        case Role(name, item) if name in dataset.roles and dataset.role_space(name) == tokens:
            spots: tuple[int, ...] = example["roles"][name]
            return spots if item is None else spots[item : item + 1]
        case Indices(indices) if dataset.main == tokens:
            return indices
        case _:
            return ()


def _spans(words: list[str], start: int, at: tuple[int, ...]) -> tuple[Span, ...]:
    """
    >>> _spans(["4", "17", "29"], 0, (1, 2))
    ((2, 4), (5, 7))
    """
    ends = np.cumsum([len(word) + 1 for word in words]).tolist()
    return tuple(
        (start + ends[i] - 1 - len(words[i]), start + ends[i] - 1) for i in at if i < len(words)
    )
