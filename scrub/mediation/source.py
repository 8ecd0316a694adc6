"""What was found, written as a hypothesis file: a claim that `scrub run` takes.

The claim is scored as the search scored it where a scrub can: everything that it does not name
comes from one other example, in a frame that both share. `Framing` says how that is brought about,
and in words where it is not quite what the search did.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from scrub.data.counterparts import COLUMN, counterparts, is_fixed
from scrub.data.dataset import Dataset
from scrub.data.files import lasting
from scrub.engine.replacements import Partner, Resample
from scrub.errors import InputRefused, Problem
from scrub.graph import Part, Positions, Reach
from scrub.graph.circuits import Edge
from scrub.mediation.cells import Cell
from scrub.mediation.corruption import Corruption
from scrub.mediation.subject import Subject

FILE = '''\
"""{sentence}
"""

{imports}

EDGES = """
{edges}
"""

claim = circuit_claim(map(parse_edge, EDGES.strip().splitlines()), output={output})
hypothesis = Hypothesis(
    claim,
    task={task},
    model={model},
    unimportant={unimportant},
)
'''
ALONE = 0.5  # of the rows may lack a counterpart; beyond it a claim is refused


@dataclass(frozen=True)
class Framing:
    """Where a written claim takes what it does not name from.

    - `unimportant`: the option of the hypothesis.
    - `paired`: whether the task is given a column of counterparts.
    - `said`: what a reader must know of it, in sentences.
    """

    unimportant: str
    paired: bool
    said: str

    @staticmethod
    def of(subject: Subject, made: Corruption) -> Framing:
        """As near to the corruption as a scrub can be."""
        task, changes = subject.task, made.changes
        sources = {c.name for c in subject.model.graph.components if not c.ports}
        news = {new for _, new in changes}
        whole = sources == {
            place.what.component
            for place, _ in changes
            if isinstance(place.what, Part) and place.what.whole and str(place.at) == "all"
        }
        if whole and len(news) == 1 and isinstance(new := news.pop(), Partner):
            said = f"What it does not name comes from the row in column '{new.column}'."
            return Framing(str(new), paired=False, said=said)
        apart = "" if whole and news <= {Resample()} else APART.format(corruption=made)
        if is_fixed(task.dataset, task.positions):
            said = "What it does not name comes from one other example, drawn at random."
            return Framing("one", paired=False, said=said + apart)
        alone = counterparts(task.dataset, task.positions) == range(len(task.dataset))
        if alone.mean() > ALONE:
            return Framing("together", paired=False, said=MOVES + apart)
        return Framing(f"partner:{COLUMN}", paired=True, said=PAIRED + apart)


PAIRED = (
    "What it does not name comes from another example of the same length that is scored at the "
    "same positions: these move between examples, and values cross here by index."
)
MOVES = (
    "The scored positions move between examples, and few are scored at the same ones: values that "
    "cross by index are read at another example's positions, so that this recovers less than the "
    "search found."
)
APART = (
    " The search corrupted {corruption} and left all else as it was; a scrub replaces everything "
    "that is not named, so that it may recover less."
)


@dataclass(frozen=True)
class Sources:
    """The model and the task as a file can name them; None for what is in memory alone."""

    model: str | None
    task: str | None

    @staticmethod
    def of(model: object, task: object, folder: Path) -> Sources:
        """Names stay names; paths become absolute, for the file may be written elsewhere."""
        named = [
            lasting(given, folder) if isinstance(given, (str, Path)) else None
            for given in (model, task)
        ]
        return Sources(*named)


def circuit_source(
    edges: Iterable[Edge], output: str, sources: Sources, framing: Framing, sentence: str
) -> str:
    """A file that claims a circuit: `EXACT` at every node, for edges say nothing of features.

    Raises `InputRefused` where the task has no name that a file could say.
    """
    if sources.task is None:
        found = "the task is in memory alone, and a file cannot name it."
        fix = "Search with a built-in task's name, or with a data file."
        raise InputRefused(Problem("hypothesis file", found, fix))
    task = json.dumps(sources.task)
    imports = [
        "from scrub import Hypothesis",
        "from scrub.graph.circuits import parse_edge",
        "from scrub.hypothesis.circuit import circuit_claim",
    ]
    if framing.paired:
        imports.insert(1, "from scrub.data.counterparts import with_counterparts")
    return FILE.format(
        sentence=textwrap.fill(f"{sentence} {framing.said}", 96).replace("\\", "/"),
        imports="\n".join(imports),
        edges="\n".join(map(str, edges)),
        output=json.dumps(output),
        task=f"with_counterparts({task})" if framing.paired else task,
        model="None" if sources.model is None else json.dumps(sources.model),
        unimportant=json.dumps(framing.unimportant),
    )


def restored_edges(cells: Sequence[Cell], subject: Subject) -> tuple[tuple[Edge, ...], str | None]:
    """The edges by which cells reach the output: cells as leaves (`a0.h0@end`), everything
    downstream of them as it is. And why they are no claim, if they are none.

    A component that has cells is a leaf at these alone: what it does elsewhere is left out.
    """
    graph, data = subject.model.graph, subject.task.dataset
    leaves: dict[str, list[tuple[str, Cell]]] = {}
    for cell in cells:
        for what in cell.row.whats:
            if not isinstance(what, Part):
                return (), f"{what} is a residual state or a port, and no node of a hypothesis."
            leaves.setdefault(what.component, []).append((f"{what}@{cell.column.at}", cell))
    for some in leaves.values():
        for (one, mine), (other, theirs) in combinations(some, 2):
            if shared_position(data, mine.column.at, theirs.column.at):
                return (), f"{one} and {other} share a position in some example."
    live = {name: [node for node, _ in some] for name, some in leaves.items()}
    edges = []
    for component in graph.components:
        if component.name in leaves:
            continue
        read = [
            Edge(node, component.name, port.name)
            for port in component.ports
            for feeder in port.feeders
            for node in live.get(feeder, ())
            if component.name != graph.output or _is_read(node, leaves.get(feeder, ()), subject)
        ]
        edges += read
        if read:
            live[component.name] = [component.name]
    return tuple(edges), None


def _is_read(node: str, leaves: Sequence[tuple[str, Cell]], subject: Subject) -> bool:
    """Whether the output, where it is scored, reads a node's positions itself in every example."""
    graph, data = subject.model.graph, subject.task.dataset
    (port,) = graph[graph.output].ports
    spots = [data.positions(cell.column.at) for name, cell in leaves if name == node]
    read = data.positions(subject.task.positions)
    if port.reach is not Reach.SAME or read is None:
        return True
    return all(
        at is None or bool((at[:, :, None] == read[:, None, :]).any(axis=2).all()) for at in spots
    )


def shared_position(data: Dataset, one: Positions, other: Positions) -> bool:
    """Whether two positions meet in some row."""
    first, second = data.positions(one), data.positions(other)
    if first is None or second is None:
        return True
    return bool((first[:, :, None] == second[:, None, :]).any())
