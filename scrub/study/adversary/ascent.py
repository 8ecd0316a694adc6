"""The search for the worst sampling: one lever after another, each given what the others do.

The mean of a metric is linear in the distribution of each donor given its class, so that among all
ways to choose donors, jointly or not, some worst one takes a single row for each class. What is
searched here is a bounded part of that, in rounds: for each lever the attributes that look worst in
the draws made so far, and some rows of each class; then attributes in which the donors of two
levers agree or differ. Each is tried on the references of the search, with all other draws as they
were, and the worst is kept if it hurts by more than a standard error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress
from scrub.hypothesis.unfold import DrawKind
from scrub.sampling.chosen import Rule, Strategy
from scrub.statistics.donors import surprise
from scrub.study.adversary.levers import Attribute, Lever
from scrub.study.adversary.refining import (
    Refined,
    Table,
    by_attribute,
    by_row,
    naming,
    rows_to_try,
    together,
)

Key = tuple[str, DrawKind]


@dataclass(frozen=True, eq=False)
class Tried:
    """One strategy on the references of the search: what was drawn, and the metric."""

    rows: Ints  # [variable, reference, draw]
    metric: Floats  # [reference, draw]


Evaluate = Callable[[Strategy], Tried]


@dataclass(frozen=True, eq=False)
class Ground:
    """What the search goes by.

    `worse` is 1 where a larger metric hurts and -1 where a smaller one does; `nothing` is the harm
    below which there is none but rounding; `model` [reference] holds the model's own metric, and
    `allowed` [row] says which rows may be chosen one by one.
    """

    dataset: Dataset
    told: Sequence[Attribute]
    evaluate: Evaluate
    worse: int
    nothing: float
    model: Floats
    allowed: NDArray[np.bool_]
    candidates: int
    rng: np.random.Generator


@dataclass(eq=False)
class Ascent:
    """The rules found so far, and what was tried."""

    ground: Ground
    levers: Sequence[Lever]
    chosen: dict[Key, Refined] = field(default_factory=dict)
    tried: dict[Key, int] = field(default_factory=dict)
    evaluations: int = 0
    rounds: int = 0
    first: Tried | None = None  # under the usual sampling
    last: Tried | None = None  # under all that was chosen

    def climb(self, rounds: int, progress: Progress) -> None:
        """Go round all levers until a round changes nothing, or as often as is allowed."""
        usual = current = self._try(())
        for _ in range(rounds):
            self.rounds += 1
            before = dict(self.chosen)
            progress.start(f"searching, round {self.rounds}", len(self.levers) + 1)
            for lever in self.levers:
                current = self._turn(lever, current)
                progress.advance(1)
            current = self._turn_two(usual, current)
            progress.advance(1)
            if self.chosen == before:
                break
        if self._hurts(current, usual) <= self.ground.nothing:
            self.chosen.clear()
            current = usual
        self.first, self.last = usual, current

    def _turn(self, lever: Lever, current: Tried) -> Tried:
        """One lever, the others as they are: what hurts most there, or nothing."""
        held = self.chosen.get(lever.key)
        others = [one for one in self.chosen.values() if one is not held]
        base = current if held is None else self._try(others)
        nothing = self.ground.nothing
        best, least, found = held, self._hurts(current, base), current
        if held is None or least <= nothing:
            best, least, found = None, nothing, base
        for refined, gain in self._refinements(lever, others, base):
            tried = self._try([*others, refined])
            hurts = self._hurts(tried, base) if gain is None else _least(gain)
            if hurts > least:
                best, least, found = refined, hurts, tried
        self.chosen.pop(lever.key, None)
        if best is not None:
            self.chosen[lever.key] = best
        return found

    def _refinements(
        self, lever: Lever, others: Sequence[Refined], base: Tried
    ) -> Iterable[tuple[Refined, Floats | None]]:
        """What is worth trying; of single rows with their gain on references not chosen by."""
        ground, table = self.ground, self._table(base)
        looked = by_attribute(lever, ground.told, table)[: ground.candidates]
        picks = rows_to_try(lever, ground.allowed, ground.candidates, ground.rng)
        self.tried[lever.key] = self.tried.get(lever.key, 0) + len(looked) + len(picks)
        yield from ((refined, None) for _, refined in looked)
        if not picks:
            return
        rules = {one.lever.key: one.rule for one in others}
        gains = []
        for pick in picks:
            tried = self._run({**rules, lever.key: naming(lever, pick)})
            gains.append(ground.worse * (tried.metric - base.metric))
        named = list(by_row(lever, picks, gains, table, ground.dataset))
        for one in sorted(named, key=lambda one: -_least(one.gain))[:2]:
            yield one.refined, one.gain

    def _turn_two(self, usual: Tried, current: Tried) -> Tried:
        """Two levers at once, whatever each was turned to: what the usual draws say is worst."""
        table, found = self._table(usual), []
        for first, second in combinations(self.levers, 2):
            found += list(together(first, second, self.ground.told, table))
        best, least, kept = None, self.ground.nothing, current
        for _, pair in sorted(found, key=lambda one: -one[0])[: self.ground.candidates]:
            tried = self._try({**self.chosen, **{one.lever.key: one for one in pair}}.values())
            for refined in pair:
                self.tried[refined.lever.key] = self.tried.get(refined.lever.key, 0) + 1
            if self._hurts(tried, current) > least:
                best, least, kept = pair, self._hurts(tried, current), tried
        for refined in best or ():
            self.chosen[refined.lever.key] = refined
        return kept

    def _try(self, refined: Iterable[Refined]) -> Tried:
        return self._run({one.lever.key: one.rule for one in refined})

    def _run(self, strategy: Mapping[Key, Rule]) -> Tried:
        self.evaluations += 1
        return self.ground.evaluate(strategy)

    def _table(self, tried: Tried) -> Table:
        return Table(tried.rows, self.ground.worse * surprise(tried.metric, self.ground.model))

    def _hurts(self, tried: Tried, base: Tried) -> float:
        return _least(self.ground.worse * (tried.metric - base.metric).mean(axis=1))


def _least(gain: Floats) -> float:
    """The mean of some references, less its standard error."""
    if len(gain) < 2:
        return 0.0
    return float(gain.mean() - gain.std(ddof=1) / np.sqrt(len(gain)))
