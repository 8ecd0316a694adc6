"""How long does it take until the command line answers?

`scrub --help` shall take less than 0.4 s and `scrub check` less than 1.5 s: neither may import
torch or transformers. A bare interpreter stands beside them, for what no program can save, and
`import torch` for what one that is not careful would pay.

    python benchmarks/startup.py
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scrub.data.repeated_tokens import rows

TIMES = 7
HELP, CHECK = 0.4, 1.5  # seconds allowed

HYPOTHESIS = '''"""The answer, and what the induction head carries."""
import networkx as nx
from scrub import EXACT, Hypothesis, Task, Dataset

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0", positions="end", feature="answer")
claim.add_edge("induction", "answer")
hypothesis = Hypothesis(claim, task="data.jsonl", model="induction-2l")
'''


def median_seconds(command: list[str]) -> float:
    """Wall-clock time of a command, the median of seven runs after one that fills the caches."""
    taken = []
    for _ in range(TIMES + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def json_data(folder: Path) -> Path:
    """A hypothesis over 512 examples in a JSON Lines file."""
    lines = [
        json.dumps({"tokens": row["tokens"], "roles": {"end": row["roles"]["query"]},
                    "answer": row["next_token"]})
        for row in rows(512, seed=0)
    ]  # fmt: skip
    (folder / "data.jsonl").write_text("\n".join(lines) + "\n")
    path = folder / "claim.py"
    path.write_text(HYPOTHESIS)
    return path


def main() -> None:
    scrub = str(Path(sys.executable).with_name("scrub"))
    with tempfile.TemporaryDirectory() as folder:
        path = str(json_data(Path(folder)))
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], None),
            "scrub --help": ([scrub, "--help"], HELP),
            "scrub check, 512 rows of JSON": ([scrub, "check", path], CHECK),
            "python -c 'import torch'": ([sys.executable, "-c", "import torch"], None),
        }
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, median of {TIMES}\n")
        print("| command | seconds | allowed |\n|---|---:|---:|")
        for name, (command, allowed) in commands.items():
            print(f"| {name} | {median_seconds(command):.2f} | {allowed or ''} |")


if __name__ == "__main__":
    main()
