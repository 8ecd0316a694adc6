"""Interactions and Shapley values as ranked bars."""

from __future__ import annotations

import numpy as np

from scrub.mediation.interacting import Interactions
from scrub.report.bars import Ranking
from scrub.report.measured import Measured
from scrub.report.numbers import count, level, number


def ranking(found: Interactions) -> Ranking:
    """What each set of members does that its smaller sets do not account for; for more than 12
    members, their Shapley values. Drawn by `scrub.report.bars.draw`.

    >>> from scrub import interactions
    >>> found = interactions("induction-2l", "repeated_tokens(n=64)", at="a0.h0,a1.h0",
    ...                      replacement="mean", references=8)
    >>> ranking(found).subsets
    (('a0.h0',), ('a1.h0',), ('a0.h0', 'a1.h0'))
    """
    said = found.conventions
    metric, out = said["metric"], found.direction == "knock_out"
    if found.interactions is None:
        effects, kept = found.shapley, slice(None)
        subsets: tuple[tuple[str, ...], ...] = tuple((name,) for name in found.members)
        unit = f"Shapley value on {metric}"
    else:
        effects, kept = found.interactions, slice(1, None)  # the empty set's is the whole metric
        subsets = tuple(tuple(found.members[i] for i in subset) for subset in found.subsets[1:])
        unit = f"interaction on {metric}"
    done = f"knocked out by {said['replacement']}" if out else "restored in the corrupted run"
    scored = f"{count(said['examples'], 'example')} × {count(said['draws'], 'draw')}"
    low, high = effects.low, effects.high
    values = np.asarray(effects.mean[kept])
    return Ranking(
        title=f"{count(len(found.members), 'member')} {done}",
        subsets=subsets,
        effects=Measured(values)
        if low is None or high is None
        else Measured(values, low[kept], high[kept]),
        unit=unit,
        said=(
            f"{said['model']} on {said['task']}: {metric} at {said['scored_at']}; "
            f"nobody {number(found.nobody.value)}, everybody {number(found.everybody.value)}",
            f"{scored}, seed {said['seed']}; {level(said['level'])} intervals over examples",
        ),
    )
