"""`revert`: the local intervention that undoes a broad one, found cell by cell and scored on
examples that the search has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scrub.data.task import Task
from scrub.engine.progress import Progress, Silent
from scrub.errors import InputRefused, Problem
from scrub.mediation.attribute import named, require_count
from scrub.mediation.cells import Cell
from scrub.mediation.cells import Written as WrittenCells
from scrub.mediation.columns import Written as WrittenPositions
from scrub.mediation.corruption import Corruption, corruption, require_apart
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.discover import halves
from scrub.mediation.measuring import Setting
from scrub.mediation.reverted import Reversal, Step
from scrub.mediation.reverting import Move, Numbers, Reverter, Strategy
from scrub.mediation.source import Framing, Sources, restored_edges
from scrub.mediation.trace import cells_on
from scrub.statistics.effects import mean_effects, shares
from scrub.statistics.recovered import ratio_refusal


def revert(
    model: object,
    task: Task | str | Path,
    *,
    corrupt: WrittenCorruption,
    cells: WrittenCells = "components",
    positions: WrittenPositions = "roles",
    stop: float = 0.9,
    strategy: str | Strategy = Strategy.GREEDY,
    budget: int = 10_000,
    frontier: int = 16,
    progress: Progress | None = None,
    **options: Any,
) -> Reversal:
    """The cells whose own values, given back in the corrupted run, repair it: found on one half of
    the examples, scored on the other.

    `cells` and `positions` are written as for `trace`; a cell that is itself what is corrupted is
    left out. The search ends where a share `stop` is repaired, and then gives up the cells without
    which it still is. `greedy` restores, step by step, the cell that repairs most given those
    restored already; `best_first` extends the best set found so far, and keeps `frontier` others
    waiting. At most `budget` sets are run. Options: references (both halves together), draws, seed,
    batch, dtype, device, folder, level, interval, replicates. Raises `InputRefused`.

    >>> found = revert("induction-2l", "repeated_tokens(n=64)", corrupt="embed=resample",
    ...                references=32)
    >>> found.cells, found.reached
    (('a1.h0@query',), True)
    """
    chosen = named("strategy", strategy, Strategy)
    require_count("budget", budget, 1)
    require_count("frontier", frontier, 1)
    if isinstance(stop, bool) or not isinstance(stop, (int, float)) or not 0 < stop <= 1:
        found = f"must be a share above 0 and at most 1, found {stop!r}."
        raise InputRefused(Problem("option 'stop'", found))
    setting = Setting.of(model, task, options)
    subject, told = setting.subject, progress or Silent()
    made = corruption(corrupt, subject)
    some = _candidates(cells_on(subject, cells, positions, None), made)
    require_apart(made, [what for cell in some for what in cell.row.whats])
    search, score = halves(setting)
    reverter = Reverter(search.subject, made, some, budget, told)
    _require_damage(search, reverter)
    moves, reached = _found(reverter, chosen, stop, frontier)
    ends = [move.cells for move in moves] or [()]
    last: Numbers = ends[-1]
    judge = Reverter(score.subject, made, some, budget, Silent())
    seen, held = reverter.values(ends), judge.values(ends)  # [move, example]
    both = [
        shares(values, of.wild, of.corrupted, half.units, half.how)
        for values, of, half in ((seen, reverter, search), (held, judge, score))
    ]
    whole = [
        shares(values[-1:], of.wild, of.corrupted, half.units, half.how)
        for values, of, half in ((seen, reverter, search), (held, judge, score))
    ]
    means = mean_effects(np.stack([judge.wild, judge.corrupted, held[-1]]), score.units, score.how)
    kept = [some[i] for i in last]
    edges, unclaimed = restored_edges(kept, subject)
    said = {
        "corruption": str(made),
        "cells": str(cells),
        "cell_positions": str(positions),
        "strategy": chosen.value,
        "stop": stop,
        "budget": budget,
        "frontier": frontier if chosen is Strategy.BEST_FIRST else None,
        "searched_on": len(search.subject.rows),
    }
    return Reversal(
        conventions=score.conventions(**said),
        per_example={"rows": score.subject.rows, "wild": judge.wild, "corrupted": judge.corrupted,
                     "path": held},
        cells=tuple(map(str, kept)),
        path=tuple(
            Step(str(some[move.cell]), move.restored, both[0].bounds(i), both[1].bounds(i))
            for i, move in enumerate(moves)
        ),
        stop=stop,
        reached=reached,
        candidates=len(some),
        evaluated=reverter.spent,
        budget=budget,
        searched=whole[0],
        held_out=whole[1],
        wild=means.bounds(0),
        corrupted=means.bounds(1),
        restored=means.bounds(2),
        edges=edges,
        unclaimed=unclaimed,
        framing=Framing.of(subject, made),
        sources=Sources.of(model, task, options.get("folder") or Path.cwd()),
        graph=subject.model.graph,
    )  # fmt: skip


def _candidates(some: Sequence[Cell], made: Corruption) -> list[Cell]:
    """Cells, less those that would only undo the corruption where it was made."""
    places = {(place.what, place.at) for place, _ in made.changes}
    left = [c for c in some if not {(what, c.column.at) for what in c.row.whats} & places]
    if not left:
        found = "all of them are what is corrupted itself."
        raise InputRefused(Problem("cells", found, "Name components that read it."))
    return left


def _require_damage(search: Setting, reverter: Reverter) -> None:
    """Refuse to repair what was not broken."""
    apart = mean_effects(reverter.wild - reverter.corrupted, search.units, search.how)
    refusal = ratio_refusal(apart.bounds(), search.how.level, "wild − corrupted", "raw effects")
    if refusal is not None:
        fix = "Corrupt more, or add examples."
        raise InputRefused(Problem("corruption", f"there is no damage to repair: {refusal}", fix))


def _found(
    reverter: Reverter, strategy: Strategy, stop: float, frontier: int
) -> tuple[list[Move], bool]:
    """The moves of a search; where it got there, what is not needed is given up, the cells that
    added least first."""
    if strategy is Strategy.GREEDY:
        moves, reached = reverter.greedy(stop)
    else:
        moves, reached = reverter.best_first(stop, frontier)
    if not reached or not moves:
        return moves, reached
    befores = [(), *(move.cells for move in moves[:-1])]
    added = {
        move.cell: reverter.known[move.cells] - reverter.known[before]
        for move, before in zip(moves, befores, strict=True)
    }
    order = sorted(added, key=lambda cell: added[cell])
    return [*moves, *reverter.spared(moves[-1].cells, order, stop)], True
