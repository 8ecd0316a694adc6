"""What a batch must hold so that a model can take it."""

from __future__ import annotations

from collections.abc import Iterable

from scrub.errors import InputRefused, Problem
from scrub.graph import Space
from scrub.models.base import Batch
from scrub.models.keywords import unplaced


def require_known(name: str, spaces: Iterable[Space], batch: Batch) -> None:
    """Tokens of the vocabulary, and no more of them than there are positions for.

    Raises `InputRefused`.
    """
    where = f"model '{name}'"
    for space in spaces:
        if not space.vocabulary or space.name not in batch.fields:
            continue
        tokens, known = batch.fields[space.name], space.vocabulary
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < known:
            wrong = tokens[(tokens < 0) | (tokens >= known)][0].item()
            found = f"token {wrong} is not in its vocabulary of {known}."
            raise InputRefused(Problem(where, found))
        if space.longest and tokens.shape[1] > space.longest:
            found = f"{tokens.shape[1]} tokens are more than the {space.longest} it has "
            raise InputRefused(Problem(where, f"{found}positions for.", "Shorten the rows."))
        _require_places(where, space, batch)


def _require_places(where: str, space: Space, batch: Batch) -> None:
    """Placeholders of all rows are filled in order: each row needs its own image's number."""
    if not space.placeholders:
        return
    tokens = unplaced((space,), batch).fields[space.name]
    for count in (tokens == space.placeholder).sum(dim=1).tolist():
        if count != space.placeholders:
            found = f"a row has {count} of token {space.placeholder}, in whose places its "
            found += f"image goes, and must have {space.placeholders}."
            raise InputRefused(Problem(where, found))
