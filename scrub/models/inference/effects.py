"""What a sublayer does when what it reads is changed at one position."""

from __future__ import annotations

from typing import Any

import torch

from scrub.models.circumstances import CACHES
from scrub.models.inference.seen import Event, Tensor
from scrub.models.inference.trace import Found
from scrub.models.spots import first, hidden_of


def called(event: Event, value: Tensor) -> Any:
    """A module again, under the circumstances in which it was applied.

    What it was handed several times (queries, keys and values that are one tensor) stays one.
    """
    read = hidden_of(event.args, event.kwargs)
    args = tuple(value if held is read else held for held in event.args)
    kwargs = {
        name: None if name in CACHES else value if held is read else held
        for name, held in event.kwargs.items()
    }
    return event.module(*args, **kwargs)


def mixes(found: Found) -> tuple[bool, bool]:
    """Whether a sublayer reads other positions than its own, and whether it reads later ones."""
    other, later = False, False
    for event in found.chain:
        spot = event.read.shape[1] // 2
        changed = event.read.clone()
        noise = torch.randn(changed[:, spot].shape, generator=torch.Generator().manual_seed(1))
        changed[:, spot] += noise.to(changed) * changed.std()
        plain, gave = first(called(event, event.read)), first(called(event, changed))
        if gave.shape != plain.shape or gave.ndim < 3:
            continue
        moved = (gave - plain).abs().amax((0, *range(2, gave.ndim)))
        small = torch.finfo(gave.dtype).eps ** (2 / 3) * float(plain.abs().max())
        other |= bool((moved[:spot] > small).any() or (moved[spot + 1 :] > small).any())
        later |= bool((moved[:spot] > small).any())
    return other, later
