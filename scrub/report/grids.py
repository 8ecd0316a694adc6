"""Effects by component and position, as values that a heatmap draws and a table lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from scrub.errors import InputRefused, Problem
from scrub.report.measured import Floats, Measured, refuse

Image: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Panel:
    """One grid of effects [row, column]: components by tokens, or by roles.

    - `rows`: components from the input up; `columns`: the tokens as they are, oddities included.
    - `positions`: what each column's position is called; else they are numbered from 0.
    - `roles`: the role of each column, "" for none; drawn once for neighbours that share it.

    Raises `InputRefused` if their numbers do not agree.

    >>> panel = Panel("residual stream", ("resid.0",), (" the", "$"), Measured([[0.1, 0.7]]))
    >>> panel.at(1)
    ('1', '$')
    """

    name: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    effects: Measured
    roles: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        where = f"panel '{self.name}'"
        problems = self.effects.misfit(where, rows=len(self.rows), columns=len(self.columns))
        if not self.rows or not self.columns:
            problems = [Problem(where, "has no cells.", "Leave it away.")]
        for names in ("roles", "positions"):
            given = len(getattr(self, names))
            if given and given != len(self.columns):
                found = f"there are {given} {names}, but {len(self.columns)} columns."
                problems.append(Problem(where, found, "Give one for each column, or none."))
        refuse(problems)

    def at(self, column: int) -> tuple[str, str]:
        """What a column's position and its token are called."""
        position = self.positions[column] if self.positions else str(column)
        return position, self.columns[column]


@dataclass(frozen=True, eq=False)
class Patches:
    """Effects of image patches [component, row, column], row 0 at the top of the image.

    - `image`: [height, width] or [height, width, 3 or 4], bytes or shares of 1; or None.

    Raises `InputRefused` if the numbers do not agree or the image has another shape.

    >>> Patches("image", ("v0", "v1"), Measured([[[0.1, 0.2]], [[0.0, 0.3]]])).grid
    (1, 2)
    """

    name: str
    components: tuple[str, ...]
    effects: Measured
    image: Image | None = None

    def __post_init__(self) -> None:
        where, shape = f"patches '{self.name}'", self.effects.array.shape
        problems: list[Problem] = []
        if len(shape) != 3 or shape[0] != len(self.components) or 0 in shape:
            found = f"there are {len(self.components)} components, but the values are {shape}."
            fix = "Give an array [component, patch row, patch column]."
            problems.append(Problem(where, found, fix))
        if self.image is not None and not _is_image(self.image):
            found = f"the image is {self.image.shape}."
            fix = "Give [height, width] or [height, width, 3 or 4]."
            problems.append(Problem(where, found, fix))
        refuse(problems)

    @property
    def grid(self) -> tuple[int, int]:
        """Patch rows and columns."""
        _, rows, columns = self.effects.array.shape
        return rows, columns


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Effects of components and positions, in panels that share one scale.

    - `unit`: what a value is, as it stands beside the scale.
    - `said`: what was measured and how, a line each: metric, corruption, number of examples.
    - `whole`: the total effect, in the same unit, that a cell's share is a share of; or None.
    - `limit`: where the scale ends; None for the largest effect. What lies beyond is marked.

    Raises `InputRefused` without a panel, or for a limit that is not above 0.
    """

    title: str
    panels: tuple[Panel | Patches, ...]
    unit: str = "effect"
    said: tuple[str, ...] = ()
    rows_are: str = "component"
    columns_are: str = "position"
    whole: float | None = None
    limit: float | None = None

    def __post_init__(self) -> None:
        where = f"heatmap '{self.title}'"
        if not self.panels:
            raise InputRefused(Problem(where, "has no panels.", "Give at least one."))
        if self.limit is not None and not 0 < self.limit < np.inf:
            found = f"the limit {self.limit} is no end of a scale."
            raise InputRefused(Problem(where, found, "Give a number above 0, or None."))

    @property
    def extent(self) -> float:
        """Where the scale ends on both sides of 0; 1 where there is no effect to scale by."""
        return self.limit or max(panel.effects.size for panel in self.panels) or 1.0

    @property
    def sizes(self) -> Floats:
        """All effects' absolute values, the largest first."""
        known = [np.abs(panel.effects.array[panel.effects.known]) for panel in self.panels]
        return np.sort(np.concatenate(known))[::-1]


def _is_image(image: Image) -> bool:
    return 0 not in image.shape and (
        image.ndim == 2 or (image.ndim == 3 and image.shape[2] in (3, 4))
    )
