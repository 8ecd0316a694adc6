"""What `scrub models` lists: architectures, and models that come along or can be fetched."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from scrub.data.fetched import FETCHABLE
from scrub.data.shipped import shipped_models
from scrub.models.families import FAMILIES
from scrub.report.tables import grid, heading


def models() -> RenderableType:
    """Three lists, each with its title."""
    known, fetchable = grid(), grid()
    for name, about in architectures().items():
        known.add_row(name, about)
    for name, model in FETCHABLE.items():
        fetchable.add_row(name, model.about)
        state = f"in {model.folder}" if model.is_here else "not fetched yet"
        fetchable.add_row("", Text(state, style="green" if model.is_here else "dim"))
    return Group(
        heading("Architectures", "the model_type of a config.json"),
        known,
        heading("Models that come with scrub"),
        Text(", ".join(shipped_models())),
        heading("Models that can be fetched", "scrub models get NAME"),
        fetchable,
    )


def architectures() -> dict[str, str]:
    """Each covered `model_type`, and what its family says of itself in a line."""
    return {name: str(getattr(family, "about", "")) for name, family in FAMILIES.items()}
