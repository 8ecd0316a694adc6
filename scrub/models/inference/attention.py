"""An attention among a block's modules: how it is cut into heads, settled by what it does.

How a fused projection is laid out, and how many heads there are, shows when what a
projection gives for one head is changed: whose z changes, and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from scrub.models.families import base
from scrub.models.families.base import Attention, Config, Fit, Heads, Run, Sizes
from scrub.models.inference.cores import Core
from scrub.models.inference.effects import called
from scrub.models.inference.seen import Event, Tensor, same
from scrub.models.inference.trace import Found
from scrub.models.linear import weight_of
from scrub.models.queries import asks
from scrub.models.shapes import given
from scrub.models.spots import HIDDEN, first
from scrub.models.substitute import Caught, attached


def facts_of(
    core: Core, found: Found, norms: Sequence[Event], config: Config, sizes: Sizes
) -> tuple[Attention, Heads] | None:
    """The facts of an attention, and its sizes, by the first reading that the module bears out."""
    before = _before(core, found, norms)
    if before is None:
        return None
    attention = Attention(
        path=core.event.path,
        before=before,
        projections=core.paths,
        out=core.out_path,
        run=core.run[0],
        per_head=(),
        asks=asks(core.event.module),
    )
    for heads in _readings(core, config, sizes):
        for layout in core.layouts:
            if _bears_out(core, replace(attention, layout=layout), heads):
                chosen = replace(attention, layout=layout)
                gated = layout is base.separate and core.width_of("q") > heads.queries * heads.width
                if gated:
                    chosen = replace(chosen, run=Run.TOGETHER)
                if chosen.run is Run.ALONE:
                    chosen = replace(chosen, per_head=_per_head(core.event.module, heads))
                return replace(chosen, handed=_handed(core.event, heads)), heads
    return None


def _before(core: Core, found: Found, norms: Sequence[Event]) -> str | None:
    """The norm that it reads through: beside it, or within the module that holds it."""
    if same(core.event.read, found.read):
        return found.before.path if found.before else ""
    inner = (n for n in norms if same(n.read, found.read) and same(n.gave, core.event.read))
    norm = next(inner, None)
    return None if norm is None or found.before else norm.path


def _readings(core: Core, config: Config, sizes: Sizes) -> Iterator[Heads]:
    """Numbers of heads that the weights allow, those of the config first."""
    named = [config.get(n) for n in sizes.heads.names]
    others = [v for name, v in config.items() if "head" in name]
    counts = dict.fromkeys(n for n in (*named, *others) if type(n) is int and n > 0)
    shared = given(config, sizes.shared)
    out = int(weight_of(core.out.module).shape[1])
    for queries in counts:
        if out % queries:
            continue
        z = out // queries
        own = (core.width_of("v") // z, (core.width_of("q") // z - queries) // 2)  # or fused
        groups = [n for n in (shared, queries, 1, *own) if type(n) is int and n > 0]
        for group in (g for g in dict.fromkeys(groups) if queries % g == 0):
            heads = _sized(core, queries, group, z, config)
            if heads is not None:
                yield heads


def _sized(core: Core, queries: int, shared: int, z: int, config: Config) -> Heads | None:
    if core.layouts[0] is base.latent:
        rope = config.get("qk_rope_head_dim")
        if core.width_of("q") % queries or not isinstance(rope, int):
            return None
        return Heads(queries, queries, core.width_of("q") // queries, z, rope)
    if core.layouts[0] is not base.separate:
        return (
            Heads(queries, shared, z) if core.width_of("q") == (queries + 2 * shared) * z else None
        )
    if core.width_of("k") % shared or core.width_of("v") != shared * z:
        return None
    width = core.width_of("k") // shared
    if core.width_of("q") not in (queries * width, 2 * queries * width):  # with a gate for each
        return None
    return Heads(queries, shared, width, 0 if z == width else z)


def _per_head(module: nn.Module, heads: Heads) -> tuple[str, ...]:
    """Tensors of the module itself with an entry for each head."""
    held = {**dict(module._parameters), **dict(module._buffers)}
    sized = (n for n, t in held.items() if t is not None and t.ndim and len(t) == heads.queries)
    return tuple(sized)


def _handed(event: Event, heads: Heads) -> dict[str, Fit]:
    """What it is handed with an entry for each head (biases, slopes), or each row."""
    rows = len(event.read)
    found: dict[str, Fit] = {}
    for name, held in {**{f"{i}": a for i, a in enumerate(event.args)}, **event.kwargs}.items():
        read = name == "0" if event.args else name in HIDDEN
        shape = tuple(held.shape) if isinstance(held, Tensor) and not read else ()
        if len(shape) < 2:
            continue
        if shape[0] == rows * heads.queries:
            found[name] = base.row_by_head
        elif shape[1] == heads.queries and shape[0] in (1, rows):
            found[name] = base.row_and_head
        elif shape[0] == rows:
            found[name] = base.each_row
        elif shape[0] == heads.queries:
            found[name] = base.head_alone
    return found


def _bears_out(core: Core, attention: Attention, heads: Heads) -> bool:
    """Whether a change of one head's slice changes what it should, and nothing else.

    Queries change their own position, values count in proportion, and, where the projections are
    fused, no other head changes: else the slices are not those of a head.
    """
    plain = _z(core, {})
    if plain is None or plain.shape[-1] != heads.queries * heads.z:
        return False
    noise = torch.Generator().manual_seed(0)
    if not all(_stays(core, path, plain) for path in attention.projections["q"]):
        return False
    fused = attention.layout not in (base.separate, base.latent)
    spot = plain.shape[1] // 2
    for head in {0, heads.queries - 1}:
        for port in "qkv":
            wide = heads.wide(port) - (heads.common if port == "k" else 0)
            change = torch.randn(wide, generator=noise).to(plain)
            path = attention.projections[port][-1]
            start = attention.layout(port, head, heads)
            once, twice = (
                _z(core, {path: (slice(start, start + len(change)), spot, factor * change)})
                for factor in (1.0, 2.0)
            )
            if once is None or twice is None:
                return False
            if not _is_heads(port, head, heads, plain, once, twice, spot, fused):
                return False
    return True


def _stays(core: Core, path: str, plain: Tensor) -> bool:
    """Whether what stands under the queries changes its own position only."""
    if path in core.paths["v"]:
        return True  # fused: looked at slice by slice
    spot = plain.shape[1] // 2
    other = _z(core, {path: (slice(None), spot, torch.ones((), device=plain.device))})
    if other is None:
        return False
    moved = (other - plain).abs().amax((0, 2))
    small = torch.finfo(plain.dtype).eps ** (2 / 3) * float(plain.abs().max())
    return not bool((moved[torch.arange(len(moved)) != spot] > small).any())


def _is_heads(
    port: str, head: int, heads: Heads, plain: Tensor, once: Tensor, twice: Tensor, spot: int,
    fused: bool,
) -> bool:  # fmt: skip
    small = torch.finfo(plain.dtype).eps ** (2 / 3) * float(plain.abs().max())
    moved = (
        (once - plain).abs().view(*plain.shape[:2], heads.queries, heads.z).amax((0, 3))
    )  # [at, head]
    if port == "q" and bool((moved[torch.arange(len(moved)) != spot] > small).any()):
        return False
    if not fused:
        return True
    mine = torch.tensor([heads.group(h) == heads.group(head) for h in range(heads.queries)])
    if port == "q":
        mine = torch.arange(heads.queries) == head
    if bool((moved[:, ~mine] > small).any()):
        return False
    if port == "v":  # in proportion, at all positions that attend to it
        return bool(((twice - plain) - 2 * (once - plain)).abs().max() <= 4 * small)
    return True


Changes = Mapping[str, tuple[slice, int, Tensor]]


def _z(core: Core, changes: Changes) -> Tensor | None:
    """What arrives at the output projection when projections give something else in places."""

    def altered(path: str) -> Any:
        where, spot, change = changes[path]

        def hook(_: nn.Module, __: Any, output: Tensor) -> Tensor:
            output = output.clone()
            output[..., spot, where] += change
            return output

        return hook

    def caught(_: nn.Module, args: Any) -> None:
        raise Caught(args[0])

    module = core.event.module
    with attached() as handles:
        for path in changes:
            handles.append(module.get_submodule(path).register_forward_hook(altered(path)))
        if not core.out_path.startswith("../"):
            handles.append(core.out.module.register_forward_pre_hook(caught))
        try:
            z: Tensor = first(called(core.event, core.event.read))
        except Caught as stopped:
            z = stopped.value
        except (RuntimeError, IndexError):
            return None  # a slice of another width than this reading has it
    return z.reshape(*core.event.read.shape[:2], -1)
