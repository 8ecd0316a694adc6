"""A run made larger: of more references and draws, only those that are new are run.

Draws are functions of the seed, the path, the reference and the index of the draw, and references
are the first of one seeded order. So a run with more of both holds every value of the smaller one,
and what was measured stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from scrub.compiler import Stats
from scrub.data.dataset import Dataset, Ints
from scrub.engine.metrics import Floats
from scrub.engine.progress import Progress
from scrub.engine.scrubbing import Values
from scrub.hypothesis.unfold import DrawKind
from scrub.models.base import Model
from scrub.sampling.donors import UNIMPORTANT, Donors, redraw_unimportant
from scrub.statistics.sequential import Sizes
from scrub.statistics.variance import Again
from scrub.study.assemble import Measured
from scrub.study.measuring import Clock, draw_each, recorded
from scrub.study.prepare import Plan, choose_references
from scrub.study.running import Runs

MOST_PAIRS = 512  # half-shared draws: their mean square is then known to about a tenth


@dataclass(frozen=True)
class _Piece:
    """Some references of a plan, as indices, in some of its draws: what is run at a time."""

    which: Ints
    draws: slice

    @property
    def items(self) -> int:
        return len(self.which) * len(range(self.draws.start, self.draws.stop))


@dataclass(eq=False)
class _Passing:
    """Tells what is done and not which schedule it is: a look is one stage."""

    progress: Progress

    def start(self, stage: str, total: int) -> None:
        pass

    def advance(self, amount: int) -> None:
        self.progress.advance(amount)


@dataclass(eq=False)
class Growing:
    """A plan measured at ever larger sizes, on one recording; a context manager.

    Generated donors are new inputs: with these, each size has a recording of its own.
    """

    plan: Plan
    model: Model
    progress: Progress
    clock: Clock
    measured: Measured | None = None
    halvings: int = 0
    _open: ExitStack = field(default_factory=ExitStack)
    _ready: tuple[Runs, Stats] | None = None
    _most: int = 0  # references at a time: as many as memory was planned for

    def __enter__(self) -> Growing:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def to(self, sizes: Sizes, stage: str) -> tuple[Plan, Measured]:
        """The plan at these sizes, which are at least the last ones, and what it measures."""
        plan = sized(self.plan, sizes)
        with self.clock("draw"):
            (donors,), dataset = draw_each([plan])
        runs, cost = self._recording(plan, dataset)
        pieces = list(self._new(plan))
        schedules = len(plan.prepared) - 1
        self.progress.start(stage, schedules * sum(piece.items for piece in pieces))
        with self.clock("run"):
            own, values = self._kept(plan)
            for piece in pieces:
                self._run(runs, plan, donors, piece, own, values)
        self.plan = plan
        self.measured = Measured(own, values, donors, runs.memory, self.halvings, cost)
        return plan, self.measured

    def again(self) -> Again | None:
        """Some references' first draw with the same donors and other unimportant inputs.

        None where not both are drawn: then there is nothing to tell apart.
        """
        assert self.measured is not None  # something has been looked at
        if not (draws_any(self.plan, *UNIMPORTANT) and draws_any(self.plan, DrawKind.DONOR)):
            return None
        assert self._ready is not None
        runs, plan = self._ready[0], replace(self.plan, null=None)
        settings = plan.settings
        count = min(MOST_PAIRS, len(plan.references))
        some = choose_references(len(plan.task.dataset), replace(settings, references=count))
        which = np.searchsorted(plan.references, some)
        first = _sliced(self.measured.donors, _Piece(which, slice(0, 1)))
        other = dict(first)
        for name in ("scrub", "baseline"):
            if name in plan.prepared:
                tree = plan.prepared[name].tree
                other[name] = redraw_unimportant(tree, first[name], settings.seed)
        self.progress.start("half-shared draws", (len(plan.prepared) - 1) * count)
        scrubbed, baseline = np.empty((count, 1)), np.empty((count, 1))
        with self.clock("run"):
            for start in range(0, count, self._most):
                part = np.arange(start, min(start + self._most, count))
                mine = replace(plan, references=plan.references[which[part]])
                found = runs.of(mine, _sliced(other, _Piece(part, slice(0, 1))))[1]
                scrubbed[part] = found["scrub"].metric
                baseline[part] = found["baseline"].metric
        return Again(which, scrubbed, baseline)

    def _recording(self, plan: Plan, dataset: Dataset) -> tuple[Runs, Stats]:
        """The recording that there is; a new one where generated donors are new inputs."""
        if self._ready is None or len(dataset) > len(plan.task.dataset):
            self._open.close()
            opened = recorded([plan], dataset, self.model, self.progress, self.clock)
            runs, (cost,) = self._open.enter_context(opened)
            runs.progress = _Passing(self.progress)
            self._ready = runs, cost
            self._most = self._most or len(plan.references)
        return self._ready

    def _new(self, plan: Plan) -> Iterator[_Piece]:
        """What has not been measured: new references in all draws, others in the new draws."""
        draws = plan.settings.draws
        everyone = np.arange(len(plan.references))
        if self.measured is None:
            yield from self._in_parts(everyone, slice(0, draws))
            return
        is_old = np.isin(plan.references, self.plan.references)
        yield from self._in_parts(everyone[~is_old], slice(0, draws))
        if draws > self.plan.settings.draws:
            yield from self._in_parts(everyone[is_old], slice(self.plan.settings.draws, draws))

    def _in_parts(self, which: Ints, draws: slice) -> Iterator[_Piece]:
        for start in range(0, len(which), self._most):
            yield _Piece(which[start : start + self._most], draws)

    def _kept(self, plan: Plan) -> tuple[Floats, dict[str, Values]]:
        """Room for all values of a plan, with those that are known in their places."""
        shape = (len(plan.references), plan.settings.draws)
        own, values = np.full(shape[0], np.nan), {}
        names = [name for name in ("baseline", *plan.prepared) if name != "model"]
        for name in dict.fromkeys(names):
            values[name] = Values(np.full(shape, np.nan), np.full(shape, np.nan))
        if self.measured is not None:
            place = np.searchsorted(plan.references, self.plan.references)
            own[place] = self.measured.model
            for name, held in self.measured.values.items():
                _put(values, name, held, place, slice(0, self.plan.settings.draws))
        return own, values

    def _run(
        self,
        runs: Runs,
        plan: Plan,
        donors: Mapping[str, Donors],
        piece: _Piece,
        own: Floats,
        values: dict[str, Values],
    ) -> None:
        """Run a piece, and put what it measures in its place."""
        mine = replace(plan, references=plan.references[piece.which])
        before = runs.bench
        found_own, found = runs.of(mine, _sliced(donors, piece))
        self.halvings += runs.halvings if runs.bench is not before else 0
        own[piece.which] = found_own
        for name, held in found.items():
            _put(values, name, held, piece.which, piece.draws)


def sized(plan: Plan, sizes: Sizes) -> Plan:
    """The plan with so many references and draws.

    Raises `InputRefused` for sizes that no run can have.
    """
    settings = replace(plan.settings, references=sizes.references, draws=sizes.draws)
    references = choose_references(len(plan.task.dataset), settings)
    return replace(plan, settings=settings, references=references)


def draws_any(plan: Plan, *kinds: DrawKind) -> bool:
    """Whether the claim or its baseline draws any variable of these kinds."""
    trees = [prepared.tree for prepared in (plan.claim, plan.baseline) if prepared is not None]
    return any(draw.kind in kinds for tree in trees for draw in tree.draws)


def _sliced(donors: Mapping[str, Donors], piece: _Piece) -> dict[str, Donors]:
    """The draws of a piece; of the model, which draws nothing, its one."""
    return {
        name: Donors(
            table.rows[:, piece.which][:, :, slice(0, 1) if name == "model" else piece.draws],
            table.dataset,
        )
        for name, table in donors.items()
    }


def _put(values: dict[str, Values], name: str, held: Values, which: Ints, draws: slice) -> None:
    """Some values in their places; of outputs that are no distribution there is no KL."""
    values[name].metric[which, draws] = held.metric
    kl = values[name].kl
    if held.kl is None or kl is None:
        values[name] = Values(values[name].metric, None)
    else:
        kl[which, draws] = held.kl
