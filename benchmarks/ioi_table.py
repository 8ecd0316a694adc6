"""The one table of `ioi.py`: from raw figures to rows, on the screen and in the README."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks.measuring import insert

START, END = "<!-- ioi: made by `python -m benchmarks.ioi` -->", "<!-- ioi: end -->"
GIB = 2**30
NO_DEVICE = "On a GPU (`--device cuda --examples 512`): not measured, no device was to be had."
KEPT = ("recording", "live")
TITLES = {"a": "(a) a node for every head", "b": "(b) a node for every class"}


@dataclass(frozen=True)
class Derived:
    """What follows from one form's raw figures: medians over rounds, in seconds."""

    raw: Any

    def time(self, name: str) -> float:
        return float(statistics.median(self.raw["times"][name]))

    def rate(self, name: str) -> float:
        """FLOPs or bytes a second that the machine was seen to do."""
        return float(statistics.median(self.raw["rates"][name]))

    @property
    def plain(self) -> float:
        """Every node and draw a pass."""
        return self.time("plain, one pass") * _all(self)

    @property
    def careful(self) -> float:
        """One recording, then a pass for each inner node and draw; looking leaves up is free."""
        return self.time("recording of z") + self.time("careful, one pass") * _inner(self)

    @property
    def engine(self) -> float:
        return self.time("engine")

    @property
    def head_run(self) -> float:
        """What is left after the recording, in forward passes, for each head run."""
        run = self.engine - self.time("recording")
        return run / self.time("pass") / int(self.raw["head_runs"])

    @property
    def allowed(self) -> float:
        """A recording pass and 1/80 of a pass for each head run, in forward passes."""
        return self.time("recording") / self.time("pass") + int(self.raw["head_runs"]) / 80

    @property
    def arithmetic(self) -> float:
        """Seconds that the plan's FLOPs take at the machine's matrix rate."""
        return float(self.raw["forecast_flops"] / self.rate("matrix"))

    @property
    def movement(self) -> float:
        """Seconds that the plan's bytes take at the machine's memory rate."""
        return float(self.raw["planned_bytes"]["moved"] / self.rate("memory"))

    def excess(self, name: str, flops: str, moved: str) -> float:
        """A time in what the plan allows, arithmetic and then movement, round by round."""
        work, moves = self.raw[flops], self.raw["planned_bytes"][moved]
        rates = zip(self.raw["rates"]["matrix"], self.raw["rates"]["memory"], strict=True)
        allowed = [work / matrix + moves / memory for matrix, memory in rates]
        times = self.raw["times"][name]
        return float(statistics.median(t / a for t, a in zip(times, allowed, strict=True)))

    @property
    def planned(self) -> int:
        """Bytes of the recording and of the largest live set."""
        return int(self.raw["planned_bytes"]["recording"] + self.raw["planned_bytes"]["live"])


Cell = Callable[[Derived], str]


def _extrapolated(form: Derived, name: str, total: float, passes: int) -> str:
    return f"{total:,.1f} s (from {form.raw['sampled'][name]} of {passes:,} passes)"


def _inner(form: Derived) -> int:
    return int(form.raw["inner"] * form.raw["draws"])


def _all(form: Derived) -> int:
    return int(form.raw["nodes"] * form.raw["draws"])


def _apart(form: Derived, what: str) -> str:
    return f"{max(found[what] for found in form.raw['agreement'].values()):.1e}"


def _least(form: Derived, what: str) -> str:
    return f"{min(found[what] for found in form.raw['agreement'].values()):.1e}"


ROWS: tuple[tuple[str, str, Cell], ...] = (  # what, the bar, how it is found
    ("nodes × draws", "", lambda f: f"{f.raw['nodes']} × {f.raw['draws']}"),
    ("inner nodes × draws", "", lambda f: f"{f.raw['inner']} × {f.raw['draws']}"),
    ("heads run by the engine", "", lambda f: f"{f.raw['head_runs']}"),
    ("engine and rivals apart, logits", "≤ 1e-05", lambda f: _apart(f, "logits")),
    ("…, at any evaluated head", "≤ 1e-05", lambda f: _apart(f, "nodes")),
    ("least that an explained input changes", "≥ 1e-04", lambda f: _least(f, "effect")),
    ("one forward pass", "", lambda f: f"{f.time('pass'):.3f} s"),
    ("… of which the unembedding", "", lambda f: f"{1 - f.time('trunk') / f.time('pass'):.0%}"),
    ("recording pass", "", lambda f: f"{f.time('recording'):.3f} s"),
    ("engine in full", "", lambda f: f"{f.engine:.2f} s"),
    ("… of which compiling", "", lambda f: f"{f.time('compiling'):.3f} s"),
    (
        "engine, in forward passes",
        "recording + 1/80 a head run",
        lambda f: f"{f.engine / f.time('pass'):.2f} of {f.allowed:.2f}",
    ),
    ("a head run, in forward passes", "≤ 1/80", lambda f: f"1/{1 / f.head_run:.0f}"),
    (
        "plain rival, extrapolated",
        "",
        lambda f: _extrapolated(f, "plain", f.plain, _all(f)),
    ),
    (
        "careful rival, extrapolated",
        "",
        lambda f: _extrapolated(f, "careful", f.careful, _inner(f)),
    ),
    (
        "**times faster than the plain rival**",
        "(a) ≥ 180, GPU 200; (b) ≥ 20",
        lambda f: f"**{f.plain / f.engine:.0f}**",
    ),
    (
        "**times faster than the careful rival**",
        "(a) ≥ 60, GPU 70",
        lambda f: f"**{f.careful / f.engine:.0f}**",
    ),
    (
        "… than rivals that skip the unembedding",
        "",
        lambda f: " and ".join(f"{t * _trunk(f) / f.engine:.0f}" for t in (f.plain, f.careful)),
    ),
    (
        "the machine's rates",
        "",
        lambda f: f"{f.rate('matrix') / 1e9:,.0f} GFLOP/s, {f.rate('memory') / 1e9:,.1f} GB/s",
    ),
    (
        "the plan's FLOPs and bytes at these",
        "",
        lambda f: f"{f.arithmetic:.2f} s + {f.movement:.2f} s",
    ),
    (
        "engine in full, in those",
        "≤ 1.5",
        lambda f: f"{f.excess('engine', 'forecast_flops', 'moved'):.2f}",
    ),
    (
        "… the recording pass, in its own",
        "",
        lambda f: f"{f.excess('recording', 'recording_flops', 'recorded'):.2f}",
    ),
    (
        "engine in full, in recording passes",
        "GPU, 512 examples: ≤ 3",
        lambda f: f"{f.engine / f.time('recording'):.2f}",
    ),
    (
        "recording + largest live set, by the plan",
        "",
        lambda f: " + ".join(f"{f.raw['planned_bytes'][what] / GIB:.2f}" for what in KEPT) + " GiB",
    ),
    (
        "memory that the engine adds, in those",
        "≤ 1.5",
        lambda f: f"{f.raw['added_bytes'] / f.planned:.2f} ({f.raw['added_bytes'] / GIB:.2f} GiB)",
    ),
    ("peak memory of the process", "< 4 GiB", lambda f: f"{f.raw['peak_bytes'] / GIB:.2f} GiB"),
    (
        "forecast FLOPs / counted",
        "0.9 – 1.1",
        lambda f: f"{f.raw['forecast_flops'] / f.raw['counted_flops']:.3f}",
    ),
)


def _trunk(form: Derived) -> float:
    return form.time("trunk") / form.time("pass")


def rows(report: Any) -> list[list[str]]:
    forms = [Derived(raw) for raw in report["forms"].values()]
    return [[what, bar, *(cell(form) for form in forms)] for what, bar, cell in ROWS]


def heads(report: Any) -> list[str]:
    return ["", "bar", *(TITLES[form] for form in report["forms"])]


def caption(report: Any) -> str:
    named = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    threads = report["threads"]
    return (
        f"{report['machine']}; {report['device']}, {threads} thread{'' if threads == 1 else 's'}, "
        f"load {report['load']:.1f}; {report['examples']} examples of 16 tokens; medians of "
        f"{report['rounds']} rounds; {named}"
    )


def shown(report: Any) -> Table:
    """The table for a terminal."""
    table = Table(title="The IOI circuit against hook loops", caption=caption(report))
    for number, head in enumerate(heads(report)):
        table.add_column(head, justify="left" if number == 0 else "right")
    for row in rows(report):
        table.add_row(*(cell.replace("**", "") for cell in row))
    return table


def written(report: Any) -> str:
    """The table in Markdown."""
    lines = [heads(report), ["---", "---:", *("---:" for _ in report["forms"])], *rows(report)]
    return f"{caption(report)}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(readme: Path, results: Sequence[Path]) -> None:
    """Put the tables of all machines between the markers of the README."""
    reports = [json.loads(path.read_text()) for path in results]
    missing = [] if any(one["device"] == "cuda" for one in reports) else [NO_DEVICE]
    insert(readme, START, END, [*map(written, reports), *missing])
