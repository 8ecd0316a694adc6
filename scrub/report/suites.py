"""Suites as a person reads them: the jobs with their forecast, and what they came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.report.numbers import DASH, count, flops, number, ratio
from scrub.report.tables import Listing, heading
from scrub.study.suites.jobs import Job, Kind
from scrub.study.suites.planning import Forecast, State, recordings
from scrub.study.suites.suite import Suite
from scrub.study.suites.suites import Became, Part, Ran

STYLES = {"done": "green", "found": "dim", "failed": "red", "refused": "red"}


def forecast(suite: Suite, found: Sequence[Forecast]) -> RenderableType:
    """The jobs of a suite before it is run."""
    table = Listing(["", "job", ">own FLOPs", ">recording"])
    for one in found:
        costs = (flops(one.flops), flops(one.recording)) if one.flops else (DASH, DASH)
        table.add(_styled(one.state.value), Text(one.job.label), *costs)
    states = Counter(one.state for one in found)
    said = ", ".join(f"{states[state]} {state.value}" for state in State if states[state])
    left = [one for one in found if one.state in (State.TO_DO, State.FAILED)]
    own, recorded = sum(one.flops for one in left), sum(recordings(found))
    controls = any(one.job.kind is not Kind.SCRUB for one in left)
    return Group(
        Text(f"{suite.name}: {count(len(found), 'job')}, {said}", style="bold"),
        heading("Jobs", "jobs of one model and data set share their recording"),
        table,
        Text(),
        Text(f"left to do: {flops(own + recorded)}, {flops(recorded)} of them for recordings"),
        *([Text("controls and adversaries run many scrubs: more than the one shown")] * controls),
        *_problems([(one.job, one.why) for one in found if one.why]),
    )


def report(ran: Ran) -> RenderableType:
    """What the jobs of a suite came to."""
    states = Counter(part.became for part in ran.parts)
    counts = [f"{states[Became.DONE]} done"]
    counts += [f"{states[Became.FOUND]} done before"] if states[Became.FOUND] else []
    counts += [f"{states[Became.FAILED]} failed"] if states[Became.FAILED] else []
    title = f"{ran.suite.name}: {count(len(ran.parts), 'job')}, {', '.join(counts)}"
    scrubs = [part for part in ran.parts if part.job.kind is Kind.SCRUB]
    others = [part for part in ran.parts if part.job.kind is not Kind.SCRUB]
    shown = "" if len(scrubs) < 2 else "what all have in common is left out"
    return Group(
        Text(title, style="bold"),
        Text(f"kept in {ran.folder}", style="dim"),
        *([heading("Results", shown), _results(scrubs)] if scrubs else []),
        *([heading("Controls"), _controls(others)] if others else []),
        *_problems([(part.job, part.why) for part in ran.failed]),
    )


Tell = Callable[[Part], str]


def _results(parts: Sequence[Part]) -> RenderableType:
    """One line a scrub, with the columns in which they differ."""
    columns = differing(parts)
    titles = [*columns, ">recovered", ">interval", ">divergence", ""]
    table = Listing(["hypothesis", *titles])
    for part in parts:
        told = (Text(tell(part)) for tell in columns.values())
        name = Text(part.job.name, style="bold")
        table.add(name, *told, *_figures(part), _styled(part.became.value))
    return table


def differing(parts: Sequence[Part]) -> dict[str, Tell]:
    """What tells scrubs apart besides their hypotheses: titles, and what each part says there."""
    names = dict.fromkeys(name for part in parts for name, _ in part.job.conventions)
    columns: dict[str, Tell] = {
        "model": lambda part: Path(str(said(part).get("model"))).name,
        **{name: partial(_said, name) for name in ("data", "metric")},
        **{f">{name}": partial(_setting, name) for name in ("references", "draws", "seed")},
        **{name: partial(_convention, name) for name in names},
    }
    return {n: tell for n, tell in columns.items() if len({tell(part) for part in parts}) > 1}


def _said(name: str, part: Part) -> str:
    return str(said(part).get(name, ""))


def _setting(name: str, part: Part) -> str:
    return str(getattr(part.job.settings, name))


def _convention(name: str, part: Part) -> str:
    return str(dict(part.job.conventions).get(name, ""))


def said(part: Part) -> dict[str, Any]:
    """What is known of a job by name; of one that could not even be planned, what was written."""
    if part.row is not None:
        return dict(part.row.said)
    job = part.job
    return {"model": job.model or "", "data": job.data or "", "metric": job.metric or ""}


def _figures(part: Part) -> tuple[str, str, str]:
    found = part.row.document if part.row else None
    if found is None:
        return DASH, DASH, DASH
    recovered = found["recovered"]
    ends = (recovered["low"], recovered["high"])
    between = DASH if None in ends else f"{ratio(ends[0])} to {ratio(ends[1])}"
    return ratio(recovered["value"]), between, number(found["divergence"])


def _controls(parts: Sequence[Part]) -> RenderableType:
    """One line a set of controls: how much there is to be said against the hypothesis."""
    table = Listing(["hypothesis", "", "model", "metric", ">cautions", ""])
    for part in parts:
        found, known = (part.row.document if part.row else None), said(part)
        cautions = DASH if found is None else str(len(found.get("cautions", ())))
        place = (Text(Path(str(known.get("model"))).name), Text(str(known.get("metric") or "")))
        kind = Text(part.job.kind.value)
        table.add(
            Text(part.job.name, style="bold"), kind, *place, cautions, _styled(part.became.value)
        )
    return table


def _problems(found: Sequence[tuple[Job, str]]) -> Iterator[RenderableType]:
    if not found:
        return
    yield heading("Failed", "and tried again when the suite is next started")
    for job, why in found:
        yield Text(job.label, style="bold")
        yield Text(f"  {why}")


def _styled(word: str) -> Text:
    return Text(word, style=STYLES.get(word, ""))
