"""What the host hands to a device while the device is still at work on what it had before."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def sent(values: NDArray[Any] | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values of the host on a device; to a GPU without waiting for it.

    A copy out of memory that is not pinned would first let the GPU finish all that it was given.
    """
    held = values
    if not isinstance(held, torch.Tensor):
        held = torch.from_numpy(np.ascontiguousarray(held))
    if device.type == "cuda" and held.device.type == "cpu":
        return held.pin_memory().to(device, non_blocking=True)
    return held.to(device)
