"""Processes that answer and are timed as a benchmark asks: one for each environment or contestant.

Requests and answers are lines of JSON on a process's standard input and output. Whoever asks waits
for the answer, so that only one of them is ever at work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any, TextIO

ROOT = Path(__file__).parent.parent
QUIET = {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
Answer = dict[str, Any]


@dataclass(frozen=True)
class Worker:
    """A process of one environment."""

    process: subprocess.Popen[str]

    def ask(self, task: str, **details: Any) -> Any:
        """What the process answers; an end of it is an error, and it has said why."""
        to, back = _pipes(self.process)
        print(json.dumps({"task": task, **details}), file=to, flush=True)
        line = back.readline()
        if not line:
            raise RuntimeError(f"the process for {task} {details} has ended; see above.")
        return json.loads(line)


@contextmanager
def working(environment: Path, module: str, log: Path) -> Iterator[Worker]:
    """A process of the environment that runs a module, and ends with the context."""
    command = [str(environment / "bin" / "python"), "-m", module]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env={**os.environ, **QUIET},
        )
        try:
            yield Worker(process)
        finally:
            _pipes(process)[0].close()
            process.wait()


def answer_all(tasks: Mapping[str, Callable[..., Answer]]) -> None:
    """Answer what is asked on standard input, until it ends."""
    with _answering() as answers:
        for line in sys.stdin:
            asked = json.loads(line)
            answer = tasks[asked.pop("task")](**asked)
            print(json.dumps(answer), file=answers, flush=True)


def installed(names: Sequence[str]) -> dict[str, str]:
    """The versions of those of these packages that are here."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@contextmanager
def _answering() -> Iterator[TextIO]:
    """Where the answers go. What the libraries print goes to standard error instead."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        yield answers


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
