"""Whether the adapter reproduces the model that was loaded: measured, before its first use.

Nothing here knows an architecture. Each check runs the real model on a few random tokens, asks
the adapter for the same thing in another way, and says by how much the two differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from scrub.errors import ModelRefused
from scrub.graph import Component, Part
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call, Kind, Site

ROWS, LENGTH = 2, 10


@dataclass(frozen=True)
class Check:
    """One thing that was measured: `error` must not exceed `tolerance`."""

    name: str
    error: float
    tolerance: float
    where: str

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance  # a NaN fails

    def __str__(self) -> str:
        verdict = "ok" if self.passed else "FAILED"
        return (
            f"{self.name}: {self.error:.1e} of at most {self.tolerance:.1e} {verdict} {self.where}"
        )


@dataclass(frozen=True)
class ProbeReport:
    """Every check that ran on a model, in order."""

    model: str
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    def require(self) -> None:
        """Raises `ModelRefused` with what failed first, by how much, and where."""
        for check in self.checks:
            if not check.passed:
                raise ModelRefused(
                    f"model '{self.model}' is refused: {check.name} fails at {check.where}: the "
                    f"difference is {check.error:.2g}, at most {check.tolerance:.2g} is allowed."
                )


def probe(model: TransformersModel, seed: int = 0) -> ProbeReport:
    """Runs all checks, on two short rows of random tokens.

    Weights that are not finite end it at once: nothing that is computed from them can be compared.
    """
    finite = _finite(model)
    if not finite.passed:
        return ProbeReport(model.name, (finite,))
    plain = _Plain(model, seed)
    checks = (measured for check in CHECKS for measured in check(plain))
    return ProbeReport(model.name, (finite, *checks))


class _Plain:
    """The model on the probe's own inputs: what every check compares with."""

    def __init__(self, model: TransformersModel, seed: int) -> None:
        self.model = model
        generator = torch.Generator().manual_seed(seed)
        vocabulary = model.graph[model.graph.output].width
        tokens = torch.randint(vocabulary, (ROWS, LENGTH), generator=generator)
        self.tokens = tokens.to(model.device)
        self.other = ((tokens + 1) % vocabulary).to(model.device)
        self.noise = torch.Generator().manual_seed(seed + 1)
        # eps^(2/3) gives 2.4e-5 in float32, 4e-2 in bfloat16: far above what rounding does, far
        # below what a wrong slice does
        self.tolerance = torch.finfo(model.dtype).eps ** (2 / 3)

    @cached_property
    def recorded(self) -> Mapping[Site, torch.Tensor]:
        return self.record(self.tokens)

    def record(self, tokens: torch.Tensor) -> Mapping[Site, torch.Tensor]:
        streams = [Site(Kind.STREAM, name) for name in self.model.graph.streams]
        outputs = [Site(Kind.OUTPUT, c.name) for c in self.model.graph.components]
        lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        return self.model.record(tokens, lengths, streams + outputs)

    def own_logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """What the user's module itself says, asked as a user would."""
        with torch.no_grad():
            logits = self.model.module(input_ids=tokens).logits
        assert isinstance(logits, torch.Tensor)
        return logits

    def stream(self, name: str) -> torch.Tensor:
        return self.recorded[Site(Kind.STREAM, name)]

    def share(self, component: str) -> torch.Tensor:
        """What a component adds to the streams that it feeds."""
        return self.model.output(Part(component), self.recorded[Site(Kind.OUTPUT, component)])

    def call(self, component: Component, changed: Mapping[str, torch.Tensor] | None = None) -> Call:
        """The component on its plain ports, some of them changed."""
        ports = {port.name: self.stream(port.stream) for port in component.ports}
        lengths = torch.full((ROWS,), LENGTH, device=self.model.device)
        return Call(Part(component.name), ports | dict(changed or {}), lengths)

    def groups(self) -> Iterator[Sequence[Component]]:
        """Components that run as one batch."""
        groups: dict[str, list[Component]] = {}
        for component in self.model.graph.components:
            if component.ports:
                groups.setdefault(component.group, []).append(component)
        yield from groups.values()


def _finite(model: TransformersModel) -> Check:
    """No weight is NaN or infinite."""
    for name, tensor in model.module.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            bad = float((~torch.isfinite(tensor)).sum())
            return Check("every weight is finite", bad, 0.0, f"tensor {name} (values not finite)")
    return Check("every weight is finite", 0.0, 0.0, "all tensors")


def _evaluation_mode(plain: _Plain) -> Iterator[Check]:
    """The same inputs twice give the same values: no dropout, nothing drawn."""
    again = plain.record(plain.tokens)
    pairs = {str(site): (again[site], value) for site, value in plain.recorded.items()}
    yield _worst("a repeated pass gives the same values", pairs, plain.tolerance)


def _logits(plain: _Plain) -> Iterator[Check]:
    """What is recorded as logits is what the module answers."""
    module = plain.model.module
    if not module.training:  # a module in training mode answers with its dropout
        own = plain.own_logits(plain.tokens)
        recorded = plain.recorded[Site(Kind.OUTPUT, plain.model.graph.output)]
        pairs = {plain.model.graph.output: (recorded, own)}
        yield _worst("the recorded logits are the model's own", pairs, plain.tolerance)


def _sums(plain: _Plain) -> Iterator[Check]:
    """Every stream is the sum of its feeders' outputs and the constant."""
    total: torch.Tensor | None = None
    summed: set[str] = set()
    pairs: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for stream, feeders in plain.model.graph.streams.items():
        for feeder in feeders:
            if feeder not in summed:
                share = plain.share(feeder).float()
                total = share if total is None else total + share
                summed.add(feeder)
        assert total is not None
        pairs[stream] = (total + plain.model.constant(stream), plain.stream(stream))
    yield _worst("components sum to the stream", pairs, plain.tolerance)


def _reruns(plain: _Plain) -> Iterator[Check]:
    """A component run on its recorded ports gives what was recorded of it, in one batch of all."""
    pairs: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for group in plain.groups():
        outputs = plain.model.run([plain.call(component) for component in group])
        for component, output in zip(group, outputs, strict=True):
            pairs[component.name] = (output, plain.share(component.name))
    yield _worst("a re-run component equals its recording", pairs, plain.tolerance)


def _every_port_is_used(plain: _Plain) -> Iterator[Check]:
    """Changing one port changes the output, and each port in its own way."""
    for ports in {component.port_names for group in plain.groups() for component in group}:
        for port in ports:
            yield _port_is_used(plain, port, ports)


def _port_is_used(plain: _Plain, port: str, ports: tuple[str, ...]) -> Check:
    """The error is that of the port that least differs from being ignored, or from another."""
    least, where = float("inf"), ""
    for group in plain.groups():
        for component in (c for c in group if c.port_names == ports):
            stream = plain.stream(component.port(port).stream)
            other = _noise(plain, stream)
            calls = [plain.call(component)]
            calls += [plain.call(component, {name: other}) for name in ports]
            unchanged, *changed = plain.model.run(calls)
            mine = changed.pop(ports.index(port))
            seen = min(_difference(mine, rest) for rest in [unchanged, *changed])
            if not seen >= least:
                least, where = seen, f"{component.name}, port {port}"
    # written so that more is worse, as in every other check: 1 where the port is not read at all
    error = 1.0 if least == 0 else min(1.0, plain.tolerance / 100 / least)
    return Check(f"port {port} is read, and by itself", error, 0.999, where)


def _causality(plain: _Plain) -> Iterator[Check]:
    """A later token changes nothing before it, in a pass and in a re-run component."""
    cut = LENGTH // 2
    changed = plain.tokens.clone()
    changed[:, cut:] = plain.other[:, cut:]
    other = plain.record(changed)
    pairs = {str(site): (other[site][:, :cut], v[:, :cut]) for site, v in plain.recorded.items()}
    for group in plain.groups():
        for call, output in _rerun_changed(plain, group, slice(None), slice(cut, None)):
            share = plain.share(call.part.component)
            pairs[f"{call.part} re-run"] = (output[:, :cut], share[:, :cut])
    yield _worst("a later token changes nothing before it", pairs, plain.tolerance)


def _row_isolation(plain: _Plain) -> Iterator[Check]:
    """Another row changes nothing in this one, in a pass and in a re-run component."""
    changed = plain.tokens.clone()
    changed[1:] = plain.other[1:]
    other = plain.record(changed)
    pairs = {str(site): (other[site][:1], value[:1]) for site, value in plain.recorded.items()}
    for group in plain.groups():
        for call, output in _rerun_changed(plain, group, slice(1, None), slice(None)):
            pairs[f"{call.part} re-run"] = (output[:1], plain.share(call.part.component)[:1])
    yield _worst("another row changes nothing in this one", pairs, plain.tolerance)


def _padding(plain: _Plain) -> Iterator[Check]:
    """A right-padded row is what it is without its padding."""
    short = LENGTH - 3
    padded = plain.tokens.clone()
    padded[:, short:] = 0
    long, bare = plain.record(padded), plain.record(plain.tokens[:, :short])
    pairs = {str(site): (long[site][:, :short], value) for site, value in bare.items()}
    yield _worst("a right-padded row is as without padding", pairs, plain.tolerance)


CHECKS: tuple[Callable[[_Plain], Iterator[Check]], ...] = (
    _evaluation_mode,
    _logits,
    _sums,
    _reruns,
    _every_port_is_used,
    _causality,
    _row_isolation,
    _padding,
)


def _rerun_changed(
    plain: _Plain, group: Sequence[Component], rows: slice, positions: slice
) -> Iterator[tuple[Call, torch.Tensor]]:
    """All components of a group with their inputs changed in these rows, at these positions."""
    streams = {port.stream for component in group for port in component.ports}
    changed = {stream: plain.stream(stream).clone() for stream in streams}
    for value in changed.values():
        value[rows, positions] = _noise(plain, value)[rows, positions]
    calls = [
        plain.call(component, {port.name: changed[port.stream] for port in component.ports})
        for component in group
    ]
    yield from zip(calls, plain.model.run(calls), strict=True)


def _noise(plain: _Plain, like: torch.Tensor) -> torch.Tensor:
    """Random values of the size of what is there."""
    random = torch.randn(like.shape, generator=plain.noise).to(like)
    return random * like.float().std().to(like.dtype)


def _difference(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference, relative to the largest value; NaN where a value is NaN."""
    ours, theirs = ours.float(), theirs.float()
    size = float(theirs.abs().max())
    return float((ours - theirs).abs().max()) / (size or 1.0)


def _worst(
    name: str, pairs: Mapping[str, tuple[torch.Tensor, torch.Tensor]], tolerance: float
) -> Check:
    """The pair that differs most, the first NaN before all others."""
    errors = {where: _difference(*pair) for where, pair in pairs.items()}
    worst = max(errors, key=lambda where: (errors[where] != errors[where], errors[where]))
    return Check(name, errors[worst], tolerance, worst)
