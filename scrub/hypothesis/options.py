"""Every convention of a scrub, by name. Each value is echoed in every result."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from scrub.errors import InputRefused, Problem, nearest


class Unimportant(enum.Enum):
    """How the inputs that a hypothesis calls unimportant are drawn."""

    TOGETHER = "together"  # one example for all of a node's unimportant inputs (the original's)
    SEPARATELY = "separately"  # one example for each feeding component
    ONE = "one"  # one example for the whole tree
    KEPT = "kept"  # not resampled: the reference's own


@dataclass(frozen=True)
class Partner:
    """Unimportant inputs come from the row that this column names (its number in the data)."""

    column: str

    def __str__(self) -> str:
        return f"partner:{self.column}"


class Replacement(enum.Enum):
    """What stands in for an unimportant input."""

    RESAMPLE = "resample"  # its activation on the example drawn
    ZERO = "zero"  # the zero vector (constant terms of the sum stay)
    MEAN = "mean"  # its mean over the data, position by position


@dataclass(frozen=True)
class MeanWithin:
    """Unimportant inputs become their mean over the examples that share a column's value."""

    column: str

    def __str__(self) -> str:
        return f"mean_within:{self.column}"


class Nodes(enum.Enum):
    """What happens to a node that several paths reach."""

    INDEPENDENT = "independent"  # sampled anew for each path
    JOINT = "joint"  # one draw for each node and reference


class Donors(enum.Enum):
    """Where donors that agree on a feature come from."""

    DATA = "data"  # the data set
    GENERATED = "generated"  # made by the task's generator


class Root(enum.Enum):
    """Which features the sink may carry besides EXACT."""

    FIXES_LABEL = "fixes_label"  # only those that determine the label
    FREE = "free"  # any; the result is flagged


class SelfDonation(enum.Enum):
    """What to do with a node whose classes mostly have one member."""

    REFUSED = "refused"
    ALLOWED = "allowed"


class Baseline(enum.Enum):
    """What recovers 0."""

    RANDOM = "random"  # the parentless sink: outputs of random inputs against x's label
    COMPONENTS = "components"  # only the inputs of the sink's named parents are resampled
    UNIFORM = "uniform"  # uniform logits
    ZERO = "zero"  # every component that feeds the output replaced by zero
    MEAN = "mean"  # every component that feeds the output replaced by its mean


@dataclass(frozen=True)
class Options:
    """The conventions of one scrub; the defaults are those of the original (Chan et al. 2022)."""

    unimportant: Unimportant | Partner = Unimportant.TOGETHER
    replacement: Replacement | MeanWithin = Replacement.RESAMPLE
    nodes: Nodes = Nodes.INDEPENDENT
    donors: Donors = Donors.DATA
    root: Root = Root.FIXES_LABEL
    self_donation: SelfDonation = SelfDonation.REFUSED
    baseline: Baseline = Baseline.RANDOM
    limit: int = 100_000  # occurrences of the unfolded tree

    def as_dict(self) -> dict[str, Any]:
        """Names and values as they are written in a result.

        >>> Options(unimportant=Unimportant.ONE).as_dict()["unimportant"]
        'one'
        """
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: v.value if isinstance(v, enum.Enum) else _text(v) for k, v in found.items()}


def _text(value: object) -> object:
    return value if isinstance(value, int) else str(value)


ENUMS: dict[str, type[enum.Enum]] = {
    "unimportant": Unimportant,
    "replacement": Replacement,
    "nodes": Nodes,
    "donors": Donors,
    "root": Root,
    "self_donation": SelfDonation,
    "baseline": Baseline,
}

COLUMN_OPTIONS: dict[str, dict[str, type[Partner] | type[MeanWithin]]] = {
    "unimportant": {"partner": Partner},
    "replacement": {"mean_within": MeanWithin},
}

E = TypeVar("E", bound=enum.Enum)


def options(**written: object) -> Options:
    """Options from names as users write them. Raises `InputRefused` with every unknown one.

    >>> options(unimportant="separately", replacement="mean_within:template").unimportant
    <Unimportant.SEPARATELY: 'separately'>
    """
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    for name, value in written.items():
        if name == "limit":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                found_limit = f"must be a whole number of at least 1, not {value!r}."
                problems.append(Problem("option 'limit'", found_limit))
            found[name] = value
        elif name not in ENUMS:
            known = nearest(name, [*ENUMS, "limit"])
            problems.append(Problem(f"option '{name}'", "does not exist.", known))
        else:
            try:
                found[name] = _option(name, value)
            except ValueError as error:
                problems.append(Problem(f"option '{name}'", str(error)))
    if problems:
        raise InputRefused(problems)
    return Options(**found)


def _option(name: str, value: object) -> object:
    kind, with_column = ENUMS[name], COLUMN_OPTIONS.get(name, {})
    if isinstance(value, (kind, *with_column.values())):
        return value
    head, colon, column = str(value).partition(":")
    if colon and column and head in with_column:
        return with_column[head](column)
    known = [member.value for member in kind] + [f"{head}:COLUMN" for head in with_column]
    if value not in known or value in with_column:
        raise ValueError(f"'{value}' is no value of it. Known: {', '.join(known)}.")
    return kind(value)
