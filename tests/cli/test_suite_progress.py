"""A suite's bars: what is told becomes a bar for all jobs, and one for each shard at hand."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from scrub.cli.suite_progress import SuiteBars, watching
from scrub.study.suites.messages import Advanced, Began, Ended, Finished, Lost, Outcome, Stage
from tests.study.suites.conftest import suite_of


def test_bars_follow_the_suite_and_each_shard(tmp_path: Path) -> None:
    job = suite_of(tmp_path, seeds=[7]).jobs()[0]
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with watching(quiet=False, console=console) as bars:
        progress = bars._progress
        bars.loads("induction-2l")
        assert _shown(bars) == ["reading the weights of induction-2l"]
        bars.starts(10, 4)
        assert _shown(bars) == ["10 jobs, 4 of them done before"]
        bars.hears(Stage(0, "recording", 60), None)
        bars.hears(Stage(1, "recording", 60), None)
        bars.hears(Began(0, 0), job)
        bars.hears(Stage(0, "running scrub", 16), None)
        bars.hears(Advanced(0, 12), None)
        assert _shown(bars)[1:] == [f"{job.label}: running scrub", "shard 2: recording"]
        assert [task.completed for task in progress.tasks] == [0, 12, 0]
        bars.hears(Finished(0, 0, Outcome("", {}, {}, 0.0)), job)
        bars.finds(job)
        bars.hears(Lost(1, "was killed"), None)
        bars.hears(Ended(0), None)
        assert [task.completed for task in progress.tasks] == [2]
        assert progress.tasks[0].total == 6
        bars.waits(3)
        assert _shown(bars) == ["waiting for 3 jobs of another suite"]


def _shown(bars: SuiteBars) -> list[str]:
    return [task.description for task in bars._progress.tasks]


def test_nobody_looking_means_no_bars() -> None:
    console = Console(file=io.StringIO())
    with watching(quiet=False, console=console) as bars:
        bars.starts(3, 0)
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
