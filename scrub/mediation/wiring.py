"""Which question about edges and paths is asked, by what is given: as `scrub circuit` decides, and
which things are attributed, as `scrub attribute` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.mediation.attribute import attribute, require_count
from scrub.mediation.attribute_places import attribute_places
from scrub.mediation.attributed import Attribution
from scrub.mediation.faithfulness import circuit_curve, faithfulness
from scrub.mediation.findings import Finding
from scrub.mediation.pathpatching import path_patch

EDGES = "edges"


@dataclass(frozen=True)
class Wiring:
    """What is evaluated, as it is written on the command line; None or empty where nothing is said.

    - `circuit`: one circuit in the model's place, `faithfulness`.
    - `curve`: the first edges of a ranking at MIB's knots, `circuit_curve`.
    - `paths`: what paths alone carry, `path_patch`.
    """

    circuit: str | None = None
    curve: Path | None = None
    paths: Sequence[str] = ()
    subsets: int | None = None
    direction: str | None = None

    def answer(self, model: object, task: Any, **how: Any) -> Finding:
        """What is measured; `how` are the options of `faithfulness`.

        Raises `InputRefused` where what is given does not go together.
        """
        problems = list(self._problems())
        if problems:
            raise InputRefused(problems)
        if self.circuit is not None:
            some = 10 if self.subsets is None else self.subsets
            return faithfulness(model, task, self.circuit, subsets=some, **how)
        if self.curve is not None:
            return circuit_curve(model, task, self.curve, **how)
        way = self.direction or "both"
        return path_patch(model, task, paths=self.paths, direction=way, **how)

    def _problems(self) -> Iterator[Problem]:
        given = {"circuit": self.circuit, "curve": self.curve, "path": self.paths or None}
        named = [f"--{name}" for name, value in given.items() if value is not None]
        if not named:
            fix = "Give --circuit, --curve or --path."
            yield Problem("circuit", "nothing is named that could be evaluated.", fix)
        for other in named[1:]:
            yield Problem(f"option '{other}'", f"does not go with {named[0]}.", "Ask one by one.")
        for option, value, of in (
            ("subsets", self.subsets, "circuit"),
            ("direction", self.direction, "path"),
        ):
            if named and value is not None and f"--{of}" not in named:
                yield Problem(f"option '--{option}'", f"is one of --{of} alone.")


def attributed(
    model: object,
    task: Any,
    of: str,
    positions: str | None,
    top: int,
    files: Mapping[str, Path | None],
    **how: Any,
) -> Attribution:
    """Edges, components, ports or neurons, by name; `files` are to be written, by their options.

    Raises `InputRefused` for what does not go together, before anything is measured.
    """
    require_count("top", top, 1)
    wanted = [option for option, path in files.items() if path is not None]
    problems = []
    if "--circuit" in wanted and of != EDGES:
        found = f"is a file of edges, and --of is {of}."
        problems.append(Problem("option '--circuit'", found, "Leave one of them away."))
    if positions is not None and of == EDGES:
        found = "are those of components, ports or neurons, and --of is edges."
        problems.append(Problem("option '--positions'", found, "Name another --of."))
    for option in ("--png", "--svg"):
        if option in wanted and how.get("exact") == 0:
            found = "shows estimates beside exact effects, and --exact is 0."
            problems.append(Problem(f"option '{option}'", found, "Measure some, e.g. --exact 20."))
    if problems:
        raise InputRefused(problems)
    if of == EDGES:
        return attribute(model, task, **how)
    where = "together" if positions is None else positions
    return attribute_places(model, task, of=of, positions=where, **how)
