"""A sublayer as one component, where nothing finer is exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scrub.models.families.base import Attention, Mixer

UNCUT = "its heads cannot be cut out exactly"
AROUND = ("before", "after", "on_sum", "scaled", "scale", "parallel", "beside")


def whole(path: str | tuple[str, ...], around: Mapping[str, Any], attends: bool) -> Mixer:
    """A sublayer that mixes positions."""
    if attends:
        return Mixer(path=path, letter="a", why=UNCUT, **around)
    return Mixer(path=path, **around)


def uncut(attention: Attention) -> Mixer:
    """An attention whose output projection may stand beside it."""
    assert isinstance(attention.path, str)
    path: str | tuple[str, ...] = attention.path
    if attention.out.startswith("../"):
        parent = attention.path.rpartition(".")[0]
        path = (attention.path, ".".join(filter(None, (parent, attention.out[3:]))))
    return whole(path, {name: getattr(attention, name) for name in AROUND}, attends=True)
