"""Another value at one place of a model, and what the places of one component make of their edits.

Of one component, edits of its ports come first: they are what it reads. Its neurons and experts are
what its output is made of, so that they are edited before the output as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from scrub.engine.chunk import accumulator
from scrub.errors import InputRefused, Problem
from scrub.graph import Part
from scrub.models.base import Batch, Call, Model

Tensor = torch.Tensor


@dataclass(frozen=True)
class Input:
    """One port of one component: what it reads, and nobody else."""

    component: str
    port: str

    def __str__(self) -> str:
        return f"{self.component}<{self.port}>"


@dataclass(frozen=True)
class State:
    """A stream's sum, for all that reads it or a later stream that extends it."""

    stream: str

    def __str__(self) -> str:
        return self.stream


What = Part | Input | State


@dataclass(frozen=True, eq=False)
class Edit:
    """Another value at one place of the model.

    `value` takes what stands there [row, n, width] at the positions `at` [row, n] (all, if None)
    and gives what is to stand there, of the same shape.
    """

    what: What
    value: Callable[[Tensor], Tensor]
    at: Tensor | None = None

    def on(self, own: Tensor) -> Tensor:
        """What stands at the place [row, position, width], edited."""
        return put(own, self.at, self.value(picked(own, self.at)).to(own))

    def repeated(self, times: int) -> Edit:
        """The same edit of rows so many times over, one block after another."""

        def value(own: Tensor) -> Tensor:
            return torch.cat([self.value(block) for block in own.chunk(times)])

        return Edit(self.what, value, None if self.at is None else self.at.repeat(times, 1))


def finer(part: Part) -> bool:
    """Whether a part is of what a component is made of, neurons or experts, not of its output."""
    return part.neurons is not None or part.experts is not None


def ports_under(
    component: str, ports: Mapping[str, Tensor], edits: Sequence[Edit]
) -> dict[str, Tensor]:
    """What a component's ports hold [row, position, width], those that are edited as edited."""
    found = dict(ports)
    for edit in edits:
        if isinstance(edit.what, Input) and edit.what.component == component:
            found[edit.what.port] = edit.on(found[edit.what.port])
    return found


def held(
    model: Model, part: Part, ports: Mapping[str, Tensor], frame: Batch, edits: Sequence[Edit]
) -> Tensor:
    """What neurons or experts add on these ports, under the edits of themselves."""
    (value,) = model.run([Call(part, ports, frame)])
    value = value.to(accumulator(model.dtype))
    for edit in edits:
        if edit.what == part:
            value = edit.on(value)
    return value


def projected(part: Part, share: Tensor, bases: Mapping[str, Tensor]) -> Tensor:
    """A share in the part's subspace, if it names one."""
    if part.subspace is None:
        return share
    basis = bases[part.subspace].to(share)  # [width, k]
    return (share @ basis) @ basis.T


def picked(value: Tensor, at: Tensor | None) -> Tensor:
    """The positions `at` [row, n] of a value [row, length, width]."""
    if at is None:
        return value
    return value[torch.arange(len(at), device=at.device)[:, None], at]


def put(value: Tensor, at: Tensor | None, new: Tensor) -> Tensor:
    """A copy of a value with something else at some of its positions."""
    if at is None:
        return new
    return value.clone().scatter(1, at[:, :, None].expand(-1, -1, value.shape[2]), new)


def by_place(edits: Iterable[Edit]) -> Mapping[str | State, list[Edit]]:
    """Edits by what is evaluated for them: a component, by its name, or a stream's state."""
    found: dict[str | State, list[Edit]] = {}
    for edit in edits:
        what = edit.what
        found.setdefault(what if isinstance(what, State) else what.component, []).append(edit)
    return found


def require_apart(edits: Sequence[Edit]) -> None:
    """Refuse edits of neurons and experts that nothing gives a value any more."""
    for i, edit in enumerate(edits):
        part = edit.what
        if not isinstance(part, Part) or not finer(part):
            continue
        for other in edits[:i]:
            if _covers(other.what, part) and _meet(other.at, edit.at):
                found = f"has something in common with '{other.what}', which is replaced before "
                found += "it: what it adds is not known any more."
                fix = "Name parts that share nothing, or the larger one last."
                raise InputRefused(Problem(f"place '{part}'", found, fix))


def _covers(other: What, part: Part) -> bool:
    """Whether an edit of another part leaves nothing that is this part's alone."""
    if not isinstance(other, Part) or other.component != part.component or other == part:
        return False
    for mine, theirs in ((part.neurons, other.neurons), (part.experts, other.experts)):
        if mine and theirs:
            return mine[0] <= theirs[1] and theirs[0] <= mine[1]
    return True


def _meet(some: Tensor | None, others: Tensor | None) -> bool:
    """Whether positions [row, n] have any in common; None is all."""
    if some is None or others is None:
        return True
    return bool((some[:, :, None] == others[:, None, :]).any())
