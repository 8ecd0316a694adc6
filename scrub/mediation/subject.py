"""What is intervened on: a model, a task, and the examples on which effects are measured.

Examples are worked on in *scenes*, a few at a time; each (example, draw) is an item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from scrub.data.dataset import Ints
from scrub.data.task import Task
from scrub.data.tasks import resolve_task
from scrub.engine.budget import SHARE, parse_bytes
from scrub.engine.memory import free_bytes
from scrub.engine.metrics import Floats, Scorer
from scrub.engine.replacements import Draws
from scrub.engine.worlds import Layout
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Indices, ModelGraph, Part, Role
from scrub.hypothesis.claim import basis_fingerprint
from scrub.hypothesis.loading import resolve_model_source
from scrub.hypothesis.reading import basis_of
from scrub.mediation.budget import fitting, world_bytes
from scrub.mediation.moments import Moments
from scrub.mediation.places import Place, places
from scrub.mediation.scene import Scene
from scrub.models.base import Model
from scrub.models.batches import Inputs

ItemBytes = Callable[[ModelGraph, Mapping[str, int]], int]
TOKENS_AT_ONCE = 4096  # positions of a scene on a CPU: beyond this its caches lose


@dataclass(eq=False)
class Subject:
    """A model and a task, ready for interventions on some of the task's examples.

    `rows` are the references [row]; each gets `draws` draws of what is random, which `seed`
    fixes. `batch` items run at a time.
    """

    model: Model
    task: Task
    rows: Ints
    draws: int = 1
    seed: int = 0
    batch: int = 64
    budget: int | None = None  # bytes; None: most of what is free
    layout: Layout = field(init=False)
    bases: dict[str, torch.Tensor] = field(init=False, default_factory=dict)  # of subspaces

    def __post_init__(self) -> None:
        self.layout = Layout(self.model.graph)
        self.scorer = Scorer(self.task, self.task.dataset, self.model.device)
        self.inputs = Inputs.of(self.task.dataset, self.model.graph)
        self.moments = Moments(self.model, self.layout, self.task.dataset, self.inputs, self.bases)

    @staticmethod
    def of(
        model: object,
        task: Task | str | Path,
        *,
        references: int | None = 64,
        draws: int = 1,
        seed: int = 0,
        batch: int | None = None,
        memory: str | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        folder: Path | None = None,
    ) -> Subject:
        """From what a user has: a model (in memory, a folder, a name) and a task or data file.

        `references` examples are chosen by the seed; None takes all. At most `batch` items run at
        a time, and fewer where `memory` ("4GiB"; most of what is free, if nothing is said) does
        not hold them. Raises `InputRefused` where either cannot be used, and `ModelRefused` where
        the probe fails.
        """
        sizes = {"references": references, "draws": draws, "batch": batch}
        small = [name for name, size in sizes.items() if size is not None and size < 1]
        if small:
            raise InputRefused([Problem(f"option '{n}'", "must be at least 1.") for n in small])
        budget = None if memory is None else parse_bytes(memory)
        folder = folder or Path.cwd()
        found = resolve_task(task, folder)
        opened = opened_model(model, folder, dtype, device)
        total = len(found.dataset)
        chosen = np.arange(total)
        if references is not None and references < total:
            picked = np.random.default_rng(seed).choice(total, references, replace=False)
            chosen = np.sort(picked)
        length = sum(Inputs.of(found.dataset, opened.graph).longest.values())
        some = batch or max(1, TOKENS_AT_ONCE // max(length, 1))
        return Subject(opened, found, chosen.astype(np.int64), draws, seed, some, budget)

    @property
    def items(self) -> int:
        return len(self.rows) * self.draws

    def scenes(self, draws: int | None = None, besides: ItemBytes | None = None) -> Iterator[Scene]:
        """The items a few at a time: all draws of a reference follow one another.

        Where nothing is random one of the draws says it all, `draws=1`. `besides` is what an item
        takes besides the worlds, where a plan needs more. Raises `InputRefused` where one item
        does not fit the budget.
        """
        each = draws or self.draws
        batch = self._fitting(besides)
        rows, draw = np.repeat(self.rows, each), np.tile(np.arange(each), len(self.rows))
        for first in range(0, len(rows), batch):
            some = slice(first, first + batch)
            yield Scene(self, Draws(rows[some], draw[some], self.seed))

    def _fitting(self, besides: ItemBytes | None) -> int:
        graph, lengths = self.model.graph, self.inputs.longest
        each = world_bytes(graph, lengths) + (besides(graph, lengths) if besides else 0)
        free = int(free_bytes(self.model.device) * SHARE) if self.budget is None else self.budget
        return fitting(free, each, self.batch)

    def places(self, written: object) -> tuple[Place, ...]:
        """Places as users write them, with positions that the data have. Raises `InputRefused`."""
        found = places(written, self.model.graph)  # type: ignore[arg-type]
        problems = [p for place in found if (p := self._problem(place)) is not None]
        if problems:
            raise InputRefused(problems)
        return found

    def subspace(self, place: Place, basis: object) -> Place:
        """A component's output cut down to a subspace: `basis` is orthonormal, [width, k].

        Raises `InputRefused`.
        """
        where = f"place '{place}'"
        if not isinstance(place.what, Part):
            found = "a subspace is one of a component's output, not of a port or a state."
            raise InputRefused(Problem(where, found))
        try:
            matrix = basis_of(basis, [place.what], self.model.graph)
        except (TypeError, ValueError) as error:
            raise InputRefused(Problem(where, str(error))) from None
        name = basis_fingerprint(matrix)
        self.bases[name] = torch.from_numpy(matrix).to(self.model.device)
        return Place(Part(place.what.component, subspace=name), place.at)

    def _problem(self, place: Place) -> Problem | None:
        where, part = f"place '{place}'", place.what
        if isinstance(part, Part) and part.subspace and part.subspace not in self.bases:
            found = "is cut down to a subspace whose basis is not known here."
            return Problem(where, found, "Make the place by Subject.subspace(place, basis).")
        return self._position_problem(where, place)

    def _position_problem(self, where: str, place: Place) -> Problem | None:
        dataset = self.task.dataset
        space = self.layout.space(place.what)
        match place.at:
            case Role(name) if name not in dataset.roles:
                return Problem(where, f"no role '{name}'.", nearest(name, dataset.roles))
            case Role(name) if dataset.role_space(name) != space:
                found = f"role '{name}' counts positions of '{dataset.role_space(name)}', and "
                found += f"{place.what} lives in '{space}'."
                return Problem(where, found)
            case Role(name, item):
                sizes = {len(spots) for spots in dataset.roles[name]}
                if len(sizes) > 1 or 0 in sizes:
                    found = f"role '{name}' has {' or '.join(map(str, sorted(sizes)))} positions "
                    return Problem(where, f"{found}in an example, and must have equally many.")
                if item is not None and item >= min(sizes):
                    return Problem(where, f"role '{name}' has {min(sizes)} positions.")
            case Indices(indices):
                shortest = int(dataset.lengths_in(self.model.graph.space[space])[self.rows].min())
                if max(indices) >= shortest:
                    found = f"the shortest example has {shortest} positions."
                    return Problem(where, found, "Count from 0.")
        return None

    def averaged(self, values: Floats) -> Floats:
        """Values of items [..., item] as means over the draws [..., reference]."""
        means: Floats = values.reshape(*values.shape[:-1], len(self.rows), self.draws).mean(-1)
        return means


def opened_model(source: object, folder: Path, dtype: str, device: str) -> Model:
    """A model in memory as it is; a name, a folder or a module loaded and probed."""
    found = resolve_model_source(source, folder)
    if all(hasattr(found, name) for name in ("graph", "record", "run")):
        model: Model = found
        return model
    from scrub.models.loading import load
    from scrub.models.probed import require_probed

    loaded = load(found, dtype=dtype, device=device)
    require_probed(loaded)
    return loaded
