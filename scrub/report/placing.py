"""Where boxes and arrows go in a layered drawing: numbers only, no drawing.

The method of Sugiyama et al. (1981): long edges pass through a dummy box in every row between,
rows are ordered by the mean place of their neighbours, and boxes are then moved as near to their
neighbours as their widths allow. All edges that leave one box share its dummies, so that what
reads one node runs as one trunk and branches where it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SWEEPS = 24
Links = dict[tuple[str, str], float]  # (low, high): where along the high box's edge it arrives

DUMMY = 0.12  # the width that a passing edge keeps free, in inches


@dataclass(frozen=True)
class Placed:
    """Centres of boxes, and the places through which each edge passes, row by row."""

    x: Mapping[str, float]
    row: Mapping[str, int]
    routes: Mapping[tuple[str, str], tuple[tuple[int, float], ...]]  # (row, x) between the ends
    width: float  # of the whole


@dataclass(frozen=True)
class _Box:
    name: str
    width: float


def place(
    rows: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    edges: Mapping[tuple[str, str], float],
    gap: float = 0.25,
) -> Placed:
    """Place the boxes of each row (the lowest first), whose edges all lead to higher rows.

    Each edge comes with where along the child's lower edge it arrives, between -0.5 and 0.5.

    >>> edges = {("a", "c"): 0.0, ("b", "c"): 0.0}
    >>> found = place([["a", "b"], ["c"]], {"a": 1, "b": 1, "c": 1}, edges)
    >>> [round(found.x[name], 2) for name in "abc"]
    [0.5, 1.75, 1.12]
    """
    row = {name: i for i, names in enumerate(rows) for name in names}
    boxes = [[_Box(name, widths[name]) for name in names] for names in rows]
    links: Links = {}
    chains: dict[tuple[str, str], list[str]] = {}
    for parent, child in edges:
        chain = [f"{parent}\0{i}" for i in range(row[parent] + 1, row[child])]
        for i, name in enumerate(chain, start=row[parent] + 1):
            if all(box.name != name for box in boxes[i]):
                boxes[i].append(_Box(name, DUMMY))
        stops = [parent, *chain, child]
        links.update(dict.fromkeys(pairwise(stops), 0.0))
        links[stops[-2], child] = edges[parent, child]
        chains[parent, child] = chain
    x = _places(_ordered(boxes, links), links, gap)
    least = min(x[box.name] - box.width / 2 for names in boxes for box in names)
    x = {name: value - least for name, value in x.items()}
    most = max(x[box.name] + box.width / 2 for names in boxes for box in names)
    first = {edge: row[edge[0]] + 1 for edge in chains}
    routes = {
        edge: tuple((first[edge] + i, x[name]) for i, name in enumerate(chain))
        for edge, chain in chains.items()
    }
    return Placed({name: x[name] for name in row}, row, routes, most)


def _neighbours(links: Links) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    below: dict[str, list[str]] = {}
    above: dict[str, list[str]] = {}
    for low, high in sorted(links):
        below.setdefault(high, []).append(low)
        above.setdefault(low, []).append(high)
    return below, above


def _ordered(boxes: list[list[_Box]], links: Links) -> list[list[_Box]]:
    """Rows in the order that crosses least of those that the sweeps come by."""
    below, above = _neighbours(links)
    best, fewest = boxes, _crossings(boxes, above, links)
    for sweep in range(SWEEPS):
        up = sweep % 2 == 0
        place = {box.name: i / len(row) for row in boxes for i, box in enumerate(row)}
        rows = list(boxes) if up else list(reversed(boxes))
        found = []
        for row in rows:
            if up:
                row = sorted(row, key=lambda b: _mean(place, below.get(b.name, [b.name])))
            else:
                row = sorted(row, key=lambda b: _aim(place, b.name, above.get(b.name, []), links))
            place.update({box.name: i / len(row) for i, box in enumerate(row)})
            found.append(row)
        boxes = found if up else list(reversed(found))
        crossed = _crossings(boxes, above, links)
        if crossed < fewest:
            best, fewest = boxes, crossed
    return best


def _mean(place: Mapping[str, float], names: Sequence[str]) -> float:
    return sum(place[name] for name in names) / len(names)


def _aim(place: Mapping[str, float], name: str, above: Sequence[str], links: Links) -> float:
    """Where the boxes above are, down to the part of their lower edge that is wanted."""
    if not above:
        return place[name]
    step = 1 / max(len(place), 1)
    return sum(place[high] + step * links[name, high] for high in above) / len(above)


def _crossings(boxes: list[list[_Box]], above: Mapping[str, Sequence[str]], links: Links) -> int:
    """How many pairs of edges between neighbouring rows cross."""
    total = 0
    for low, high in pairwise(boxes):
        at = {box.name: i for i, box in enumerate(high)}
        ends: list[float] = []
        for box in low:
            arrive = sorted(at[n] + 0.9 * links[box.name, n] for n in above.get(box.name, ()))
            total += sum(end < earlier for end in arrive for earlier in ends)
            ends += arrive
    return total


def _places(boxes: list[list[_Box]], links: Links, gap: float) -> dict[str, float]:
    """Each row moved towards its neighbours, in turn from below and from above."""
    below, above = _neighbours(links)
    x: dict[str, float] = {}
    for row in boxes:
        x.update(zip([b.name for b in row], _apart(np.zeros(len(row)), row, gap), strict=True))
    for sweep in range(SWEEPS):
        for row in boxes if sweep % 2 == 0 else reversed(boxes):
            wanted = [
                _mean(x, [*below.get(b.name, []), *above.get(b.name, [])] or [b.name]) for b in row
            ]
            x.update(zip([b.name for b in row], _apart(np.array(wanted), row, gap), strict=True))
    return x


def _apart(wanted: NDArray[np.float64], row: list[_Box], gap: float) -> list[float]:
    """The places nearest to those wanted (least squares) that keep order and distance.

    Less the distances it is an isotonic regression: pool neighbours that stand in each other's way.
    """
    steps = [
        (a.width + b.width) / 2 + (gap / 3 if a.width == b.width == DUMMY else gap)
        for a, b in pairwise(row)
    ]
    offset = np.concatenate([[0.0], np.cumsum(steps)])
    pools: list[tuple[float, int]] = []  # mean, how many
    for value in wanted - offset:
        mean, many = float(value), 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, many = (mean * many + other * count) / (many + count), many + count
        pools.append((mean, many))
    level = [mean for mean, many in pools for _ in range(many)]
    return [float(value) for value in np.array(level) + offset]
