"""The command line that gives a result again, every convention spelled out."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from scrub.data.shipped import shipped_hypotheses, shipped_models
from scrub.results.comparison import Comparison
from scrub.results.result import Result
from scrub.study.settings import Settings

SPELLED = (
    "references",
    "draws",
    "seed",
    "level",
    "interval",
    "estimand",
    "null",
    "until",
    "most_references",
    "most_draws",
    "dtype",
    "unimportant",
    "nodes",
    "replacement",
    "donors",
    "baseline",
    "root",
    "self_donation",
    "limit",
)
MACHINE = ("device", "threads", "memory", "batch")  # told where they were asked for


def run_again(result: Result) -> str:
    """For a shell, one option a line."""
    options = _options({**result.conventions, **_started(result)})
    return _lines(["scrub run", shlex.quote(_file(result.name)), *_model(result.model), *options])


def _started(result: Result) -> dict[str, int]:
    """Where a run that went on until its interval was narrow began."""
    if result.stopping is None or not result.stopping.looks:
        return {}
    first = result.stopping.looks[0]
    return {"references": first.references, "draws": first.draws}


def compare_again(found: Comparison) -> str:
    """For a shell, one option a line."""
    names = [shlex.quote(_file(one.name)) for one in found.results]
    margin = [f"--margin {found.conventions['margin']:g}"] if "margin" in found.conventions else []
    options = _options(found.conventions)
    return _lines(["scrub compare", *names, *_model(found.model), *margin, *options])


def caveats(result: Result) -> tuple[str, ...]:
    """What a reader has to supply, and what no option of the command line says."""
    said = []
    if result.name not in shipped_hypotheses():
        said.append(
            f"Name the file of the hypothesis in place of {_file(result.name)}: a result keeps "
            "what it says, not where it lies."
        )
    if result.model not in shipped_models() and "/" not in result.model:
        said.append(
            f"The model is the one that the file names, {result.model}; for another, add --model."
        )
    replicates = result.conventions.get("replicates", Settings.replicates)
    if replicates != Settings.replicates:
        said.append(f"From Python, with replicates={replicates}: no option of the command says it.")
    said.append(
        "The same data, weights and versions give the same draws; the fingerprints say whether "
        "they are the same."
    )
    return tuple(said)


def _file(name: str) -> str:
    return name if name in shipped_hypotheses() else f"{name}.py"


def _model(name: str) -> list[str]:
    """What can be found by its name: one that comes with scrub, or a hub id."""
    findable = name in shipped_models() or "/" in name
    return [f"--model {shlex.quote(name)}"] if findable else []


def _options(said: Mapping[str, Any]) -> list[str]:
    usual = Settings().as_dict()
    machine = [n for n in MACHINE if said.get(n) is not None and said[n] != usual[n]]
    names = [name for name in SPELLED if said.get(name) is not None]
    return [
        f"--{name.replace('_', '-')} {shlex.quote(str(said[name]))}" for name in [*names, *machine]
    ]


def _lines(parts: Sequence[str]) -> str:
    """
    >>> print(_lines(["scrub run", "induction", "--seed 3"]))
    scrub run induction \\
      --seed 3
    """
    first = " ".join(part for part in parts if not part.startswith("--"))
    return " \\\n  ".join([first, *(part for part in parts if part.startswith("--"))])
