"""A token trace as a picture: a target's probability, or its gradient, by state and position."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scrub.errors import InputRefused, Problem, nearest
from scrub.mediation.lens import TokenTrace
from scrub.report.grids import Heatmap, Panel
from scrub.report.measured import Measured

SHOWN = {
    "probability": "probability of the target",
    "gradient": "length of the gradient of the target's logit",
}


def heatmap(
    found: TokenTrace, row: int = 0, shown: str = "probability", tokens: Sequence[str] = ()
) -> Heatmap:
    """One row of a trace, states by positions, the input at the bottom; padding is left away.

    `tokens` are the strings of the row's positions as they were given (else their ids are shown).
    Raises `InputRefused` for a row that there is not, and for another thing to show.
    """
    rows = len(found.target)
    if not 0 <= row < rows:
        raise InputRefused(Problem(f"row {row}", f"the trace has rows 0 to {rows - 1}."))
    if shown not in SHOWN:
        raise InputRefused(Problem(f"shown '{shown}'", "is no value of it.", nearest(shown, SHOWN)))
    values = found.probability[:, row]
    if shown == "gradient":
        values = np.linalg.norm(found.gradient[:, row], axis=-1)
    spots = np.flatnonzero(~np.isnan(values[-1]))
    if tokens and len(tokens) != values.shape[1]:
        want = f"there are {len(tokens)} strings, and {values.shape[1]} positions."
        raise InputRefused(Problem("tokens", want, "Give one for each, padding included."))
    names = [tokens[spot] if tokens else _token(found, row, spot) for spot in spots.tolist()]
    panel = Panel(
        "residual state",
        found.states,
        tuple(names),
        Measured(values[:, spots]),
        positions=tuple(map(str, spots.tolist())),
    )
    said = f"{found.conventions['model']}, row {row}: target {found.target[row]}"
    how = f"read out by {found.conventions['read_out']}"
    if shown == "gradient":
        how = f"of its logit at position {found.scored_at[row]}"
    title = "What the logit depends on" if shown == "gradient" else "What every state says"
    return Heatmap(title, (panel,), unit=SHOWN[shown], said=(said, how), rows_are="state")


def _token(found: TokenTrace, row: int, spot: int) -> str:
    """A token's id, where the positions are those of tokens."""
    tokens = found.per_example.get("tokens")
    held = tokens is not None and tokens.shape[1] > spot and tokens[row, spot] >= 0
    return str(tokens[row, spot]) if tokens is not None and held else ""
