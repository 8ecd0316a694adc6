"""Whether a hand-made model is what it declares, looked at on a few of the data's own inputs.

Shapes; rows that do not look at one another or at padding; ports that read no other positions
than they say. Components are taken in order of evaluation, so that the first that fails is the
one to mend and not one that reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.errors import ModelRefused
from scrub.graph import Component, Port, Reach
from scrub.models.callables import CallableModel, sum_of
from scrub.models.recording import pad_inputs

INPUTS = 3  # besides the longest one
SPOTS = 8  # positions at which each port is looked at

Values = dict[str, torch.Tensor]


def require_declared(
    model: CallableModel, inputs: Sequence[NDArray[Any]], placed: Collection[str] = ()
) -> None:
    """Run a hand-made model on its shortest and longest inputs and compare.

    `placed`: components that are read at positions of their own, not at all. Raises
    `ModelRefused` with the component, what it declares, what was found, and the fix.
    """
    probe = _Probe(model, _some(inputs))
    for component in model.graph.components:
        for problem in probe.problems(component, component.name in placed):
            raise ModelRefused(
                f"model '{model.graph.name}', component '{component.name}': {problem}"
            )


def _some(inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The longest input first, then the shortest and others in between."""
    by_length = sorted(inputs, key=len)
    spots = np.linspace(0, len(by_length) - 1, INPUTS + 1).astype(int)
    return [by_length[i] for i in dict.fromkeys([len(by_length) - 1, *spots.tolist()])]


@dataclass(eq=False)
class _Probe:
    """Values of the components so far: each row alone and bare, alone and padded, and batched."""

    model: CallableModel
    inputs: Sequence[NDArray[Any]]

    def __post_init__(self) -> None:
        rows = range(len(self.inputs))
        padded, _ = pad_inputs(self.inputs, self.length)
        bare = [pad_inputs([x], len(x))[0] for x in self.inputs]
        self.tokens = [*bare, *(padded[i : i + 1] for i in rows), padded]
        self.values: list[Values] = [{} for _ in self.tokens]

    @cached_property
    def length(self) -> int:
        return max(map(len, self.inputs))

    @property
    def batch(self) -> Values:
        return self.values[-1]

    def problems(self, component: Component, placed: bool) -> Iterator[str]:
        try:
            for tokens, values in zip(self.tokens, self.values, strict=True):
                values[component.name] = self._value(component, tokens, values)
                yield from self._shape(component, tokens, values[component.name])
        except Exception as error:  # the user's code: whatever it raises is reported
            yield f"its function raised {type(error).__name__}: {error}"
            return
        yield from self._place(component, placed)
        yield from self._rows(component)
        for port in component.ports:
            yield from self._reach(component, port)

    def _value(self, component: Component, tokens: torch.Tensor, values: Values) -> torch.Tensor:
        function = self.model.pieces[component.name].function
        if not component.ports:
            tokens = tokens.to(self.model.device)
            floating = tokens.is_floating_point()
            return function(tokens.to(self.model.dtype) if floating else tokens).to(
                self.model.dtype
            )
        return function(**self._ports(component, values))

    def _ports(self, component: Component, values: Values) -> Values:
        return {port.name: sum_of([values[f] for f in port.feeders]) for port in component.ports}

    def _shape(self, component: Component, tokens: torch.Tensor, value: Any) -> Iterator[str]:
        """[row, position, width]; one position may stand for all."""
        rows, length = tokens.shape
        shape = tuple(getattr(value, "shape", ()))
        fits = len(shape) == 3 and shape[0] == rows and shape[2] == component.width
        if not fits or shape[1] not in (1, length):
            shown = " × ".join(map(str, shape)) or type(value).__name__
            yield (
                f"it must give [row, position, width], {rows} × {length} × {component.width} for "
                f"{rows} input(s) of length {length} (or one position for all of them), found "
                f"{shown}. Mend its function, or declare width=."
            )

    def _place(self, component: Component, placed: bool) -> Iterator[str]:
        """One position for all cannot be read at a position."""
        if not placed or self.length == 1:
            return
        read = {f"port '{name}'": x for name, x in self._ports(component, self.batch).items()}
        for what, value in {"its output": self.batch[component.name], **read}.items():
            if value.shape[1] == 1:
                yield (
                    f"{what} has one position for all {self.length} of the input, and a node (or "
                    "the task) reads it at a role or an index. Give [row, position, width] with "
                    "every position, for example x.expand(-1, inputs.shape[1], -1), or put the "
                    "node at positions='all'."
                )
                return

    def _rows(self, component: Component) -> Iterator[str]:
        """A row is the same bare and padded, alone and among others."""
        count = len(self.inputs)
        for i, tokens in enumerate(self.inputs):
            bare, padded = (self.values[k][component.name] for k in (i, count + i))
            if not self._equal(padded[:, : len(tokens)], bare[:, : padded.shape[1]]):
                yield (
                    f"an input of length {len(tokens)} gives other values when it is padded to "
                    f"{self.length}, the data's longest{self._looks(component)}; padding must "
                    "change nothing. Use inputs of equal lengths."
                )
                return
            if not self._equal(self.batch[component.name][i : i + 1], padded):
                yield (
                    "a row gives other values alone than in a batch with others. Its function "
                    "must treat each row [position, width] by itself, and draw nothing at random."
                )
                return

    def _looks(self, component: Component) -> str:
        wide = [port.name for port in component.ports if port.reach is Reach.ANY]
        declared = ", ".join(f"'{name}'" for name in wide)
        return f" (declared: port {declared} reads any position)" if wide else ""

    def _reach(self, component: Component, port: Port) -> Iterator[str]:
        """Other values where a port says that it does not look change nothing."""
        ports = {name: x[:1] for name, x in self._ports(component, self.batch).items()}
        if port.reach is Reach.ANY or ports[port.name].shape[1] == 1:
            return
        plain, count = self.batch[component.name][:1], self.length
        spots = np.unique(np.linspace(0, count - 1, min(SPOTS, count)).astype(int)).tolist()
        for other in self._others(component, port.name):
            changed = {name: x.expand(len(spots), -1, -1) for name, x in ports.items()}
            changed[port.name] = torch.cat(
                [self._swapped(ports[port.name], other, port.reach, spot) for spot in spots]
            )
            found = self.model.pieces[component.name].function(**changed)
            for row, spot in enumerate(spots):
                at = min(spot, plain.shape[1] - 1)
                if not self._equal(found[row, at], plain[0, at]):
                    yield self._reads_elsewhere(port, spot)
                    return

    def _others(self, component: Component, port: str) -> Iterator[torch.Tensor]:
        """Values that this port does take: of other positions, and of other rows."""
        values = self._ports(component, self.batch)[port]
        yield from (values[:1].roll(1, 1), values[:1].flip(1))
        yield from (values[i : i + 1] for i in range(1, len(values)))

    @staticmethod
    def _swapped(value: torch.Tensor, other: torch.Tensor, reach: Reach, spot: int) -> torch.Tensor:
        kept = torch.arange(value.shape[1], device=value.device)
        kept = kept == spot if reach is Reach.SAME else kept <= spot
        return torch.where(kept[None, :, None], value, other)

    def _reads_elsewhere(self, port: Port, spot: int) -> str:
        declared, elsewhere, fix = {
            Reach.SAME: (
                "its own position only (reach 'same', the default)",
                "another position",
                f"reach={{'{port.name}': Reach.CAUSAL}} for earlier positions, "
                f"reach={{'{port.name}': Reach.ANY}} for all",
            ),
            Reach.CAUSAL: (
                "this position and earlier ones (reach 'causal')",
                "a later position",
                f"reach={{'{port.name}': Reach.ANY}}",
            ),
        }[port.reach]
        return (
            f"port '{port.name}' is declared to read {declared}, and its output at position {spot} "
            f"changes with {elsewhere}. Declare {fix}."
        )

    def _equal(self, found: torch.Tensor, expected: torch.Tensor) -> bool:
        """Up to rounding in the coarser of the value's type and the model's."""
        kinds = [t for t in (self.model.dtype, found.dtype) if t.is_floating_point]
        tolerance = max(torch.finfo(kind).eps for kind in kinds) ** (2 / 3)
        found, expected = found.double(), expected.double()
        scale = float(expected.abs().nan_to_num(0, 0, 0).max()) if expected.numel() else 0.0
        close = torch.isclose(
            found, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True
        )
        return bool(close.all())
