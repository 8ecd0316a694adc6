"""Flash attention as transformers calls it, in plain torch: what it accepts, and nothing else.

`transformers.integrations.flash_attention` is handed queries, keys and values [row, head, position,
width], and a mask that is None or says of each row which keys are no padding, [row, key]: which
keys a query may read it works out from `is_causal` and the window. Where there are more keys than
queries, the last query reads the last key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers.modeling_utils import AttentionInterface

from scrub.models.implementations import implemented

NAME = "flash_attention_2"
UNREAD = -1e30


@contextmanager
def flash(module: nn.Module, patch: pytest.MonkeyPatch) -> Iterator[list[Tensor | None]]:
    """The module attends by the stand-in inside; the masks that it is handed."""
    masks: list[Tensor | None] = []

    def stand_in(*args: Any, **kwargs: Any) -> tuple[Tensor, None]:
        masks.append(args[4])
        return attention(*args, **kwargs), None

    patch.setitem(AttentionInterface._global_mapping, NAME, stand_in)
    with implemented(module, NAME):
        yield masks


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    is_causal: bool | None = None,
    position_ids: Tensor | None = None,
    s_aux: Tensor | None = None,
    **_: object,
) -> Tensor:
    """What each query's values come to, [row, position, head, width]."""
    (rows, heads, queries, width), keys = query.shape, key.shape[2]
    assert key.shape == (rows, key.shape[1], keys, width)
    assert value.shape[:3] == key.shape[:3]
    assert heads % key.shape[1] == 0  # grouped queries, each group in order
    assert dropout == 0.0
    _require_plain_positions(position_ids, rows)
    scores = query @ _repeated(key, heads).mT * (width**-0.5 if scaling is None else scaling)
    if softcap:
        scores = softcap * torch.tanh(scores / softcap)
    causal = bool(getattr(module, "is_causal", True) if is_causal is None else is_causal)
    scores = scores.masked_fill(_hidden(queries, keys, causal, sliding_window, query), UNREAD)
    if mask is not None:
        assert mask.shape == (rows, keys), f"flash attention takes no mask {tuple(mask.shape)}"
        scores = scores.masked_fill(mask[:, None, None, :] == 0, UNREAD)
    sinks = (
        scores[..., :0] if s_aux is None else s_aux.view(1, -1, 1, 1).expand(*scores.shape[:3], 1)
    )
    shares = torch.cat([scores, sinks.to(scores.dtype)], dim=-1).softmax(-1)[..., :keys]
    return (shares @ _repeated(value, heads)).transpose(1, 2)


def _require_plain_positions(position_ids: Tensor | None, rows: int) -> None:
    """Of one row, positions that start anew are taken for several packed sequences."""
    if position_ids is not None and rows == 1:
        steps = position_ids.diff(dim=-1)
        assert bool((steps == 1).all()), "flash attention would take the row for several"


def _repeated(heads: Tensor, wanted: int) -> Tensor:
    return heads.repeat_interleave(wanted // heads.shape[1], dim=1)


def _hidden(queries: int, keys: int, causal: bool, window: int | None, like: Tensor) -> Tensor:
    """Which keys a query does not read, [query, key]."""
    own = torch.arange(queries, device=like.device)[:, None] + keys - queries
    other = torch.arange(keys, device=like.device)[None]
    hidden = (other > own) if causal else torch.zeros_like(other > own)
    return hidden | (other <= own - window) if window else hidden
