"""A hash of what determines a model's outputs, so that results name the model they are about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from scrub.models.substitute import weights

# Where the model was read from and what wrote it are no part of what it is.
IGNORED = frozenset(
    {"_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype"}
)


def fingerprint_of(module: nn.Module, config: Mapping[str, Any]) -> str:
    """sha256 over the class, the config, and the name, shape, dtype and bytes of every weight."""
    kept = {key: value for key, value in config.items() if key not in IGNORED}
    digest = hashlib.sha256(type(module).__name__.encode())
    digest.update(json.dumps(kept, sort_keys=True, default=str).encode())
    for name, tensor in weights(module):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        raw = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(raw.numpy().tobytes())
    return digest.hexdigest()
