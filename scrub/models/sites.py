"""What the names of a decoder's components and streams say: which layer, which head."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass


class What(enum.Enum):
    EMBED = "embed"
    HEAD = "a"
    MLP = "m"
    LOGITS = "logits"


@dataclass(frozen=True)
class Place:
    """A component, read from its name.

    >>> place_of("a9.h6")
    Place(what=<What.HEAD: 'a'>, layer=9, head=6)
    """

    what: What
    layer: int = 0
    head: int = 0


_HEAD = re.compile(r"a(\d+)\.h(\d+)")
_MLP = re.compile(r"m(\d+)")


def place_of(component: str) -> Place:
    if match := _HEAD.fullmatch(component):
        return Place(What.HEAD, int(match[1]), int(match[2]))
    if match := _MLP.fullmatch(component):
        return Place(What.MLP, int(match[1]))
    return Place(What(component))


def sublayers_before(stream: str, layers: int) -> tuple[int, int]:
    """How many attentions and how many MLPs feed a stream.

    >>> [sublayers_before(stream, 12) for stream in ("resid.3", "mid.3", "final")]
    [(3, 3), (4, 3), (12, 12)]
    """
    kind, _, number = stream.partition(".")
    if kind == "final":
        return layers, layers
    return (int(number) + (kind == "mid"), int(number))
