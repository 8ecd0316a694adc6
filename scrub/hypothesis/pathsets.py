"""Paths from the root, which key the draws; and sets of paths, which key them under `joint`."""

from __future__ import annotations

import hashlib

from scrub.hypothesis.claim import Claim, Edge

_PRIME = 2**61 - 1
_Matrix = tuple[int, int, int, int]


def step(claim: Claim, edge: Edge) -> str:
    """One step of a path: the ports that are entered, and what enters them."""
    return f"{','.join(edge.ports)}:{claim.nodes[edge.parent].label}"


def path_sets(claim: Claim) -> dict[str, str]:
    """A name for each node's set of paths from the root, without listing them.

    A path is the product of one 2 × 2 matrix for each of its steps, modulo a prime; a set of paths
    is the sum of these products. Products keep the order of the steps, sums forget the order of
    the paths, and both are computed in one pass over the graph.
    """
    sums: dict[str, _Matrix] = dict.fromkeys(claim.nodes, (0, 0, 0, 0))
    sums[claim.sink] = _matrix(claim.nodes[claim.sink].label)
    for name in reversed(claim.topological):
        for edge in claim.parents[name]:
            through = _times(sums[name], _matrix(step(claim, edge)))
            old = sums[edge.parent]
            sums[edge.parent] = (
                (old[0] + through[0]) % _PRIME,
                (old[1] + through[1]) % _PRIME,
                (old[2] + through[2]) % _PRIME,
                (old[3] + through[3]) % _PRIME,
            )
    return {name: f"{claim.nodes[name].label}#{_digest(total)}" for name, total in sums.items()}


def _matrix(text: str) -> _Matrix:
    digest = hashlib.blake2b(text.encode(), digest_size=32).digest()
    a, b, c, d = (int.from_bytes(digest[i : i + 8], "little") % _PRIME for i in (0, 8, 16, 24))
    return a, b, c, d


def _times(x: _Matrix, y: _Matrix) -> _Matrix:
    return (
        (x[0] * y[0] + x[1] * y[2]) % _PRIME,
        (x[0] * y[1] + x[1] * y[3]) % _PRIME,
        (x[2] * y[0] + x[3] * y[2]) % _PRIME,
        (x[2] * y[1] + x[3] * y[3]) % _PRIME,
    )


def _digest(total: _Matrix) -> str:
    return hashlib.blake2b(repr(total).encode(), digest_size=8).hexdigest()
