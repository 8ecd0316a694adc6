"""Whether a hand-made model is what it declares, looked at on a few of the data's own inputs.

Shapes; rows that do not look at one another or at padding; ports that read no other positions
than they say. Components are taken in order of evaluation, so that the first that fails is the
one to mend and not one that reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from scrub.errors import ModelRefused
from scrub.graph import Component, Port, Reach
from scrub.models.batches import Inputs
from scrub.models.callables import CallableModel, sum_of

INPUTS = 3  # besides the longest one
SPOTS = 8  # positions at which each port is looked at

Values = dict[str, torch.Tensor]


def require_declared(model: CallableModel, inputs: Inputs, placed: Collection[str] = ()) -> None:
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


def _some(inputs: Inputs) -> Inputs:
    """The longest input of each sequence first, then the shortest and others in between."""
    spots = np.linspace(0, len(inputs) - 1, INPUTS + 1).astype(int).tolist()
    picked: dict[int, None] = {}
    alike = np.zeros(len(inputs), dtype=np.int64)  # where there are images only
    for lengths in [inputs.lengths[name] for name in inputs.sequences] or [alike]:
        by_length = np.argsort(lengths, kind="stable").tolist()
        picked |= dict.fromkeys(by_length[i] for i in [-1, *spots])
    return inputs.some(list(picked))


def _shown(lengths: Mapping[str, int], inputs: Inputs) -> str:
    """The lengths of what padding touches."""
    return " and ".join(str(lengths[name]) for name in inputs.sequences if name in lengths)


@dataclass(eq=False)
class _Probe:
    """Values of the components so far: each row alone and bare, alone and padded, and batched."""

    model: CallableModel
    inputs: Inputs

    def __post_init__(self) -> None:
        rows, device = range(len(self.inputs)), self.model.device
        bare = [self.inputs.some([i]) for i in rows]
        self.frames = [x.batch([0], device) for x in bare]
        self.frames += [self.inputs.batch([i], device) for i in rows]
        self.frames += [self.inputs.batch(rows, device)]
        longest = self.inputs.longest
        self.lengths = [*(x.longest for x in bare), *(longest for _ in rows), longest]
        self.values: list[Values] = [{} for _ in self.frames]

    @property
    def batch(self) -> Values:
        return self.values[-1]

    def problems(self, component: Component, placed: bool) -> Iterator[str]:
        try:
            for frame, lengths, values in zip(self.frames, self.lengths, self.values, strict=True):
                ports = self._ports(component, values)
                value = self.model.evaluate(component.name, ports, frame)
                values[component.name] = value
                rows = len(self.inputs) if frame is self.frames[-1] else 1
                yield from self._shape(component, rows, lengths[component.space], value)
        except Exception as error:  # the user's code: whatever it raises is reported
            yield f"its function raised {type(error).__name__}: {error}"
            return
        yield from self._place(component, placed)
        yield from self._rows(component)
        for port in component.ports:
            yield from self._reach(component, port)

    def _ports(self, component: Component, values: Values) -> Values:
        return {port.name: sum_of([values[f] for f in port.feeders]) for port in component.ports}

    def _shape(self, component: Component, rows: int, length: int, value: Any) -> Iterator[str]:
        """[row, position, width]; one position may stand for all."""
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
        if not placed:
            return
        longest, graph = self.inputs.longest, self.model.graph
        ports = self._ports(component, self.batch)
        read = [("its output", self.batch[component.name], longest[component.space])]
        read += [
            (f"port '{port.name}'", ports[port.name], longest[graph.stream_spaces[port.stream]])
            for port in component.ports
        ]
        for what, value, length in read:
            if value.shape[1] == 1 < length:
                yield (
                    f"{what} has one position for all {length} of the input, and a node (or "
                    "the task) reads it at a role or an index. Give [row, position, width] with "
                    "every position, for example x.expand(-1, inputs.shape[1], -1), or put the "
                    "node at positions='all'."
                )
                return

    def _rows(self, component: Component) -> Iterator[str]:
        """A row is the same bare and padded, alone and among others."""
        count = len(self.inputs)
        for i in range(count):
            bare, padded = (self.values[k][component.name] for k in (i, count + i))
            length = self.lengths[i][component.space]
            if not self._equal(padded[:, :length], bare[:, : padded.shape[1]]):
                short, longest = (
                    _shown(x, self.inputs) for x in (self.lengths[i], self.inputs.longest)
                )
                yield (
                    f"an input of length {short} gives other values when it is padded to "
                    f"{longest}, the data's longest{self._looks(component)}; padding must "
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
        plain, count = self.batch[component.name][:1], self.inputs.longest[component.space]
        spots = np.unique(np.linspace(0, count - 1, min(SPOTS, count)).astype(int)).tolist()
        for other in self._others(component, port.name):
            changed = {name: x.expand(len(spots), -1, -1) for name, x in ports.items()}
            changed[port.name] = torch.cat(
                [self._swapped(ports[port.name], other, port.reach, spot) for spot in spots]
            )
            repeated = self.inputs.batch([0] * len(spots), self.model.device)
            found = self.model.evaluate(component.name, changed, repeated)
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
