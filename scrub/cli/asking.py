"""Options that commands share, written once and handed over together.

`asking` puts the shared options at the end of a command's own, and gives the command what was said
of them as one value, its parameter `asked`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from scrub.cli import options as o
from scrub.cli.reading import read
from scrub.study.settings import Settings

if TYPE_CHECKING:
    from scrub.hypothesis.hypothesis import Hypothesis

# By name, in the order of the help: what the option takes.
SIZES: dict[str, Any] = {"references": o.References, "draws": o.Draws, "seed": o.Seed}
STOPPING: dict[str, Any] = {
    "references": o.References,
    "draws": o.Draws,
    "until": o.Until,
    "most_references": o.MostReferences,
    "most_draws": o.MostDraws,
    "seed": o.Seed,
}
STATISTICS: dict[str, Any] = {
    "level": o.Level,
    "interval": o.IntervalName,
    "estimand": o.EstimandName,
}
NULL: dict[str, Any] = {"null": o.NullName}
MACHINE: dict[str, Any] = {
    "model": o.ModelPath,
    "batch": o.Batch,
    "memory": o.Memory,
    "device": o.Device,
    "dtype": o.Dtype,
    "threads": o.Threads,
}
CONVENTIONS: dict[str, Any] = {
    "unimportant": o.Unimportant,
    "nodes": o.Nodes,
    "replacement": o.Replacement,
    "donors": o.Donors,
    "baseline": o.Baseline,
    "root": o.Root,
    "self_donation": o.SelfDonation,
    "limit": o.Limit,
}
MEASURED: dict[str, Any] = {  # of interventions
    "references": o.Examples,
    "draws": o.ItemDraws,
    "seed": o.Seed,
    "level": o.Level,
    "interval": o.IntervalName,
    "model": o.ModelPath,
    "batch": o.PlainBatch,
    "device": o.Device,
    "dtype": o.PlainDtype,
}


@dataclass(frozen=True)
class Asked:
    """What the shared options of a command say, by name; None is what was not said."""

    said: Mapping[str, Any]

    @property
    def model(self) -> str | None:
        """The model that stands in for the named one."""
        return None if self.said["model"] is None else str(self.said["model"])

    def measured(self) -> dict[str, Any]:
        """All but the model, by name: how an intervention is measured."""
        return {name: told for name, told in self.said.items() if name != "model"}

    def settings(self) -> Settings:
        """How to run. Raises `InputRefused`."""
        others = ("model", *CONVENTIONS)
        return Settings(**{name: told for name, told in self.said.items() if name not in others})

    def hypothesis(self, file: str) -> Hypothesis:
        """The hypothesis of a file, with what the options change. Raises `InputRefused`."""
        return read(file, self.model, **{name: self.said[name] for name in CONVENTIONS})


def asking(
    options: Mapping[str, Any], **defaults: object
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Options that a command takes after its own, in this order; by default as in `Settings`, or
    as given here."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        mine = [one for name, one in own.parameters.items() if name != "asked"]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        shared = [
            inspect.Parameter(
                name,
                kind,
                default=defaults.get(name, getattr(Settings, name, None)),
                annotation=takes,
            )
            for name, takes in options.items()
        ]

        @wraps(command)
        def called(**given: Any) -> None:
            said = {name: given.pop(name) for name in options}
            command(**given, asked=Asked(said))

        vars(called)["__signature__"] = own.replace(parameters=[*mine, *shared])
        return called

    return decorate
