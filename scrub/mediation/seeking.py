"""Which search is made, by what is asked for: as `scrub search` decides."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.mediation.attribute import named
from scrub.mediation.discover import Discovered, discover
from scrub.mediation.reverted import Reversal
from scrub.mediation.search import revert


class Sought(enum.Enum):
    """What is looked for."""

    REVERSAL = "reversal"  # cells that repair a corrupted run
    CIRCUIT = "circuit"  # edges that do in place of the model


OWN: Mapping[Sought, tuple[str, ...]] = {
    Sought.REVERSAL: ("cells", "positions", "stop", "strategy", "budget", "frontier"),
    Sought.CIRCUIT: ("how", "unit", "threshold", "criterion", "edges", "method", "steps"),
}
SEARCHES: Mapping[Sought, Callable[..., Reversal | Discovered]] = {
    Sought.REVERSAL: revert,
    Sought.CIRCUIT: discover,
}


def seek(
    sought: str | Sought,
    model: object,
    task: Any,
    *,
    corrupt: str | None,
    given: Mapping[str, Any],
    circuit: Path | None = None,
    **options: Any,
) -> Reversal | Discovered:
    """`revert` or `discover`; `given` are the options that are its own, None where nothing is said,
    and `circuit` the file that a circuit is to be written to.

    Raises `InputRefused` for options of the other search, before anything is loaded.
    """
    chosen = named("for", sought, Sought)
    said = {name: value for name, value in given.items() if value is not None}
    problems = [
        Problem(f"option '--{name}'", f"belongs to --for {other.value}.", "Leave it out.")
        for other, names in OWN.items()
        for name in names
        if other is not chosen and name in said
    ]
    if chosen is Sought.REVERSAL and circuit is not None:
        found = "belongs to --for circuit: a reversal is cells, not edges."
        problems.append(Problem("option '--circuit'", found, "Use --hypothesis."))
    if not corrupt:
        fix = "For example --corrupt embed=resample."
        problems.append(Problem("option '--corrupt'", "there is none.", fix))
    if problems:
        raise InputRefused(problems)
    return SEARCHES[chosen](model, task, corrupt=corrupt, **said, **options)
