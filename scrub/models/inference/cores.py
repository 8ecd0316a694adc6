"""Modules that hold the projections of an attention, found by the projections' names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from scrub.models.families import base
from scrub.models.families.base import Layout, Run
from scrub.models.inference.seen import Event, same
from scrub.models.inference.trace import Found
from scrub.models.linear import is_linear, weight_of

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
