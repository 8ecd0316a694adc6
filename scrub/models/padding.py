"""Whether padding changes a row: looked at on the data's own shortest and longest inputs.

The recording pads every input to the longest. A model whose tables depend on the length of what
it is given (rotary embeddings that scale with it) then computes another thing for a short row.
"""

from __future__ import annotations

import torch

from scrub.errors import ModelRefused
from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.measure import difference, rounding


def require_padding_harmless(model: TransformersModel, inputs: Inputs) -> None:
    """Two passes over the shortest input, bare and padded to the longest, where lengths differ.

    Tokens, and those of a decoder, are looked at in turn. Raises `ModelRefused`.
    """
    for name in inputs.sequences:
        lengths = [len(x) for x in inputs.fields[name]]
        if min(lengths) < max(lengths):
            _require_harmless(model, inputs, name, lengths.index(min(lengths)))


def _require_harmless(model: TransformersModel, inputs: Inputs, name: str, short: int) -> None:
    alone = inputs.some([short])
    if not any(space.placeholders for space in inputs.spaces):
        _stream(model, alone.cut(1), 0)  # tables that grow with what they have seen start anew
    bare = _stream(model, alone, 0)  # [1, position, width]
    padded = _stream(model, inputs, short)[:, : bare.shape[1]]
    error, tolerance = difference(padded, bare), 10 * rounding(model.dtype)
    if not error <= tolerance:
        size, longest = len(inputs.fields[name][short]), max(map(len, inputs.fields[name]))
        unit = name.replace("_", " ")
        raise ModelRefused(
            f"model '{model.name}': an input of {size} {unit} is computed differently when "
            f"it is padded to {longest}, the data's longest: what its output reads differs by "
            f"{error:.2g}, and at most {tolerance:.2g} is allowed. Its tables depend on the "
            "length (rotary embeddings that scale with it do). Use inputs of equal lengths."
        )


def _stream(model: TransformersModel, inputs: Inputs, which: int) -> torch.Tensor:
    """What the output reads of one of these inputs, [1, length, width]."""
    site = Site(Kind.STREAM, model.graph[model.graph.output].ports[0].stream)
    return model.record(inputs.batch([which], model.device), [site])[site]
