"""Where a loaded model's parts sit, whichever transformers has laid it out.

A family's facts say where they are now; where the module is not laid out so, those of older
transformers are tried, the newest first, and then all of them with each mixture of experts as one
component: its experts may be no one module. What the module looks like decides, not a version.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace

from torch import nn

from scrub.errors import InputRefused
from scrub.models.anatomy import Anatomy, anatomy_of
from scrub.models.config import wiring_of
from scrub.models.families.base import MLP, Block, Config, Family


def placed(module: nn.Module, config: Config, name: str, family: Family | None = None) -> Anatomy:
    """The anatomy by the first layout that fits; `family` holds facts that stand in no file.

    Raises `InputRefused`, in terms of the newest layout, where none does.
    """
    architecture = type(module).__name__
    wiring = wiring_of(config, name, architecture, family)
    try:
        return anatomy_of(module, wiring, config, name)
    except InputRefused:
        for layout in _otherwise(wiring.family):
            with contextlib.suppress(InputRefused):
                before = wiring_of(config, name, architecture, layout)
                return anatomy_of(module, before, config, name)
        raise


def _otherwise(family: Family) -> Iterator[Family]:
    yield from family.older
    for layout in (family, *family.older):
        stacks = tuple(replace(stack, block=_uncut(stack.block)) for stack in layout.stacks)
        yield replace(layout, stacks=stacks)


Blocks = Block | Callable[[Config, int], Block]


def _uncut(block: Blocks) -> Blocks:
    """With no expert named."""
    if callable(block):
        return lambda config, layer: _without(block(config, layer))
    return _without(block)


def _without(block: Block) -> Block:
    return tuple(replace(s, experts="") if isinstance(s, MLP) else s for s in block)
