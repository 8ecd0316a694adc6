"""What the probe measures. Nothing here knows an architecture.

Each check runs the real model on a few random tokens, asks the adapter for the same thing in
another way, and says by how much the two differ, and where most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch

from scrub.graph import Component, Part, Reach, Space
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch, Call, Given, Kind, Site
from scrub.models.drivers import call
from scrub.models.implementations import IMPLEMENTATIONS, implemented, offers
from scrub.models.keywords import keywords
from scrub.models.measure import Check, Pairs, difference, finite, worst
from scrub.models.plain import Plain
from scrub.models.recording import Entries, Place, Recording
from scrub.models.substitute import evaluating, weights
from scrub.models.versions import attention_for

SPOTS = 8  # groups that are also run by whole passes with hooks, which are slow


def finite_weights(model: TransformersModel) -> Check:
    found = weights(model.module)
    return finite("all weights are finite", ((f"tensor {name}", w) for name, w in found))


def _finite_values(plain: Plain) -> Iterator[Check]:
    values = {str(site): value for site, value in plain.recorded.items()}
    yield finite("all recorded values are finite", values.items())


def _evaluation_mode(plain: Plain) -> Iterator[Check]:
    """No dropout, nothing drawn."""
    again = plain.record(plain.batch)
    pairs = {str(site): (again[site], value) for site, value in plain.recorded.items()}
    yield worst("a repeated pass gives the same values", pairs, plain.tolerance)


def _logits(plain: Plain) -> Iterator[Check]:
    """Asked as a user would ask it."""
    model = plain.model
    with evaluating(tuple(model.module.modules())):
        given = keywords(model.module, plain.batch, ())
        own = model.wiring.head.of(call(model.module, given))
    recorded = plain.recorded[Site(Kind.OUTPUT, model.graph.output)]
    pairs = {model.graph.output: (recorded, own)}
    yield worst("the recorded logits are the model's own", pairs, plain.tolerance)


def _implementations(plain: Plain) -> Iterator[Check]:
    """The attention's other implementations, where the model has them, say the same."""
    model = plain.model
    own = getattr(model.module.config, "_attn_implementation", None)
    differing = any(model.config.get(key) for key in model.wiring.family.differing)
    partial = "sdpa" if attention_for(model.config) else ""  # it leaves out what the config says
    fix = "Load it with attn_implementation='eager'." if own == partial else ""
    for name in IMPLEMENTATIONS:
        if differing or own is None or not offers(model.module, name):
            continue
        if name in (own, partial):
            continue
        with implemented(model.module, name):
            other = plain.record(plain.batch)
        pairs = {str(site): (other[site], value) for site, value in plain.recorded.items()}
        # they round in another order and (eager's softmax) in float32, whatever the model's type,
        # and every layer adds to that
        single = torch.finfo(torch.float32).eps ** (2 / 3)
        tolerance = 10 * max(plain.tolerance, single)
        yield replace(worst(f"attention '{name}' agrees with '{own}'", pairs, tolerance), fix=fix)


def _sums(plain: Plain) -> Iterator[Check]:
    """Where a stream's feeders are those of the one before and some more, the sum goes on."""
    wide = torch.promote_types(plain.model.dtype, torch.float32)
    summed: dict[str, tuple[tuple[str, ...], torch.Tensor]] = {}  # by space: the last sum
    pairs: Pairs = {}
    for stream, feeders in plain.model.graph.streams.items():
        space = plain.model.graph.stream_spaces[stream]
        done, total = summed.get(space, ((), None))
        if total is None or feeders[: len(done)] != done:
            done, total = (), None
        for feeder in feeders[len(done) :]:
            share = plain.share(feeder).to(wide)
            total = share if total is None else total + share
        assert total is not None  # a stream has feeders
        summed[space] = (feeders, total)
        pairs[stream] = (total + plain.model.constant(stream), plain.stream(stream))
    yield worst("components sum to the stream", pairs, plain.tolerance)


def _reruns(plain: Plain) -> Iterator[Check]:
    """All of a group in one batch, and one of it alone: as many heads as there are could be right
    where another number is not. All again for one position of each row, where an attention may
    run for no other query, and as the engine puts them in."""
    pairs: Pairs = {}
    for group in plain.groups():
        spots = [_spot(plain, component, i) for i, component in enumerate(group)]
        reread = _put_in(plain, [_read_at(plain, *one) for one in zip(group, spots, strict=True)])
        for component, at, output in zip(group, spots, reread, strict=True):
            share = plain.share(component.name)
            pairs[f"{component.name}, at a position"] = (output, _picked(share, at))
        outputs = plain.model.run([plain.call(component) for component in group])
        for component, output in zip(group, outputs, strict=True):
            pairs[component.name] = (output, plain.share(component.name))
        if len(group) > 1:
            name = group[-1].name
            (output,) = plain.model.run([plain.call(group[-1])])
            pairs[f"{name}, alone"] = (output, plain.share(name))
    yield worst("a re-run component equals its recording", pairs, plain.tolerance)


def _put_in(plain: Plain, calls: Sequence[Call]) -> list[torch.Tensor]:
    """What calls add to sums: where a linear map ends them, it is applied straight into those."""
    model = plain.model
    if not model.graph.is_linear(calls[0].part):
        return model.run(calls)
    wide = torch.promote_types(model.dtype, torch.float32)
    shares: list[torch.Tensor] = []
    for one, stored in zip(calls, model.stored(calls), strict=True):
        width = model.graph[one.part.component].width
        shares.append(torch.zeros(*stored.shape[:2], width, dtype=wide, device=model.device))
        model.add([(one.part, stored)], shares[-1])
    return shares


def _spot(plain: Plain, component: Component, i: int) -> torch.Tensor:
    """A position of each row, another one for each component, [row, 1]."""
    shape = plain.share(component.name).shape
    return (torch.arange(shape[0], device=plain.model.device)[:, None] + i + 1) % shape[1]


def _read_at(plain: Plain, component: Component, at: torch.Tensor) -> Call:
    """The component on its plain ports, for its output at these positions."""
    whole = plain.call(component)
    same = [port.name for port in component.ports if port.reach is Reach.SAME]
    ports = {n: _picked(x, at) if n in same else x for n, x in whole.ports.items()}
    return replace(whole, ports=ports, at=at)


def _picked(value: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return value[torch.arange(len(at), device=at.device)[:, None], at]


def _projections(plain: Plain) -> Iterator[Check]:
    """Where queries, keys and values can be recorded: every other position of the keys and values
    is noise, with the plain sums put in there."""
    ports = [p for group in plain.groups() for c in group for p in c.ports]
    sites = list(dict.fromkeys(p.projection.site for p in ports if p.projection))
    if not sites:
        return
    recorded = plain.model.record(plain.batch, sites)
    pairs: Pairs = {}
    for group in (group for group in plain.groups() if group[0].ports[0].projection):
        calls = [_from_projections(plain, component, recorded) for component in group]
        spots = [_spot(plain, component, i) for i, component in enumerate(group)]
        calls += [replace(call, at=at) for call, at in zip(calls, spots, strict=True)]
        shares = [plain.share(component.name) for component in group]
        shares += [_picked(share, at) for share, at in zip(shares, spots, strict=True)]
        for one, share, output in zip(calls, shares, plain.model.run(calls), strict=True):
            where = "" if one.at is None else ", at a position"
            pairs[f"{one.part}{where}"] = (output, share)
    yield worst("a re-run on recorded projections equals the recording", pairs, plain.tolerance)


def _from_projections(
    plain: Plain, component: Component, recorded: Mapping[Site, torch.Tensor]
) -> Call:
    given: dict[str, Given] = {}
    for port in component.ports:
        assert port.projection is not None  # of a group, all have one or none
        site = port.projection.site
        own = recorded[site].clone()
        rows = torch.arange(len(own), device=own.device)
        entries = Entries(Recording({site: own}, own.device, Place.DEVICE), site, rows, own.device)
        given[port.name] = Given(entries)
        if port.reach is not Reach.SAME:
            spots = torch.arange(0, own.shape[1], 2, device=own.device).expand(len(own), -1)
            given[port.name] = Given(entries, [(plain.stream(port.stream)[:, ::2], spots)])
            own[:, ::2] = plain.random(own)[:, ::2]
    return Call(Part(component.name), {}, plain.batch, given=given)


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
    old = plain.by_hooks(plain.call(component))
    return difference(plain.by_hooks(plain.call(component, {port: other})), old)


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
        pairs[component.name] = (plain.model.run([call])[0][0], plain.by_hooks(call))
    yield worst("on other inputs it equals whole passes with hooks", pairs, plain.tolerance)


def _causality(plain: Plain) -> Iterator[Check]:
    """In the spaces where nothing is declared to look ahead."""
    pairs: Pairs = {}
    for space in (space for space in plain.sequences if plain.is_causal(space)):
        later = slice((plain.lengths[space.name] + 1) // 2, None)
        pairs |= plain.changed(space, slice(None), later, kept=slice(None))
    if pairs:
        yield worst("a later token changes nothing before it", pairs, plain.tolerance)


def _row_isolation(plain: Plain) -> Iterator[Check]:
    pairs: Pairs = {}
    for space in (space for space in plain.model.graph.spaces if space.given):
        pairs |= plain.changed(space, slice(1, None), slice(None), kept=slice(1))
    yield worst("another row changes nothing in this one", pairs, plain.tolerance)


def _padding(plain: Plain) -> Iterator[Check]:
    """Recorded, and re-run: a row's frame tells a component where its padding begins."""
    pairs: Pairs = {}
    for space in plain.sequences:
        short = max(1, plain.lengths[space.name] - 3)
        padded, bare = _shortened(plain, space, short)
        long, alone = plain.record(padded), plain.record(bare)
        for site, value in alone.items():
            pairs[str(site)] = (long[site][:, : value.shape[1]], value)
        for group in plain.groups():
            calls = [
                Call(
                    Part(c.name),
                    {p.name: long[Site(Kind.STREAM, p.stream)] for p in c.ports},
                    padded,
                )
                for c in group
            ]
            for component, output in zip(group, plain.model.run(calls), strict=True):
                own = alone[Site(Kind.OUTPUT, component.name)]
                share = plain.model.output(Part(component.name), own)
                pairs[f"{component.name}, re-run"] = (output[:, : share.shape[1]], share)
    if pairs:
        # passes of another length round otherwise, and a deep model makes more of it
        tolerance = 10 * plain.tolerance
        yield worst("a right-padded row is as it is without padding", pairs, tolerance)


def _shortened(plain: Plain, space: Space, length: int) -> tuple[Batch, Batch]:
    """The rows cut to a length in one space: with padding in place of the rest, and without."""
    tokens = plain.batch.fields[space.name]
    padded = tokens.clone()
    padded[:, length:] = 0
    lengths = {**plain.batch.lengths}
    lengths[space.name] = torch.full_like(lengths[space.name], length)
    return tuple(
        Batch({**plain.batch.fields, space.name: made}, lengths)
        for made in (padded, tokens[:, :length])
    )  # type: ignore[return-value]


CHECKS: Sequence[Callable[[Plain], Iterator[Check]]] = (
    _finite_values,
    _evaluation_mode,
    _logits,
    _implementations,
    _sums,
    _reruns,
    _projections,
    _ports_are_read,
    _other_inputs,
    _causality,
    _row_isolation,
    _padding,
)
