"""The light commands stay light: what they import, not how long it takes (see benchmarks/)."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "matplotlib", "scipy", "pandas"}

PROGRAM = """
import sys
sys.argv = ["scrub", *{arguments!r}]
from scrub.cli.app import main
try:
    main()
except SystemExit as done:
    print("exit", done.code)
print("loaded", *sorted(name for name in sys.modules if "." not in name))
"""


def _run(*arguments: str) -> tuple[str, set[str]]:
    """What a command prints in a fresh interpreter, and the modules that it leaves loaded."""
    program = PROGRAM.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    said, _, loaded = done.stdout.partition("loaded ")
    assert loaded, done.stderr
    return said, set(loaded.split())


def test_help_imports_nothing_of_weight() -> None:
    said, loaded = _run("--help")
    assert "exit 0" in said
    assert not loaded & (HEAVY | {"numpy", "networkx", "rich"})


@pytest.mark.parametrize("command", ["check", "plan", "show"])
def test_commands_that_load_no_weights_import_no_torch(command: str) -> None:
    said, loaded = _run(command, "induction")
    assert "exit 0" in said
    assert not loaded & HEAVY
    assert {"numpy", "networkx"} <= loaded  # the test can fail: these it does import
