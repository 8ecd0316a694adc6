"""What is recovered among the references that share a value of a column."""

from __future__ import annotations

import numpy as np

from scrub.results.comparison import Apart
from scrub.results.controls import Group
from scrub.results.result import Figure
from scrub.statistics.groups import apart
from scrub.statistics.multiplicity import holm
from scrub.study.assemble import estimated
from scrub.study.comparing.contrasting import subgroups
from scrub.study.controls.ground import Base


def groups(base: Base) -> tuple[Group, ...]:
    """Every subgroup with at least a few references, the one with least recovered first."""
    sample, ground = base.outcome.sample, base.ground
    looked = [
        (column, value, members)
        for column, value, members in subgroups(ground.plan.task.dataset, sample.references)
        if len(members) < len(sample.references)
    ]
    found = [
        None if base.value is None else apart(sample, members, ground.how, ground.clusters)
        for *_, members in looked
    ]
    told = [one for one in found if one is not None]
    adjusted = iter(holm(np.array([one.p for one in told])).tolist() if told else [])
    every = []
    for (column, value, members), one in zip(looked, found, strict=True):
        share = estimated(sample.within(members), ground.plan.settings)  # by itself
        gap = Apart(one.value, one.low, one.high, one.p, next(adjusted)) if one else None
        figure = Figure(share.value, share.low, share.high)
        every.append(Group(column, value, len(members), figure, gap, share.refusal))
    return tuple(sorted(every, key=_worst))


def _worst(group: Group) -> float:
    return np.inf if group.recovered.value is None else group.recovered.value
