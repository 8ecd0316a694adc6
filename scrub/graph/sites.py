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


@dataclass(frozen=True)
class Site:
    """A place whose plain activations are recorded, one row per distinct input.

    `experts` is the inclusive range of them, of a place of that kind.

    >>> str(Site(Kind.OUTPUT, "m3")), str(Site(Kind.EXPERTS, "m3", (0, 3)))
    ('m3:output', 'm3:experts0-3')
    """

    kind: Kind
    name: str
    experts: tuple[int, int] | None = None

    def __str__(self) -> str:
        some = "" if self.experts is None else f"{self.experts[0]}-{self.experts[1]}"
        return self.name if self.kind is Kind.STREAM else f"{self.name}:{self.kind.value}{some}"
