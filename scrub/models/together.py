"""All heads of an attention on one call's ports, of which the call's own is taken.

For modules that look at their heads together: norms over all of them, tables handed in from
outside, projections that share what they read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from scrub.models.attending import PORTS, attend
from scrub.models.base import Call
from scrub.models.circumstances import Circumstances
from scrub.models.families.base import Run
from scrub.models.pieces import Tensor, narrow
from scrub.models.substitute import Bound
from scrub.models.traced import traced

if TYPE_CHECKING:
    from scrub.models.heads import HeadsPiece


def together(piece: HeadsPiece, call: Call, seen: Circumstances) -> Tensor:
    """All heads on one call's ports, of which its own is taken."""
    normed: dict[int, Tensor] = {}
    for port in PORTS:
        value = call.ports[port]
        if id(value) not in normed:
            normed[id(value)] = piece.normed_at(port, value)
    outputs: dict[str, Tensor] = {}
    for port in PORTS:
        for path, value in _projected(piece, port, normed[id(call.ports[port])], call, seen):
            outputs[path] = _merged(piece, outputs.get(path), value, port)
    modules = piece.organ.projections or {}
    parts: dict[str, nn.Module] = {p: Bound(v, modules[p]) for p, v in outputs.items()}
    everyone = range(piece.heads.queries)
    read = piece.read([call])
    read = None if read is None else read.expand(-1, len(everyone), -1)
    z = attend(piece, piece.organ.whole[0].module, everyone, parts, call, seen, read)
    start, stop = piece.z(call.part.component)
    return narrow(z[..., start:stop], call).contiguous()  # a view would keep all heads' alive


def _projected(
    piece: HeadsPiece, port: str, normed: Tensor, call: Call, seen: Circumstances
) -> Iterator[tuple[str, Tensor]]:
    """What a port's projections make of its input, at all positions."""
    modules = {p: (piece.organ.projections or {})[p] for p in piece.attention.projections[port]}
    if piece.attention.run is Run.TRACED:
        whole = _spread(piece, normed, call) if port == "q" else normed
        yield from traced(piece.organ.whole[0].module, modules, whole, seen).items()
        return
    for path, module in modules.items():
        value = module(normed)
        yield path, _spread(piece, value, call) if port == "q" else value


def _spread(piece: HeadsPiece, value: Tensor, call: Call) -> Tensor:
    """Values at some positions of a whole sequence; what no one reads stays zero."""
    if call.at is None:
        return value
    whole = value.new_zeros(len(value), piece.length(call), value.shape[2])
    whole[torch.arange(len(value), device=value.device)[:, None], call.at] = value
    return whole


def _merged(piece: HeadsPiece, so_far: Tensor | None, value: Tensor, port: str) -> Tensor:
    """A fused projection's output: each port's slices from the port's own input."""
    if so_far is None:
        return value
    merged = so_far.clone()
    for head in range(piece.heads.queries):
        start = piece.attention.layout(port, head, piece.heads)
        stop = start + piece.heads.wide(port)
        merged[..., start:stop] = value[..., start:stop]
    return merged
