"""Hypothesis files: a user's Python file is run, and its variable `hypothesis` taken."""

from __future__ import annotations

import inspect
import sys
import traceback
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from scrub.data.fetched import FETCHABLE, fetched_models
from scrub.data.files import existing_file, read_text
from scrub.data.shipped import shipped_hypotheses, shipped_models
from scrub.errors import InputRefused, Problem, nearest
from scrub.hypothesis.hypothesis import Hypothesis

MUST = "Write hypothesis = Hypothesis(claim, task=..., model=...)."


def load_hypothesis(path: str | Path) -> Hypothesis:
    """The hypothesis of a file, knowing its name, its claim in words, its folder and its source.

    A bare name such as `induction` is that of a shipped hypothesis. The file is run in a namespace
    of its own; modules beside it can be imported while it runs. Raises `InputRefused` in words,
    with the line of the user's file.
    """
    path = Path(path).expanduser()
    if str(path) in shipped_hypotheses():
        path = shipped_hypothesis(str(path))
    if path.suffix != ".py" and not path.is_dir():
        fix = nearest(path.name, shipped_hypotheses()) if not path.suffix else ""
        found = "is no hypothesis file: these are Python files, named *.py."
        raise InputRefused(Problem(str(path), found, fix))
    path = existing_file(path, [".py"]).resolve()
    source = read_text(path)
    namespace = _run(source, path)
    hypothesis = _hypothesis_of(namespace, path)
    name = hypothesis.name if hypothesis.name != "hypothesis" else path.stem
    claim = _first_paragraph(namespace.get("__doc__"))
    return hypothesis.placed(name=name, claim=claim, folder=path.parent, source=source)


def _run(source: str, path: Path) -> dict[str, Any]:
    """The variables of the file after it has run."""
    try:
        code = compile(source, str(path), "exec")
    except SyntaxError as error:
        shown = f" in {error.text.strip()!r}" if error.text else ""
        where = f"{path.name}, line {error.lineno or 1}"
        raise InputRefused(Problem(where, f"is not Python: {error.msg}{shown}.")) from None
    except ValueError as error:  # a null byte, before Python 3.12
        raise InputRefused(Problem(path.name, f"is not Python: {error}.")) from None
    module = types.ModuleType(f"hypothesis_file_{path.stem}")
    module.__file__ = str(path)
    with _importing_from(path.parent), _named(module):
        try:
            exec(code, module.__dict__)
        except InputRefused as refused:  # ours, in words already: say which line asked for it
            where = f"{path.name}, line {_line(refused, path)}"
            raise InputRefused([_placed(problem, where) for problem in refused.problems]) from None
        except (Exception, SystemExit) as error:  # the user's code: anything may be raised
            where = f"{path.name}, line {_line(error, path)}"
            said = f": {error}" if str(error) else ""
            raise InputRefused(Problem(where, f"raised {type(error).__name__}{said}")) from error
    return module.__dict__


def _placed(problem: Problem, where: str) -> Problem:
    return replace(problem, where=f"{where}: {problem.where}" if problem.where else where)


def _line(error: BaseException, path: Path) -> int:
    """The last line of the user's file that was being run."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno or 0 for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else 0


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """The folder on sys.path for a while; what was imported from it is forgotten afterwards.

    Else a second file would get the first one's `helpers`, if both have such a module beside them.
    """
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:  # unless the file took it off itself
            sys.path.remove(str(folder))
        beside = {
            name
            for name in set(sys.modules) - before
            if "." not in name and _lies_in(sys.modules[name], folder)
        }
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in beside:
                del sys.modules[name]


def _lies_in(module: types.ModuleType, folder: Path) -> bool:
    """Whether a top-level module is a file or a package right in this folder."""
    file = getattr(module, "__file__", None)
    if file is None:
        return False
    path = Path(file).resolve()
    return folder == (path.parent.parent if path.name == "__init__.py" else path.parent)


@contextmanager
def _named(module: types.ModuleType) -> Iterator[None]:
    """The module under its name while it runs, where dataclasses look for it."""
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules.pop(module.__name__, None)


def _hypothesis_of(namespace: dict[str, Any], path: Path) -> Hypothesis:
    found = namespace.get("hypothesis")
    if isinstance(found, Hypothesis):
        return found
    others = [name for name, value in namespace.items() if isinstance(value, Hypothesis)]
    fix = f"Rename one of: {', '.join(others)}." if others else MUST
    if "hypothesis" not in namespace:
        raise InputRefused(Problem(path.name, "has no variable 'hypothesis'.", fix))
    kind = type(found).__name__
    raise InputRefused(
        Problem(path.name, f"its variable 'hypothesis' is a {kind}, not a Hypothesis.", fix)
    )


def _first_paragraph(docstring: str | None) -> str:
    """What a file says it claims, on one line.

    >>> _first_paragraph('''Induction: a head attends
    ... to what followed.
    ...
    ... Source: Olsson et al. 2022.''')
    'Induction: a head attends to what followed.'
    """
    return " ".join(inspect.cleandoc(docstring or "").split("\n\n")[0].split())


def resolve_model_source(written: Any, folder: Path) -> Any:
    """Where a hypothesis's model comes from: a folder, a GGUF file, a hub id, or the object itself.

    A path is looked for beside the hypothesis (in `folder`), a bare name then among the shipped
    models and those that can be fetched, and what looks like `owner/name` is a hub id. Raises
    `InputRefused`.

    >>> resolve_model_source("openai-community/gpt2", Path("/nowhere"))
    'openai-community/gpt2'
    """
    if written is None:
        fix = "Set model= to a model folder, a shipped model's name or a hub id."
        raise InputRefused(Problem("model", "the hypothesis names no model.", fix))
    if not isinstance(written, (str, Path)):
        return written
    beside = (folder / Path(written).expanduser()).resolve()
    if str(written) and (beside.is_dir() or (beside.suffix == ".gguf" and beside.is_file())):
        return beside
    named = shipped_models() | fetched_models()
    if str(written) in named:
        return named[str(written)]
    if str(written) in FETCHABLE:
        fix = f"Run: scrub models get {written}"
        raise InputRefused(Problem(f"model '{written}'", "has not been fetched yet.", fix))
    if isinstance(written, str) and is_hub_id(written):
        return written
    where = f"model '{written}'"
    if len(Path(written).parts) > 1:
        raise InputRefused(Problem(where, f"there is no folder '{beside}'.", "Check the path."))
    found = f"is neither a folder in '{folder}' nor a shipped model."
    raise InputRefused(Problem(where, found, nearest(written, [*named, *FETCHABLE])))


def is_hub_id(written: str) -> bool:
    """`owner/name`, and no path: not `./name`, `../name`, `~/name`, `/name`.

    >>> is_hub_id("openai-community/gpt2"), is_hub_id("./models"), is_hub_id("gpt2")
    (True, False, False)
    """
    owner, slash, name = written.partition("/")
    return bool(slash and owner and name) and owner[0] not in ".~" and "/" not in name


def shipped_hypothesis(name: str) -> Path:
    """The file of a shipped hypothesis, by its stem. Raises `InputRefused`."""
    known = shipped_hypotheses()
    if name not in known:
        found = "is none of those that are shipped."
        raise InputRefused(Problem(f"hypothesis '{name}'", found, nearest(name, known)))
    return known[name]
