"""Sites: the places whose plain activations are recorded."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What is recorded on the plain inputs."""

    STREAM = "stream"  # the sum at a port, before its norm; named by the stream
    OUTPUT = "output"  # a component's own activation (a head's z, an MLP's output)
    NEURONS = "neurons"  # an MLP's hidden units, for hypotheses that name some of them


@dataclass(frozen=True)
class Site:
    """A place whose plain activations are recorded, one row per distinct input."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.name if self.kind is Kind.STREAM else f"{self.name}:{self.kind.value}"
