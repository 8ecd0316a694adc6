"""All benchmarks in turn, each in a process of its own: what ran, what did not and why.

python -m benchmarks            # everything, about half an hour on two cores
python -m benchmarks ioi scrubs
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
ENVIRONMENTS = Path("/tmp/rivals")


@dataclass(frozen=True)
class Script:
    """A benchmark: its module and options, the environments it wants beside ours, a GPU or not."""

    name: str
    module: str
    options: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    device: bool = False

    def missing(self, folder: Path, device: bool) -> str | None:
        """Why it cannot run here; None where it can."""
        for name in self.environments:
            if not (folder / name / "bin" / "python").exists():
                return f"no environment {folder / name}: see benchmarks/README.md"
        return "not measured: no CUDA device" if self.device and not device else None

    def command(self, folder: Path) -> list[str]:
        places = [f"--{name}={folder / name}" for name in self.environments]
        return [sys.executable, "-m", f"benchmarks.{self.module}", *self.options, *places]


CUDA = ("--device", "cuda")
SCRIPTS = (
    Script("startup", "startup"),
    Script("ioi", "ioi"),
    Script("kernels", "kernels"),
    Script("growth", "growth"),
    Script("spared", "spared"),
    Script("simulated", "simulated"),
    Script("scrubs", "scrubs", environments=("one",)),
    Script("mediation", "mediation", environments=("one", "two")),
    Script("ioi on a GPU", "ioi", (*CUDA, "--examples", "512"), device=True),
    Script("kernels on a GPU", "kernels", CUDA, device=True),
    Script("launches", "launches", device=True),
    Script("large", "large", device=True),
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    known = [script.name for script in SCRIPTS]
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no benchmark is named {', '.join(unknown)}. Known: {', '.join(known)}.")
    device = has_device()
    failed = False
    for script in SCRIPTS:
        if options.names and script.name not in options.names:
            continue
        why = script.missing(options.environments, device)
        if why is not None:
            print(f"{script.name}: skipped, {why}", flush=True)
            continue
        failed |= not done(script, options.environments)
    return int(failed)


def done(script: Script, folder: Path) -> bool:
    """Run a script to its end, and say how long it took and what it wrote."""
    before = stamps(RESULTS)
    print(f"{script.name}: running …", flush=True)
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = subprocess.run(script.command(folder), cwd=ROOT, env=environment).returncode
    taken = (time.perf_counter() - start) / 60
    written = sorted(name for name, stamp in stamps(RESULTS).items() if before.get(name) != stamp)
    said = f"wrote {', '.join(written)}" if written else "wrote nothing"
    ended = "" if code == 0 else f"failed with exit code {code}, "
    print(f"{script.name}: {ended}{said}, {taken:.1f} minutes", flush=True)
    return code == 0


def stamps(folder: Path) -> dict[str, int]:
    """When each file of a folder was last written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.json")}


def has_device() -> bool:
    """Whether torch sees a GPU, asked in a process of its own: this one stays small."""
    asked = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", asked]).returncode == 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [script.name for script in SCRIPTS]
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(names)}; all if none")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="of the rivals")
    return parser


if __name__ == "__main__":
    sys.exit(main())
