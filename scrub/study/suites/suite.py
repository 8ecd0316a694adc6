"""A suite: which hypotheses are tested on which models, data and metrics, under what conventions.

The same value is written in Python or in a TOML file; what is a list is tried in turn, each with
each of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from scrub.data.files import existing_file
from scrub.data.shipped import shipped_hypotheses
from scrub.data.task import METRICS
from scrub.data.tasks import resolve_task
from scrub.errors import InputRefused, Problem, nearest
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import resolve_model_source
from scrub.hypothesis.options import ENUMS, options
from scrub.study.settings import Settings
from scrub.study.suites.jobs import Job, Kind

OWN = ("references", "draws", "seed", "threads")  # settings that a suite has under its own names
CONVENTIONS = (*ENUMS, "limit")
IN_MEMORY = ("graph", "config")  # what hand-made and transformers' models have
ALONE = ("until", "most_references", "most_draws")  # of a run by itself: a suite gives the sizes
FURTHER = tuple(f.name for f in fields(Settings) if f.name not in (*OWN, *ALONE))


@dataclass(frozen=True)
class Suite:
    """What is to be run; every list is tried in turn, each value with each of the others.

    - `hypotheses`: files, names of shipped ones, or `Hypothesis` objects.
    - `models`, `data`, `metrics`: in place of the hypotheses' own; `data` names a built-in task or
      a file, whose rows take the place of those that a hypothesis has. Empty: as each says.
    - `references`, `draws`, `seeds`: sizes and seeds, as in `Settings`.
    - `conventions`: by name, in place of the hypotheses' own; `settings`: all else of `Settings`.
    - `controls`: whether each hypothesis is held against its controls, once on each model, data
      and metric; `adversary`: whether the worst allowed donors are sought as well.
    - `folder`: where relative files are looked for.

    Raises `InputRefused` with everything that is wrong at once.

    >>> suite = Suite(["induction", "induction_wrong"], seeds=[0, 1], controls=False)
    >>> [(job.name, job.settings.seed) for job in suite.jobs()]
    [('induction', 0), ('induction_wrong', 0), ('induction', 1), ('induction_wrong', 1)]
    """

    hypotheses: Any
    models: Any = ()
    data: Any = ()
    metrics: Any = ()
    references: Any = Settings.references
    draws: Any = Settings.draws
    seeds: Any = Settings.seed
    conventions: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    controls: bool = True
    adversary: bool = False
    name: str = "suite"
    folder: Path = field(default_factory=Path.cwd)

    def __post_init__(self) -> None:
        for name in LISTS:
            object.__setattr__(self, name, _listed(getattr(self, name)))
        object.__setattr__(self, "folder", Path(self.folder))
        problems = list(_problems(self))
        if problems:
            raise InputRefused(problems)
        conventions = {name: _listed(value) for name, value in self.conventions.items()}
        object.__setattr__(self, "conventions", conventions)
        files = tuple(_file(one, self.folder) for one in self.hypotheses)
        object.__setattr__(self, "hypotheses", files)

    @staticmethod
    def read(path: str | Path) -> Suite:
        """The suite of a TOML file. Raises `InputRefused` with everything that is wrong at once."""
        from scrub.study.suites.suite_file import read_suite  # which imports this module

        return read_suite(path)

    def jobs(self) -> tuple[Job, ...]:
        """Every job, in the order in which they are run: what has most in common lies together."""
        found = []
        models = [_model(one, self.folder) for one in self.models] or [None]
        for model, data, metric in product(models, self.data or [None], self.metrics or [None]):
            sizes = product(self.references, self.seeds, self.draws)
            settings = [self._settings(*size) for size in sizes]
            for each, conventions in product(settings, self._conventions()):
                for hypothesis in self.hypotheses:
                    place = (hypothesis, model, data, self.folder, metric)
                    found.append(Job(Kind.SCRUB, *place, conventions, each))
            first = (next(self._conventions()), settings[0])
            for kind in self._kinds():
                for hypothesis in self.hypotheses:
                    place = (hypothesis, model, data, self.folder, metric)
                    found.append(Job(kind, *place, *first))
        return tuple(dict.fromkeys(found))

    def _settings(self, references: int, seed: int, draws: int) -> Settings:
        return Settings(references=references, draws=draws, seed=seed, **self.settings)

    def _conventions(self) -> Iterator[tuple[tuple[str, object], ...]]:
        names = list(self.conventions)
        for values in product(*self.conventions.values()):
            yield tuple(zip(names, values, strict=True))

    def _kinds(self) -> Iterator[Kind]:
        if self.controls:
            yield Kind.CONTROLS
        if self.adversary:
            yield Kind.ADVERSARY


LISTS = ("hypotheses", "models", "data", "metrics", "references", "draws", "seeds")
KEYS = tuple(f.name for f in fields(Suite) if f.name != "folder")


def _table(value: object) -> Mapping[str, Any]:
    """What is no table has been named as such, and holds nothing more to be said."""
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple, range)) else (value,)


def _problems(suite: Suite) -> Iterator[Problem]:
    """All that is wrong, in the order of the fields."""
    if not suite.hypotheses:
        known = ", ".join(shipped_hypotheses())
        yield Problem("hypotheses", "there is none.", f"Name files, or some of: {known}.")
    for one in suite.hypotheses:
        yield from _tried("hypotheses", _file, one, suite.folder)
    for one in suite.models:
        yield from _tried("models", _model, one, suite.folder)
    for one in suite.data:
        yield from _tried("data", resolve_task, one, suite.folder)
    for one in suite.metrics:
        if one not in METRICS:
            yield Problem("metrics", f"'{one}' is none.", nearest(one, METRICS))
    for name, kind in (("conventions", Mapping), ("settings", Mapping), ("name", str)):
        if not isinstance(getattr(suite, name), kind):
            wanted = "a text" if kind is str else "a table of names and values"
            yield Problem(name, f"must be {wanted}, found {getattr(suite, name)!r}.")
    for name in ("controls", "adversary"):
        if not isinstance(getattr(suite, name), bool):
            yield Problem(name, f"must be true or false, found {getattr(suite, name)!r}.")
    yield from _sizes(suite)
    yield from _wrong_conventions(_table(suite.conventions))


def _sizes(suite: Suite) -> Iterator[Problem]:
    """What `Settings` has to say of each value, under the suite's names."""
    lists = {"references": "references", "draws": "draws", "seeds": "seed"}
    for name, setting in lists.items():
        values = getattr(suite, name)
        if not values:
            yield Problem(name, "is empty.", "Give at least one number, or leave it out.")
        for value in values:
            yield from _tried(name, Settings, **{setting: value})
    known = {}
    for name, value in _table(suite.settings).items():
        if name in FURTHER:
            known[name] = value
        else:
            others = {"seed": "seeds"}.get(name, name)
            fix = nearest(name, FURTHER)
            fix = f"It stands outside [settings], as {others}." if others in KEYS else fix
            fix = "scrub suite --workers shares the cores out." if name == "threads" else fix
            fix = "A suite gives the numbers of references and draws." if name in ALONE else fix
            yield Problem("settings", f"'{name}' is none of them.", fix)
    yield from _tried("settings", Settings, **known)


def _wrong_conventions(conventions: Mapping[str, Any]) -> Iterator[Problem]:
    for name, values in conventions.items():
        if name not in CONVENTIONS:
            yield Problem("conventions", f"'{name}' is none.", nearest(name, CONVENTIONS))
            continue
        if not _listed(values):
            yield Problem("conventions", f"{name} is an empty list.")
        for value in _listed(values):
            yield from _tried("conventions", options, **{name: value})


def _tried(where: str, make: Any, /, *args: Any, **kwargs: Any) -> Iterator[Problem]:
    """The problems that making something meets, each under the suite's own name for it."""
    try:
        make(*args, **kwargs)
    except InputRefused as refused:
        for one in refused.problems:
            place = f"{where}: {one.where}" if one.where else where
            yield Problem(place, one.found, one.fix)
    except (TypeError, ValueError) as error:
        yield Problem(where, f"cannot be {args or kwargs}: {error}.")


def _file(written: Any, folder: Path) -> str | Hypothesis:
    """A hypothesis in memory as it is, one in a file by its path, a shipped one by its name."""
    if isinstance(written, Hypothesis):
        return written
    if not isinstance(written, (str, Path)) or not str(written):
        raise InputRefused(Problem("", f"must be files or names, found {written!r}."))
    path = folder / Path(written).expanduser()
    if not path.is_file() and str(written) in shipped_hypotheses():
        return str(written)
    if not path.suffix and not path.exists():
        near = {*shipped_hypotheses(), *(one.name for one in folder.glob("*.py"))}
        found = "is neither a file nor a shipped hypothesis."
        raise InputRefused(Problem(f"'{written}'", found, nearest(written, sorted(near))))
    return str(existing_file(path, [".py"]).resolve())


def _model(written: Any, folder: Path) -> Any:
    """A model's place as it means the same in any folder; one in memory as it is."""
    if not isinstance(written, (str, Path)) and not any(map(partial(hasattr, written), IN_MEMORY)):
        found = f"must be folders, names or models in memory, found {written!r}."
        raise InputRefused(Problem("", found))
    found = resolve_model_source(written, folder)
    return str(found) if isinstance(found, Path) else found
