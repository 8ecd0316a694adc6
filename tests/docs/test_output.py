"""The README shows what the commands really print."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "update_readme.py"
SPEC = importlib.util.spec_from_file_location("update_readme", SCRIPT)
readme = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(readme)

VARYING = ("cost ", "fingerprints ", "versions ", "causal-scrub ")  # time, machine and versions
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e-?\d+)?")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.strip().startswith(VARYING)]


def numbers(line: str) -> list[float]:
    return [float(found.replace(",", "").rstrip(".")) for found in NUMBER.findall(line)]


@pytest.mark.parametrize("command", readme.blocks())
def test_the_readme_shows_what_the_command_prints(command):
    """Word for word; figures within a percent, for other processors round otherwise."""
    shown, printed = lines(readme.blocks()[command]), lines(readme.output_of(command))
    assert len(shown) == len(printed)
    for ours, theirs in zip(shown, printed, strict=True):
        assert NUMBER.sub("#", ours).split() == NUMBER.sub("#", theirs).split()
        assert numbers(ours) == pytest.approx(numbers(theirs), rel=0.01, abs=2e-3)


def test_there_is_something_to_show():
    assert len(readme.blocks()) == 2
    assert all(len(text) > 200 for text in readme.blocks().values())
