"""Whether padding changes a row: looked at on the data's own shortest and longest inputs.

The recording pads every input to the longest. A model whose tables depend on the length of what
it is given (rotary embeddings that scale with it) then computes another thing for a short row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray

from scrub.errors import ModelRefused
from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.measure import difference
from scrub.models.recording import pad_inputs


def require_padding_harmless(model: TransformersModel, inputs: Sequence[NDArray[Any]]) -> None:
    """Two passes over the shortest input, bare and padded to the longest, where lengths differ.

    Raises `ModelRefused`.
    """
    longest, short = max(map(len, inputs)), min(inputs, key=len)
    if len(short) == longest:
        return
    _stream(model, short[:1], 1)  # tables that grow with what they have seen start anew
    bare = _stream(model, short, len(short))
    padded = _stream(model, short, longest)[:, : len(short)]
    error, tolerance = difference(padded, bare), torch.finfo(model.dtype).eps ** (2 / 3)
    if not error <= tolerance:
        raise ModelRefused(
            f"model '{model.name}': an input of {len(short)} tokens is computed differently when "
            f"it is padded to {longest}, the data's longest: what its output reads differs by "
            f"{error:.2g}, and at most {tolerance:.2g} is allowed. Its tables depend on the "
            "length (rotary embeddings that scale with it do). Use inputs of equal lengths."
        )


def _stream(model: TransformersModel, tokens: NDArray[Any], length: int) -> torch.Tensor:
    """What the output reads, [1, length, width]."""
    site = Site(Kind.STREAM, model.graph[model.graph.output].ports[0].stream)
    padded, lengths = pad_inputs([tokens], length)
    return model.record(padded.to(model.device), lengths.to(model.device), [site])[site]
