"""What makes a schedule legal: a table of named rules, checked on every schedule that is made.

A broken rule is a fault of ours, never of the user's, so it raises `IllegalSchedule`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from scrub.compiler.instructions import Free, Gather, Projected, Run, Sum, Sums
from scrub.compiler.schedule import Schedule
from scrub.errors import ScrubError
from scrub.graph import Part, Positions, Reach


class IllegalSchedule(ScrubError):
    """A compiler pass broke one of the rules below."""


def _written_once(schedule: Schedule) -> Iterator[str]:
    """Each slot has one maker."""
    seen: set[int] = set()
    for i in schedule.instructions:
        for slot in i.writes:
            if slot in seen:
                yield f"slot {slot} is written twice"
            seen.add(slot)


def _made_before_use(schedule: Schedule) -> Iterator[str]:
    """What is read has been made and not been freed."""
    live: set[int] = set()
    for i in schedule.instructions:
        freed = i.slots if isinstance(i, Free) else ()
        for slot in (*i.reads, *freed):
            if slot not in live:
                yield f"slot {slot} is used while it holds nothing"
        live.difference_update(freed)
        live.update(i.writes)
    if schedule.output not in live:
        yield f"the output, slot {schedule.output}, is not there at the end"


def _nothing_left(schedule: Schedule) -> Iterator[str]:
    """At the end only the output is live."""
    made = {slot for i in schedule.instructions for slot in i.writes}
    freed = {slot for i in schedule.instructions if isinstance(i, Free) for slot in i.slots}
    if left := sorted(made - freed - {schedule.output}):
        yield f"slots {left} are never freed"


def _ports_complete(schedule: Schedule) -> Iterator[str]:
    """A run gives each of its component's ports, once."""
    for step in schedule.steps():
        names = tuple(name for name, _ in step.ports)
        if names != schedule.graph[step.part.component].port_names:
            yield f"{step.part} is run with ports {names}"


def _names_known(schedule: Schedule) -> Iterator[str]:
    """What is looked up are streams and components of the model graph."""
    graph = schedule.graph
    every: list[str | Part] = [i.what for i in schedule.instructions if isinstance(i, Gather)]
    for one in schedule.sums():
        every += [one.stream, *[term.part for term in one.terms]]
    for what in dict.fromkeys(every):
        name, known = (
            (what, graph.streams) if isinstance(what, str) else (what.component, graph.by_name)
        )
        if name not in known:
            yield f"{name} is not in the model graph"


def _one_group(schedule: Schedule) -> Iterator[str]:
    """The steps of one run belong to one group, and what is kept of them is of one kind."""
    graph = schedule.graph
    for i in schedule.instructions:
        if isinstance(i, Run) and len(i.steps) > 1:
            groups = {graph[s.part.component].group for s in i.steps}
            kinds = {graph.is_linear(s.part) for s in i.steps}
            if len(groups) > 1 or groups == {""} or len(kinds) > 1:
                yield f"one run mixes {', '.join(str(s.part) for s in i.steps)}"


def _one_form(schedule: Schedule) -> Iterator[str]:
    """Sums that are made at once are of one form."""
    for i in schedule.instructions:
        if isinstance(i, Sums) and len({one.form for one in i.each}) > 1:
            yield f"sums {', '.join(str(one.out) for one in i.each)} differ in more than their rows"


def _output_made(schedule: Schedule) -> Iterator[str]:
    """What the schedule gives is an output, and nothing that a linear map has still to be applied
    to."""
    if schedule.graph.is_linear(Part(schedule.graph.output)):
        yield f"the output {schedule.graph.output} is kept as what is recorded of it"


def _right_positions(schedule: Schedule) -> Iterator[str]:
    """A port that reads the same position only is summed where its reader is evaluated."""
    summed = _summed(schedule)
    for step in schedule.steps():
        for name, reading in step.ports:
            at = summed.get(reading) if isinstance(reading, int) else None
            reach = schedule.graph[step.part.component].port(name).reach
            if at is not None and at != step.at and reach is Reach.SAME:
                yield f"{step.part}.{name} at {step.at} reads a sum at {at}"


def _right_projections(schedule: Schedule) -> Iterator[str]:
    """What is projected already is the port's own, with sums put in where they were summed."""
    summed = _summed(schedule)
    for step in schedule.steps():
        for name, reading in step.ports:
            if not isinstance(reading, Projected):
                continue
            if reading.own != schedule.graph[step.part.component].port(name).projection:
                yield f"{step.part}.{name} reads {reading.own} as its projection"
            for slot, at in reading.put:
                if summed[slot] != at:
                    yield f"{step.part}.{name} puts a sum at {summed[slot]} in at {at}"


def _summed(schedule: Schedule) -> dict[int, Positions]:
    """Where each sum, made or looked up, was summed."""
    gathers = [i for i in schedule.instructions if isinstance(i, Gather)]
    made: list[Gather | Sum] = [*gathers, *schedule.sums()]
    return {one.out: one.at for one in made}


RULES: tuple[Callable[[Schedule], Iterator[str]], ...] = (
    _written_once,
    _made_before_use,
    _nothing_left,
    _ports_complete,
    _names_known,
    _one_group,
    _one_form,
    _output_made,
    _right_positions,
    _right_projections,
)


def verify(schedule: Schedule) -> None:
    """Raise `IllegalSchedule` with every broken rule."""
    broken = [f"{rule.__name__.strip('_')}: {text}" for rule in RULES for text in rule(schedule)]
    if broken:
        raise IllegalSchedule("; ".join(broken))
