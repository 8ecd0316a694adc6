"""Put the real output of commands into README.md: `python docs/update_readme.py`.

A block that follows `<!-- output: COMMAND -->` is what that command prints, at 100 columns.
`tests/docs/test_output.py` holds the README against this.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
BLOCK = re.compile(
    r"(<!-- output: scrub (?P<command>.*?) -->\n```text\n)(?P<text>.*?)(```\n<!-- end -->)",
    re.DOTALL,
)

FIGURES = re.compile(r"(<!-- figures -->\n)(.*?)(<!-- end -->)", re.DOTALL)
CLAIMS = (
    ("induction", "Q, K and V each from `embed` and `a0.h0`", "induction-2l"),
    ("induction_chain", "the textbook picture", "induction-2l"),
    ("induction_naive", "the head alone, its inputs left open", "induction-2l"),
    ("induction_wrong", "the refined claim without its keys", "induction-2l"),
    ("induction", "on the twin, which behaves alike and works otherwise", "induction-learned"),
    ("induction", "where four heads share the work", "induction-redundant"),
    ("induction", "built by hand, true by construction", "induction-exact"),
)


def output_of(command: str) -> str:
    """What a scrub command prints, without colours or trailing blanks."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-m", "scrub", *command.split()],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()).strip() + "\n"


def blocks() -> dict[str, str]:
    """Each command in the README with the text that stands under it."""
    return {m["command"]: m["text"] for m in BLOCK.finditer(README.read_text())}


def figures() -> str:
    """What each shipped claim recovers, as rows of a table."""
    from scrub import run
    from scrub.hypothesis.loading import load_hypothesis

    rows = ["| claim | model | recovered | 95 % interval |", "|---|---|---:|---|"]
    for name, said, model in CLAIMS:
        found = run(load_hypothesis(name).with_model(model)).recovered
        claim = f"[{name}](hypotheses/{name}.py): {said}"
        interval = f"{found.low:.3f} to {found.high:.3f}"
        rows.append(f"| {claim} | `{model}` | {found.value:.3f} | {interval} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    text = README.read_text()
    text = BLOCK.sub(lambda m: m[1] + output_of(m["command"]) + m[4], text)
    README.write_text(FIGURES.sub(lambda m: m[1] + figures() + m[3], text))


if __name__ == "__main__":
    main()
