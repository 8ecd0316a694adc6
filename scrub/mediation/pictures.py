"""Where an image lies in a model's position spaces: its patches, and the places that they fill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scrub.graph import IMAGE, Space
from scrub.mediation.subject import Subject


@dataclass(frozen=True)
class Grid:
    """Patches in a space: their positions, row by row from the top of the image.

    >>> Grid("image", 1, 2, (1, 2)).positions
    (1, 2)
    """

    space: str
    rows: int
    columns: int
    positions: tuple[int, ...]


def grids(subject: Subject) -> tuple[Grid, ...]:
    """The grids of the spaces in which all examples have their patches at the same positions."""
    graph = subject.model.graph
    shape = next((space.shape for space in graph.spaces if space.shape), None)
    found = []
    for space in graph.spaces if shape else ():
        positions = _positions(space, subject)
        made = laid_out(len(positions), shape or ())
        if made is not None:
            before, rows, columns = made
            found.append(Grid(space.name, rows, columns, tuple(positions[before:])))
    return tuple(found)


def _positions(space: Space, subject: Subject) -> Sequence[int]:
    """Where a space holds the image: all of its own, or the places of the tokens that stand for it.

    None where these differ between examples.
    """
    dataset = subject.task.dataset
    if space.name == IMAGE:
        return range(space.length)
    if not space.placeholders:
        return ()
    tokens = [dataset.tokens(row) for row in subject.rows.tolist()]
    held = {tuple(np.nonzero(row == space.placeholder)[0].tolist()) for row in tokens}
    return held.pop() if len(held) == 1 else ()


def laid_out(positions: int, shape: Sequence[int]) -> tuple[int, int, int] | None:
    """How many positions come before the patches, and the patches' rows and columns, in the
    proportions of an image [channel, height, width].

    >>> laid_out(197, (3, 224, 224)), laid_out(8, (3, 16, 32)), laid_out(1, (3, 8, 8))
    ((1, 14, 14), (0, 2, 4), None)
    """
    height, width = shape[-2:]
    for before in range(positions - 1):
        patches = positions - before
        rows = round(float(np.sqrt(patches * height / width)))
        if rows and patches % rows == 0 and rows * width == height * (patches // rows):
            return before, rows, patches // rows
    return None


def image(subject: Subject) -> dict[str, NDArray[np.float32]]:
    """The image that all examples share, if they do: {"image": [height, width, channel]}, its
    values from 0 to 1."""
    dataset = subject.task.dataset
    if IMAGE not in dataset.fields:
        return {}
    numbers = {int(dataset.sequence[row]) for row in subject.rows.tolist()}
    held = [np.asarray(dataset.fields[IMAGE][i], dtype=np.float32) for i in sorted(numbers)]
    if any(not np.array_equal(one, held[0]) for one in held[1:]) or held[0].shape[0] not in (1, 3):
        return {}
    one = held[0].transpose(1, 2, 0)
    least, most = float(one.min()), float(one.max())
    scaled = (one - least) / ((most - least) or 1.0)
    return {"image": scaled if scaled.shape[2] == 3 else scaled.repeat(3, axis=2)}
