"""An attention among a block's modules: its projections by name, all else by what it does.

How a fused projection is laid out, and how many heads there are, is settled by changing what a
projection gives for one head and looking at whose z changes, and where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from scrub.models.circumstances import CACHES
from scrub.models.families import base
from scrub.models.families.base import Attention, Config, Fit, Heads, Layout, Run, Sizes
from scrub.models.inference.seen import Event, Tensor, same
from scrub.models.inference.trace import Found
from scrub.models.linear import is_linear, weight_of
from scrub.models.shapes import given
from scrub.models.spots import HIDDEN, first, hidden_of
from scrub.models.substitute import Caught, attached

NAMES: Mapping[str, tuple[str, ...]] = {
    "q": (
        "q_proj", "query", "q_lin", "q", "wq", "Wq", "w_q", "query_proj", "to_q", "q_linear",
        "linear_q", "queries", "W_Q",
    ),
    "k": (
        "k_proj", "key", "k_lin", "k", "wk", "Wk", "w_k", "key_proj", "to_k", "k_linear",
        "linear_k", "keys", "W_K",
    ),
    "v": (
        "v_proj", "value", "v_lin", "v", "wv", "Wv", "w_v", "value_proj", "to_v", "v_linear",
        "linear_v", "values", "W_V",
    ),
}  # fmt: skip
FUSED = (
    "c_attn", "qkv_proj", "query_key_value", "Wqkv", "qkv", "att_proj", "attn_qkv", "wqkv", "w_qkv",
    "to_qkv", "c_qkv", "qkv_linear", "in_proj", "W_pack",
)  # fmt: skip
LAYOUTS: Sequence[Layout] = (base.stacked, base.interleaved, base.grouped)


@dataclass(frozen=True, eq=False)
class Core:
    """A module that holds projections, in one of its applications."""

    event: Event
    paths: Mapping[str, tuple[str, ...]]  # by port, within it
    out: Event
    run: tuple[Run, ...]  # the ways of running it, the preferred one first
    layouts: Sequence[Layout] = field(default=(base.separate,))

    @property
    def out_path(self) -> str:
        inside = self.out.path.startswith(f"{self.event.path}.")
        if inside:
            return self.out.within(self.event.path)
        parent = self.event.path.rpartition(".")[0]
        return f"../{self.out.within(parent)}"

    def width_of(self, port: str) -> int:
        return int(weight_of(self.event.module.get_submodule(self.paths[port][-1])).shape[0])


def cores_in(found: Found, events: Sequence[Event]) -> Iterator[Core]:
    """The attentions within a sublayer's modules whose projections have known names."""
    for event in events:
        inside = any(_holds(whole.path, event.path) for whole in found.chain)
        paths = _projections(event.module) if inside else None
        if paths is None:
            continue
        out = _out(found, event, events)
        if out is None:
            continue
        if paths["k"][-1] == "kv_b_proj":
            yield Core(event, paths, out, (Run.TRACED,), (base.latent,))
            continue
        fused = len({*paths["q"], *paths["k"], *paths["v"]}) == 1
        more = _others(event, events, {p[-1] for p in paths.values()})
        if more:  # a gate on the output, for one, reads what the queries read
            paths = {**paths, "q": (*more, *paths["q"])}
        runs = (Run.TOGETHER, Run.TRACED) if more else (Run.ALONE, Run.TOGETHER, Run.TRACED)
        yield Core(event, paths, out, runs, LAYOUTS if fused else (base.separate,))


def _holds(path: str, other: str) -> bool:
    return other == path or other.startswith(f"{path}.")


def _projections(module: nn.Module) -> dict[str, tuple[str, ...]] | None:
    held = {name for name, child in module.named_children() if is_linear(child)}
    if {"kv_a_proj_with_mqa", "kv_b_proj"} <= held:
        query = "q_b_proj" if "q_b_proj" in held else "q_proj"
        return {"q": (query,), "k": ("kv_a_proj_with_mqa", "kv_b_proj"), "v": ("kv_b_proj",)}
    found = {p: next((n for n in names if n in held), "") for p, names in NAMES.items()}
    if all(found.values()):
        return {port: (name,) for port, name in found.items()}
    fused = next((name for name in FUSED if name in held), "")
    return dict.fromkeys("qkv", (fused,)) if fused else None


def _out(found: Found, core: Event, events: Sequence[Event]) -> Event | None:
    """The linear map whose output is the sublayer's: the last that gave it."""
    for event in reversed(events):
        if event.end > core.start and is_linear(event.module) and same(event.gave, found.gave):
            parent = core.path.rpartition(".")[0]
            if _holds(core.path, event.path) or _holds(parent, event.path) or not parent:
                return event
    return None


def _others(core: Event, events: Sequence[Event], known: set[str]) -> tuple[str, ...]:
    """Other linear maps of the core that read what it reads."""
    inner = (e for e in events if e.path.startswith(f"{core.path}.") and is_linear(e.module))
    paths = (e.within(core.path) for e in inner if same(e.read, core.read))
    return tuple(dict.fromkeys(path for path in paths if path not in known))


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


def called(event: Event, value: Tensor) -> Any:
    """A module again, under the circumstances in which it was applied.

    What it was handed several times (queries, keys and values that are one tensor) stays one.
    """
    read = hidden_of(event.args, event.kwargs)
    args = tuple(value if held is read else held for held in event.args)
    kwargs = {
        name: None if name in CACHES else value if held is read else held
        for name, held in event.kwargs.items()
    }
    return event.module(*args, **kwargs)


def mixes(found: Found) -> tuple[bool, bool]:
    """Whether a sublayer reads other positions than its own, and whether it reads later ones."""
    other, later = False, False
    for event in found.chain:
        spot = event.read.shape[1] // 2
        changed = event.read.clone()
        noise = torch.randn(changed[:, spot].shape, generator=torch.Generator().manual_seed(1))
        changed[:, spot] += noise.to(changed) * changed.std()
        plain, gave = first(called(event, event.read)), first(called(event, changed))
        if gave.shape != plain.shape or gave.ndim < 3:
            continue
        moved = (gave - plain).abs().amax((0, *range(2, gave.ndim)))
        small = torch.finfo(gave.dtype).eps ** (2 / 3) * float(plain.abs().max())
        other |= bool((moved[:spot] > small).any() or (moved[spot + 1 :] > small).any())
        later |= bool((moved[:spot] > small).any())
    return other, later
