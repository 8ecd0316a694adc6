"""What the probe measures. Nothing here knows an architecture.

Each check runs the real model on a few random tokens, asks the adapter for the same thing in
another way, and says by how much the two differ, and where most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import torch

from scrub.graph import Component, Part
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call, Kind, Site
from scrub.models.hooked import HookedModel
from scrub.models.measure import Check, Pairs, difference, finite, worst
from scrub.models.substitute import evaluating

ROWS, LENGTH = 2, 10
SPOTS = 8  # groups that are also run by whole passes with hooks, which are slow


class Plain:
    """The model on the probe's own inputs: what every check compares with."""

    def __init__(self, model: TransformersModel, seed: int) -> None:
        self.model = model
        self.hooked = HookedModel(model.module, model.name)
        family = model.anatomy.family
        self.length = min(LENGTH, model.config.get(family.longest) or LENGTH)
        self.noise = torch.Generator().manual_seed(seed)
        self.vocabulary = model.graph[model.graph.output].width
        tokens = torch.randint(self.vocabulary, (ROWS, self.length), generator=self.noise)
        self.tokens = tokens.to(model.device)
        # 2.4e-5 in float32, 4e-2 in bfloat16: above what rounding does in a deep model, and far
        # below what a wrong slice does
        self.tolerance = torch.finfo(model.dtype).eps ** (2 / 3)

    @cached_property
    def recorded(self) -> Mapping[Site, torch.Tensor]:
        return self.record(self.tokens)

    def record(self, tokens: torch.Tensor) -> Mapping[Site, torch.Tensor]:
        """Every stream and every component's output."""
        sites = [Site(Kind.STREAM, name) for name in self.model.graph.streams]
        sites += [Site(Kind.OUTPUT, c.name) for c in self.model.graph.components]
        lengths = torch.full((len(tokens),), tokens.shape[1], device=tokens.device)
        return self.model.record(tokens, lengths, sites)

    def stream(self, name: str) -> torch.Tensor:
        return self.recorded[Site(Kind.STREAM, name)]

    def share(self, component: str) -> torch.Tensor:
        """What a component adds to the streams that it feeds."""
        return self.model.output(Part(component), self.recorded[Site(Kind.OUTPUT, component)])

    def call(self, component: Component, changed: Mapping[str, torch.Tensor] | None = None) -> Call:
        """The component on its plain ports, some of them changed."""
        ports = {port.name: self.stream(port.stream) for port in component.ports}
        lengths = torch.full((ROWS,), self.length, device=self.model.device)
        return Call(Part(component.name), ports | dict(changed or {}), lengths)

    def groups(self) -> list[list[Component]]:
        """Components that run as one batch."""
        groups: dict[str, list[Component]] = {}
        for component in self.model.graph.components:
            if component.ports:
                groups.setdefault(component.group, []).append(component)
        return list(groups.values())

    def random(self, like: torch.Tensor) -> torch.Tensor:
        """Other values, as large as those that are there."""
        random = torch.randn(like.shape, generator=self.noise).to(like)
        return random * like.float().std().to(like.dtype)

    def other_tokens(self, rows: slice, positions: slice) -> torch.Tensor:
        """The tokens, all of these changed."""
        changed = self.tokens.clone()
        changed[rows, positions] = (changed[rows, positions] + 1) % self.vocabulary
        return changed


def finite_weights(model: TransformersModel) -> Check:
    weights = model.module.state_dict().items()
    return finite("all weights are finite", {f"tensor {name}": w for name, w in weights})


def _finite_values(plain: Plain) -> Iterator[Check]:
    values = {str(site): value for site, value in plain.recorded.items()}
    yield finite("all recorded values are finite", values)


def _evaluation_mode(plain: Plain) -> Iterator[Check]:
    """No dropout, nothing drawn."""
    again = plain.record(plain.tokens)
    pairs = {str(site): (again[site], value) for site, value in plain.recorded.items()}
    yield worst("a repeated pass gives the same values", pairs, plain.tolerance)


def _logits(plain: Plain) -> Iterator[Check]:
    """Asked as a user would ask it."""
    module = plain.model.module
    with evaluating(tuple(module.modules())):
        own = module(input_ids=plain.tokens).logits
    recorded = plain.recorded[Site(Kind.OUTPUT, plain.model.graph.output)]
    pairs = {plain.model.graph.output: (recorded, own)}
    yield worst("the recorded logits are the model's own", pairs, plain.tolerance)


def _sums(plain: Plain) -> Iterator[Check]:
    """Summed as they come: each stream's feeders are those of the one before, and some more."""
    wide = torch.promote_types(plain.model.dtype, torch.float32)
    total: torch.Tensor | None = None
    summed: set[str] = set()
    pairs: Pairs = {}
    for stream, feeders in plain.model.graph.streams.items():
        for feeder in feeders:
            if feeder not in summed:
                share = plain.share(feeder).to(wide)
                total = share if total is None else total + share
                summed.add(feeder)
        if total is not None:
            pairs[stream] = (total + plain.model.constant(stream), plain.stream(stream))
    yield worst("components sum to the stream", pairs, plain.tolerance)


def _reruns(plain: Plain) -> Iterator[Check]:
    """All of a group in one batch."""
    pairs: Pairs = {}
    for group in plain.groups():
        outputs = plain.model.run([plain.call(component) for component in group])
        for component, output in zip(group, outputs, strict=True):
            pairs[component.name] = (output, plain.share(component.name))
    yield worst("a re-run component equals its recording", pairs, plain.tolerance)


def _ports_are_read(plain: Plain) -> Iterator[Check]:
    """Each port in turn. A component may ignore a port (a head whose queries are constant): where
    nothing changes, whole passes with hooks say whether something should have."""
    for port in sorted({name for group in plain.groups() for name in group[0].port_names}):
        missed = {"every component": 0.0}
        for group in (group for group in plain.groups() if port in group[0].port_names):
            other = plain.random(plain.stream(group[0].port(port).stream))
            before = plain.model.run([plain.call(c) for c in group])
            after = plain.model.run([plain.call(c, {port: other}) for c in group])
            for component, old, new in zip(group, before, after, strict=True):
                if torch.equal(old, new):
                    missed[component.name] = _expected_change(plain, component, port, other)
                    break  # one is enough, and these passes are slow
        where = max(missed, key=lambda name: missed[name])
        yield Check(f"port {port} is read", missed[where], plain.tolerance, where)


def _expected_change(plain: Plain, component: Component, port: str, other: torch.Tensor) -> float:
    old = _by_hooks(plain, plain.call(component))
    return difference(_by_hooks(plain, plain.call(component, {port: other})), old)


def _by_hooks(plain: Plain, call: Call) -> torch.Tensor:
    """The first row of what whole passes of the model with hooks give for a call."""
    ports = {name: value[0] for name, value in call.ports.items()}
    return plain.hooked.evaluate(call.part, plain.tokens[0], ports)


def _other_inputs(plain: Plain) -> Iterator[Check]:
    """On unrelated values at each port: a component each of some groups, the first and the last
    among them."""
    pairs: Pairs = {}
    groups = plain.groups()
    last = len(groups) - 1
    spots = sorted({round(i * last / (SPOTS - 1)) for i in range(SPOTS)})
    for i, group in ((i, groups[i]) for i in spots):
        component = group[i % len(group)]
        streams = {port.name: plain.stream(port.stream) for port in component.ports}
        call = plain.call(component, {name: plain.random(x) for name, x in streams.items()})
        pairs[component.name] = (plain.model.run([call])[0][0], _by_hooks(plain, call))
    yield worst("on other inputs it equals whole passes with hooks", pairs, plain.tolerance)


def _causality(plain: Plain) -> Iterator[Check]:
    later = slice(plain.length // 2, None)
    before = (slice(None), slice(plain.length // 2))
    pairs = _changed(plain, slice(None), later, kept=before)
    yield worst("a later token changes nothing before it", pairs, plain.tolerance)


def _row_isolation(plain: Plain) -> Iterator[Check]:
    pairs = _changed(plain, slice(1, None), slice(None), kept=(slice(1), slice(None)))
    yield worst("another row changes nothing in this one", pairs, plain.tolerance)


def _changed(plain: Plain, rows: slice, positions: slice, kept: tuple[slice, slice]) -> Pairs:
    """What is kept when other tokens, or other inputs of re-run components, stand elsewhere."""
    other = plain.record(plain.other_tokens(rows, positions))
    pairs = {str(site): (other[site][kept], value[kept]) for site, value in plain.recorded.items()}
    for group in plain.groups():
        streams = {port.stream for component in group for port in component.ports}
        changed = {stream: plain.stream(stream).clone() for stream in streams}
        for value in changed.values():
            value[rows, positions] = plain.random(value)[rows, positions]
        calls = [plain.call(c, {p.name: changed[p.stream] for p in c.ports}) for c in group]
        for component, output in zip(group, plain.model.run(calls), strict=True):
            pairs[f"{component.name}, re-run"] = (output[kept], plain.share(component.name)[kept])
    return pairs


def _padding(plain: Plain) -> Iterator[Check]:
    short = max(1, plain.length - 3)
    padded = plain.tokens.clone()
    padded[:, short:] = 0
    long, bare = plain.record(padded), plain.record(plain.tokens[:, :short])
    pairs = {str(site): (long[site][:, :short], value) for site, value in bare.items()}
    yield worst("a right-padded row is as it is without padding", pairs, plain.tolerance)


CHECKS: Sequence[Callable[[Plain], Iterator[Check]]] = (
    _finite_values,
    _evaluation_mode,
    _logits,
    _sums,
    _reruns,
    _ports_are_read,
    _other_inputs,
    _causality,
    _row_isolation,
    _padding,
)
