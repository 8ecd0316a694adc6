"""Tasks by name: the built-in ones, and data files."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from scrub.data import colour_questions, dots, modular_addition, parens, programs, repeated_tokens
from scrub.data.dataset import Dataset
from scrub.data.readers import READERS, read
from scrub.data.shipped import shipped_folder
from scrub.data.task import Task, default_task
from scrub.errors import InputRefused, Problem, nearest


def _repeated_tokens(
    n: int = 512,
    seed: int = 0,
    vocabulary: int = repeated_tokens.VOCABULARY,
    length: int = repeated_tokens.LENGTH,
    shortest_period: int = repeated_tokens.SHORTEST_PERIOD,
    longest_period: int = repeated_tokens.LONGEST_PERIOD,
) -> Task:
    """The induction task: which token follows the query's earlier occurrence."""
    sizes: dict[str, Any] = {
        "vocabulary": vocabulary,
        "shortest_period": shortest_period,
        "longest_period": longest_period,
    }
    rows = repeated_tokens.rows(n, seed=seed, length=length, **sizes)
    return Task(
        Dataset.from_rows(rows, "task 'repeated_tokens'"),
        metric="loss",
        answer="next_token",
        at="query",
        name="repeated_tokens",
        generator=partial(repeated_tokens.like, **sizes),
    )


def _parens(
    n: int = 2048, seed: int = 0, longest: int = parens.LONGEST, shortest: int = parens.SHORTEST
) -> Task:
    """Balanced or not: the class that a classifier reads off at the start token."""
    sizes: dict[str, Any] = {"longest": longest, "shortest": shortest}
    return Task(
        Dataset.from_rows(parens.rows(n, seed=seed, **sizes), "task 'parens'"),
        metric="loss",
        answer="balanced",
        at=0,
        name="parens",
        generator=partial(parens.like, **sizes),
    )


def _program(program: str, n: int = 512, seed: int = 0) -> Task:
    """One of the compiled programs: its answer at the end of a string."""
    return Task(
        Dataset.from_rows(programs.rows(program, n, seed=seed), f"task '{program}'"),
        metric="loss",
        answer="answer",
        at="end",
        name=program,
        generator=partial(programs.like, program=program),
    )


def _modular_addition(
    n: int = 2809, seed: int = 0, prime: int = modular_addition.PRIME, skip: int = 0
) -> Task:
    """The sum of two numbers on a circle of `prime`; 2,809 pairs are all for 53. `skip` leaves out
    the first pairs: those that a model was trained on."""
    rows = modular_addition.rows(n, seed=seed, prime=prime)[skip:]
    return Task(
        Dataset.from_rows(rows, "task 'modular_addition'"),
        metric="loss",
        answer="answer",
        at="end",
        name="modular_addition",
        generator=partial(modular_addition.like, prime=prime),
    )


def _dots(n: int = 1024, seed: int = 0) -> Task:
    """Pictures: the patch of the dot of the ring's colour, by a classifier."""
    return Task(
        Dataset.from_rows(dots.rows(n, seed=seed), "task 'dots'"),
        metric="loss",
        answer="asked_place",
        at=0,
        name="dots",
        generator=dots.like,
    )


def _colour_questions(n: int = 1024, seed: int = 0) -> Task:
    """Pictures and questions: the colour of the shape that a question names."""
    rows = colour_questions.rows(n, seed=seed)
    return Task(
        Dataset.from_rows(rows, "task 'colour_questions'"),
        metric="loss",
        answer="answer",
        at="end",
        name="colour_questions",
        generator=colour_questions.like,
    )


TASKS: Mapping[str, Callable[..., Task]] = {
    "repeated_tokens": _repeated_tokens,
    "parens": _parens,
    "modular_addition": _modular_addition,
    "dots": _dots,
    "colour_questions": _colour_questions,
    **{name: partial(_program, name) for name in programs.PROGRAMS},
}


def task(name: str, **options: Any) -> Task:
    """A built-in task by its name, with other sizes than its own if wanted.

    >>> task("repeated_tokens", n=8, seed=1).dataset.example(0)["period"]
    11
    """
    if name not in TASKS:
        raise InputRefused(Problem(f"task '{name}'", "does not exist.", nearest(name, TASKS)))
    make, where = TASKS[name], f"task '{name}'"
    known = inspect.signature(make).parameters
    problems = [
        Problem(where, f"has no option '{option}'.", nearest(option, known))
        for option in options
        if option not in known
    ] + [
        Problem(where, f"{option} must be a whole number of at least {least}, not {value!r}.")
        for option, value in options.items()
        if option in known
        for least in [min(known[option].default, 1)]  # a default may be written out
        if (not isinstance(value, int) or isinstance(value, bool) or value < least)
    ]
    if problems:
        raise InputRefused(problems)
    try:
        return make(**options)
    except ValueError as error:  # sizes that do not fit together, in words
        raise InputRefused(Problem(where, f"{str(error).removeprefix(f'{name}: ')}.")) from None


def resolve_task(written: Task | str | Path, folder: Path) -> Task:
    """The task that a hypothesis names: itself, a built-in one, or a data file.

    A built-in one may be given options, `"repeated_tokens(n=64, seed=1)"`; a data file is looked
    for beside the hypothesis (in `folder`), then among what is shipped.
    """
    if isinstance(written, Task):
        return written
    if not isinstance(written, (str, Path)) or not str(written):
        found = f"must be a Task, a built-in task's name or a data file, not {written!r}."
        raise InputRefused(Problem("task", found))
    if isinstance(written, str) and (built_in := _built_in(written)):
        return built_in
    path = Path(written).expanduser()
    candidates = [folder / path, shipped_folder() / path, shipped_folder() / "data" / path]
    found_file = next((c for c in candidates if c.is_file()), None)
    if found_file is None and not path.suffix and len(path.parts) == 1:
        raise _unknown(str(written), folder)
    return default_task(read(found_file or candidates[0]), path.stem)


def _unknown(written: str, folder: Path) -> InputRefused:
    """Neither a task nor a file: the nearest of both."""
    files = [p.name for p in folder.iterdir() if p.suffix in READERS] if folder.is_dir() else []
    fix = nearest(written, [*TASKS, *sorted(files)])
    return InputRefused(Problem(f"task '{written}'", "is neither a built-in nor a data file.", fix))


@lru_cache(maxsize=8)  # each run of a hypothesis asks for its task, and making rows takes time
def _built_in(written: str) -> Task | None:
    """The built-in task that this names; nobody is handed it but runs, which change nothing."""
    named = _named(written)
    return task(named[0], **named[1]) if named else None


def _named(written: str) -> tuple[str, dict[str, Any]] | None:
    """`name` or `name(option=value, …)` as name and options; None if it is neither.

    >>> _named("repeated_tokens(n=64, seed=1)"), _named("data/facts.jsonl")
    (('repeated_tokens', {'n': 64, 'seed': 1}), None)
    """
    if written in TASKS:
        return written, {}
    if not written.rstrip().endswith(")"):
        return None
    try:
        call = ast.parse(written.strip(), mode="eval").body
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args:
            options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
            return call.func.id, options
    except (SyntaxError, ValueError):
        pass  # neither a call nor plain values: said below
    raise InputRefused(
        Problem(
            f"task '{written}'",
            "options are written name=value, with plain values.",
            "For example repeated_tokens(n=256, seed=1).",
        )
    )
