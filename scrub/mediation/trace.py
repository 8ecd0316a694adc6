"""Causal tracing: a wild run, a corrupted run, and the corrupted run with one cell restored.

What restoring a cell repairs is its total effect; what of this reaches the output by no other
component is its direct effect, and the rest the indirect one. Source: Meng et al. 2022 ("Locating
and editing factual associations in GPT"); Vig et al. 2020 ("Investigating gender bias in language
models using causal mediation analysis").
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrub.data.shipped import shipped_hypotheses
from scrub.data.task import Task
from scrub.data.tasks import resolve_task
from scrub.engine.progress import Progress, Silent
from scrub.engine.threads import threaded
from scrub.errors import InputRefused, Problem, nearest
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import load_hypothesis
from scrub.mediation.carrying import Direction
from scrub.mediation.cells import USUAL, Cell, cells, rows
from scrub.mediation.cells import Written as WrittenCells
from scrub.mediation.columns import Written as WrittenPositions
from scrub.mediation.columns import columns, speller
from scrub.mediation.corruption import Corruption, corruption, pairs, require_apart
from scrub.mediation.corruption import Written as WrittenCorruption
from scrub.mediation.journal import code, journal
from scrub.mediation.measuring import Setting, is_random
from scrub.mediation.subject import Subject
from scrub.mediation.sweep import Sweep, Swept
from scrub.mediation.traced import Trace, assembled
from scrub.models.code import code_text

DRAWS = 4  # where something is drawn and nothing is said


def trace(
    model: object,
    task: Task | str | Path | None = None,
    *,
    corrupt: WrittenCorruption = (),
    cells: WrittenCells = USUAL,
    positions: WrittenPositions = "roles",
    direction: str | Direction = Direction.RESTORE,
    metric: str | Callable[..., Any] | None = None,
    journal: str | Path | None = None,
    stack: int | None = None,
    tokenizer: Any = None,
    threads: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Trace:
    """The total, direct and indirect effect of every cell under a corruption.

    A hypothesis (or its file) in place of the model brings its model and its task. `corrupt` is
    written as in `scrub.mediation.corruption`, `cells` as in `cells`, `positions` as in `columns`.
    With a `journal`, a stopped trace goes on where it was. `stack` cells run as one batch at most.
    Options: references, draws, seed, batch, dtype, device, folder, level, interval, replicates.
    Where nothing is drawn one draw is made, else four if no number is given.

    Raises `InputRefused` with what cannot be used, `ModelRefused` where the probe fails.

    >>> found = trace("induction-exact", "repeated_tokens(n=64)", corrupt="embed@match=resample",
    ...               cells="heads", references=8, draws=1)
    >>> [(cell.component, cell.position) for cell in found.top(2)]
    [('a0.h0', 'after_match'), ('a1.h0', 'query')]
    """
    way, given = _direction(direction), pairs(corrupt)
    if threads is not None and threads < 1:
        raise InputRefused(Problem("option 'threads'", f"must be at least 1, found {threads}."))
    if options.get("draws") is None:
        options["draws"] = DRAWS if any(is_random(new) for _, new in given) else 1
    with threaded(threads):
        source, asked = _source(model, task, metric, options)
        setting = Setting.of(source, asked, options)
        made = corruption(given, setting.subject)
        some = cells_on(setting.subject, cells, positions, tokenizer)
        require_apart(made, [what for cell in some for what in cell.row.whats])
        swept, seconds = _swept(setting.subject, made, some, way, journal, stack, progress)
        return assembled(setting, made, some, way, swept, seconds)


def _direction(written: str | Direction) -> Direction:
    known = [way.value for way in Direction]
    if isinstance(written, Direction) or written in known:
        return Direction(written)
    fix = nearest(written, known)
    raise InputRefused(Problem("option 'direction'", f"'{written}' is no value of it.", fix))


def _source(
    model: object,
    task: Task | str | Path | None,
    metric: str | Callable[..., Any] | None,
    options: dict[str, Any],
) -> tuple[object, Task]:
    """The model and the task, of a hypothesis where one is given in the model's place."""
    if isinstance(model, (str, Path)) and _is_hypothesis(str(model), task):
        model = load_hypothesis(model)
    if isinstance(model, Hypothesis):
        options.setdefault("folder", model.folder)
        source, task = model.model, model.task if task is None else task
    else:
        source = model
    if task is None:
        fix = "Name a task or a data file, or give a hypothesis, which brings its own."
        raise InputRefused(Problem("task", "there is none.", fix))
    found = resolve_task(task, options.get("folder") or Path.cwd())
    return source, found if metric is None else replace(found, metric=metric)


def _is_hypothesis(written: str, task: object) -> bool:
    """A hypothesis file, or a shipped one's name where no task makes it a model's."""
    return written.endswith(".py") or (task is None and written in shipped_hypotheses())


def cells_on(
    subject: Subject, written: WrittenCells, positions: WrittenPositions, tokenizer: Any
) -> tuple[Cell, ...]:
    """Rows and columns, what is wrong with either said at once."""
    problems: list[Problem] = []
    spaces = [space.name for space in subject.model.graph.spaces]
    try:
        made = rows(written, subject.layout)
        spaces = [row.space for row in made]
    except InputRefused as refused:
        problems += refused.problems
    try:
        some = columns(positions, subject, spaces, speller(subject.model, tokenizer))
    except InputRefused as refused:
        problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return cells(made, some)


def _swept(
    subject: Subject,
    made: Corruption,
    some: Sequence[Cell],
    way: Direction,
    path: str | Path | None,
    stack: int | None,
    progress: Progress | None,
) -> tuple[Swept, float]:
    """All cells, and the seconds that they took."""
    if stack is not None and stack < 1:
        raise InputRefused(Problem("option 'stack'", f"must be at least 1, found {stack}."))
    start = time.perf_counter()
    sweep = Sweep(subject, made, some, way, stack)
    with journal(path, _told(subject, made, way) if path else {}) as kept:
        found = sweep.run(kept, progress or Silent())
    return found, time.perf_counter() - start


def _told(subject: Subject, made: Corruption, way: Direction) -> dict[str, Any]:
    """All that a cell's values depend on: what a journal's entries are kept under."""
    task, model = subject.task, subject.model
    return {
        "model": model.fingerprint(),
        "data": task.dataset.fingerprint(),
        "metric": task.metric if isinstance(task.metric, str) else code_text(task.metric),
        "answer": [task.answer, task.wrong, repr(task.positions)],
        "corruption": made.written,
        "direction": way.value,
        "rows": subject.rows.tolist(),
        "draws": subject.draws,
        "seed": subject.seed,
        "batch": subject.batch,
        "machine": [str(model.dtype), model.device.type],
        "code": code(),
    }
