"""The documentation's table of coverage, from the cases that the tests of this folder run.

`python -m tests.architectures.coverage` writes it; a test holds the page to it.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import transformers

import tests.architectures
from scrub.graph import Component, ModelGraph
from scrub.models.config import wiring_of
from scrub.models.families.base import Family
from scrub.models.families.kinds import KINDS, kind_of
from tests.architectures.building import Case, config_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "architectures.md"
TABLES = re.compile(r"(<!-- tables -->\n)(.*)(<!-- end -->)", re.DOTALL)

CASES: tuple[Case, ...] = tuple(  # all that this transformers has
    case
    for file in pkgutil.iter_modules(tests.architectures.__path__)
    if not file.name.startswith(("test_", "coverage"))
    for case in getattr(importlib.import_module(f"tests.architectures.{file.name}"), "CASES", ())
    if case.model_type in transformers.CONFIG_MAPPING
)


@dataclass(frozen=True)
class Covered:
    """An architecture as some case tests it."""

    case: Case
    family: Family
    graph: ModelGraph

    @property
    def parts(self) -> frozenset[str]:
        return frozenset(part for c in self.graph.components for part in _parts(c))


def covered(case: Case) -> Covered:
    """From the config alone: no weights are drawn."""
    wiring = wiring_of(config_of(case).to_dict(), case.name, class_of(case))
    return Covered(case, wiring.family, wiring.graph(case.name))


def class_of(case: Case) -> str:
    """The class that is tested."""
    if not case.cls.startswith("Auto"):
        return case.cls
    loader = getattr(transformers, case.cls)
    return str(loader._model_mapping[type(config_of(case))].__name__)


def _parts(component: Component) -> tuple[str, ...]:
    """What a component is called in the table."""
    stem = re.sub(r"\d+(\.h\d+)?$", "", component.name)
    if ".h" in component.name:
        return ("cross-attention heads",) if stem.endswith("x") else ("heads",)
    if component.neurons:
        return ("MLPs", "neurons")
    if component.experts:
        return ("MLPs", "experts")
    for ending, name in NAMES.items():
        if stem.endswith(ending):
            return (name,) if name else ()
    return (component.name,)


NAMES = {
    "embed": "", "logits": "", "image": "image features", "m": "MLPs", "ms": "MLPs", "n": "norms",
    "s": "mixers", "a": "whole attentions",
}  # fmt: skip
ORDER = (
    "heads", "cross-attention heads", "whole attentions", "mixers", "MLPs", "neurons", "experts",
    "norms",
)  # fmt: skip


def lines() -> Iterator[str]:
    """A table for each kind of model."""
    rows: dict[str, dict[str, list[Covered]]] = {kind: {} for kind in KINDS}
    for row in map(covered, CASES):
        rows[kind_of(row.family)].setdefault(row.case.model_type, []).append(row)
    for kind in KINDS:
        yield (
            f"## {kind.capitalize()}s: {len(rows[kind])}"
            if "v" not in kind[:1]
            else (f"## {kind.capitalize()} models: {len(rows[kind])}")
        )
        yield ""
        yield "| architecture | tested as | exact, one by one | coarser, and why |"
        yield "|---|---|---|---|"
        for name in sorted(rows[kind]):
            yield _line(name, rows[kind][name])
        yield ""


def _line(name: str, rows: list[Covered]) -> str:
    found = frozenset().union(*(row.parts for row in rows))
    shown = [part for part in ORDER if part in found] + sorted(found - set(ORDER))
    classes = ", ".join(dict.fromkeys(class_of(row.case) for row in rows))
    notes = "; ".join(dict.fromkeys(filter(None, (row.family.note for row in rows))))
    return f"| `{name}` | {classes} | {', '.join(shown)} | {notes} |"


def page(text: str) -> str:
    """The page with its tables made anew."""
    count = len({case.model_type for case in CASES})
    text = re.sub(r"(?<=<!-- count -->)\d+(?=<!-- -->)", str(count), text)
    body = "\n".join(lines())
    return TABLES.sub(lambda match: f"{match[1]}{body}{match[3]}", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
