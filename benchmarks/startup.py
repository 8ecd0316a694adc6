"""How long does it take until the command line answers?

`scrub --help` shall take less than 0.4 s and `scrub check` less than 1.5 s: neither may import
torch or transformers. A run of a shipped hypothesis on its shipped model imports both, and shall
add less than 3 s to that. A bare interpreter stands beside them, for what no program can save.

    python -m benchmarks.startup
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.measuring import load, machine, versions
from benchmarks.publishing import keep, table
from scrub.data.repeated_tokens import rows as examples

TIMES = 7  # what counts as a measurement; less is not written down
IMPORTS = "import torch; from transformers import LlamaForCausalLM"  # the shipped model's class

HYPOTHESIS = '''"""The answer, and what the induction head carries."""
import networkx as nx
from scrub import EXACT, Hypothesis, Task, Dataset

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0", positions="end", feature="answer")
claim.add_edge("induction", "answer")
hypothesis = Hypothesis(claim, task="data.jsonl", model="induction-2l")
'''


@dataclass(frozen=True)
class Timed:
    """A command; the seconds that it may take, beyond those of the command named `beyond`."""

    name: str
    command: Sequence[str]
    allowed: float | None = None
    beyond: str = ""


def commands(claim: Path) -> tuple[Timed, ...]:
    """What is timed; `claim` is a hypothesis file with data of its own."""
    python, scrub = sys.executable, str(Path(sys.executable).with_name("scrub"))
    imports = "importing torch and the model's class"
    return (
        Timed("`python -c pass`", [python, "-c", "pass"]),
        Timed("`scrub --help`", [scrub, "--help"], 0.4),
        Timed("`scrub check`, 512 rows of JSON", [scrub, "check", str(claim)], 1.5),
        Timed(imports, [python, "-c", IMPORTS]),
        Timed("`scrub run induction`, beyond that", [scrub, "run", "induction"], 3.0, imports),
    )


def json_data(folder: Path) -> Path:
    """A hypothesis over 512 examples in a JSON Lines file."""
    lines = [
        json.dumps({"tokens": row["tokens"], "roles": {"end": row["roles"]["query"]},
                    "answer": row["next_token"]})
        for row in examples(512, seed=0)
    ]  # fmt: skip
    (folder / "data.jsonl").write_text("\n".join(lines) + "\n")
    path = folder / "claim.py"
    path.write_text(HYPOTHESIS)
    return path


def measured(timed: Sequence[Timed], times: int) -> dict[str, list[float]]:
    """Wall-clock seconds of each command, in turn, after one round that fills the caches."""
    found: dict[str, list[float]] = {one.name: [] for one in timed}
    for _ in range(times + 1):
        for one in timed:
            start = time.perf_counter()
            subprocess.run(one.command, check=True, stdout=subprocess.DEVNULL)
            found[one.name].append(time.perf_counter() - start)
    return {name: taken[1:] for name, taken in found.items()}


def rows(report: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """One row a command: median, least and most, what is allowed.

    >>> one = {"name": "b", "allowed": 3.0, "beyond": "a", "seconds": [3.0, 5.0, 4.0]}
    >>> other = {"name": "a", "allowed": None, "beyond": "", "seconds": [1.0, 1.0, 2.0]}
    >>> rows({"commands": [other, one]})
    [('a', '1.00', '1.00 – 2.00', ''), ('b', '2.00', '2.00 – 4.00', '< 3.0')]
    """
    taken = {one["name"]: one["seconds"] for one in report["commands"]}
    found: list[tuple[str, ...]] = []
    for one in report["commands"]:
        base = taken.get(one["beyond"], [0.0] * len(one["seconds"]))
        beyond = [long - short for long, short in zip(one["seconds"], base, strict=True)]
        middle = statistics.median(beyond)
        spread = f"{min(beyond):.2f} – {max(beyond):.2f}"
        found.append((one["name"], f"{middle:.2f}", spread, _bar(one["allowed"])))
    return found


def _bar(allowed: float | None) -> str:
    return "" if allowed is None else f"< {allowed:.1f}"


def markdown(report: Mapping[str, Any]) -> str:
    said = f"{report['machine']}, load {report['load']:.1f}; medians of {report['times']}"
    titles = ("command", "seconds", "least – most", "bar")
    return f"{said}\n\n{table(titles, rows(report))}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=TIMES)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        timed = commands(json_data(Path(folder)))
        taken = measured(timed, options.times)
    report = described(timed, taken, options.times)
    print(markdown(report))
    if options.times < TIMES:
        print("Too little for the record: nothing is written.")
        return 0
    keep("startup", report, markdown)
    return 0


def described(
    timed: Sequence[Timed], taken: Mapping[str, list[float]], times: int
) -> dict[str, Any]:
    return {
        "machine": machine(torch.device("cpu")),
        "load": load(),
        "versions": versions(),
        "times": times,
        "commands": [
            {
                "name": one.name,
                "allowed": one.allowed,
                "beyond": one.beyond,
                "seconds": taken[one.name],
            }
            for one in timed
        ],
    }


if __name__ == "__main__":
    raise SystemExit(main())
