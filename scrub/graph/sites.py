"""Sites: the places whose plain activations are recorded."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What is recorded on the plain inputs."""

    STREAM = "stream"  # the sum at a port, before its norm; named by the stream
    OUTPUT = "output"  # a component's own activation (a head's z, an MLP's output)
    NEURONS = "neurons"  # an MLP's hidden units, for hypotheses that name some of them
    EXPERTS = "experts"  # what some of an MLP's experts add to its output, each range by itself
    PROJECTED = "projected"  # what a port's projection makes of the row: a head's q, k or v


@dataclass(frozen=True, slots=True)
class Projection:
    """What a port's projection makes of a row as it is: a head's queries, keys or values.

    Heads that share keys and values share one, under the name of the first.

    >>> str(Projection("a5.h0", "k", width=64))
    'a5.h0.k'
    """

    component: str
    port: str
    width: int

    @property
    def site(self) -> Site:
        """Where it is recorded."""
        return Site(Kind.PROJECTED, self.component, port=self.port)

    def __str__(self) -> str:
        return f"{self.component}.{self.port}"


@dataclass(frozen=True)
class Site:
    """A place whose plain activations are recorded, one row per distinct input.

    `experts` is the inclusive range of them, `port` that of a projection, in places of these kinds.

    >>> str(Site(Kind.OUTPUT, "m3")), str(Site(Kind.EXPERTS, "m3", (0, 3)))
    ('m3:output', 'm3:experts0-3')
    >>> str(Site(Kind.PROJECTED, "a5.h0", port="k"))
    'a5.h0:projected.k'
    """

    kind: Kind
    name: str
    experts: tuple[int, int] | None = None
    port: str = ""

    def __str__(self) -> str:
        if self.kind is Kind.STREAM:
            return self.name
        some = "" if self.experts is None else f"{self.experts[0]}-{self.experts[1]}"
        port = f".{self.port}" if self.port else ""
        return f"{self.name}:{self.kind.value}{some}{port}"
