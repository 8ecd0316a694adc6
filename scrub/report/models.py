"""What `scrub models` lists: architectures, and models that come along or can be fetched."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.data.fetched import FETCHABLE
from scrub.data.shipped import shipped_models
from scrub.models.families import FAMILIES
from scrub.models.families.kinds import KINDS, kind_of
from scrub.report.tables import grid, heading


def models() -> RenderableType:
    """Three lists, each with its title."""
    known, fetchable = grid(), grid()
    for kind, names in architectures().items():
        known.add_row(f"{kind}, {len(names)}", ", ".join(names))
    for name, model in FETCHABLE.items():
        fetchable.add_row(name, model.about)
        state = f"in {model.folder}" if model.is_here else "not fetched yet"
        fetchable.add_row("", Text(state, style="green" if model.is_here else "dim"))
    return Group(
        heading("Architectures", "by model_type; others are read off the model itself"),
        known,
        heading("Models that come with scrub"),
        Text(", ".join(shipped_models())),
        heading("Models that can be fetched", "scrub models get NAME"),
        fetchable,
    )


def architectures() -> dict[str, list[str]]:
    """The covered `model_type`s of each kind of model."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in sorted(FAMILIES):
        found[kind_of(FAMILIES[name])].append(name)
    return found
