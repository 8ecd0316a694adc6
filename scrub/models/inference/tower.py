"""Where a model's blocks stand, and what comes after them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from scrub.models.inference.refusal import refused
from scrub.models.inference.seen import Event, Seen, Tensor, same
from scrub.models.inference.trace import is_norm


@dataclass(frozen=True)
class Tower:
    """Where the blocks stand: `within` the module at `path`, whose last norm is `norm`."""

    path: str
    within: str
    blocks: tuple[str, ...]
    width: int
    norm: str
    turn: int  # which application of this norm it is
    trunk: str
    pooler: str


def tower_of(module: nn.Module, seen: Seen, where: str) -> Tower:
    """The one list of blocks that a pass over tokens runs through."""
    lists = [path for path, held in module.named_modules() if _is_tower(held, path, seen)]
    lists = [p for p in lists if not any(p.startswith(f"{q}.") for q in lists)]
    if len(lists) != 1:
        said = f"it has {len(lists)} lists of blocks ({', '.join(lists)}), and one is read."
        if not lists:
            said = "no list of blocks is found that hand one another [row, position, width]."
        raise refused(where, said)
    (path,) = lists
    names = [name for name, _ in module.get_submodule(path).named_children()]
    blocks = tuple(f"{path}.{name}" for name in names)
    if any(len(seen.of(block)) != 1 for block in blocks):
        raise refused(where, f"the blocks of '{path}' are not each applied once.")
    last = seen.of(blocks[-1])[0]
    norm = _last_norm(seen, last)
    parent = path.rpartition(".")[0]
    top = parent
    if norm is not None:
        while top and not norm.path.startswith(f"{top}."):
            top = top.rpartition(".")[0]
    listed = bool(getattr(module, "trunkless", False))
    if listed and norm is None:
        top = path  # the stream ends with the last block, whatever its tower makes of it
    ending = (norm or last).gave
    return Tower(
        path=top,
        within=path.removeprefix(top).removeprefix("."),
        blocks=blocks,
        width=int(last.gave.shape[-1]),
        norm=norm.within(top) if norm is not None else "",
        turn=seen.of(norm.path).index(norm) if norm is not None else 0,
        trunk="" if listed else _trunk(seen, path, ending, where),
        pooler=_pooler(seen, ending),
    )


def _is_tower(held: nn.Module, path: str, seen: Seen) -> bool:
    """A list of modules with parts of their own, each of which reads and gives the like."""
    if not isinstance(held, (nn.ModuleList, nn.Sequential)) or not len(held):
        return False
    if not all(any(True for _ in child.children()) for child in held):
        return False
    events = [event for name, _ in held.named_children() for event in seen.of(f"{path}.{name}")]
    return bool(events) and all(e.read.ndim == 3 and e.read.shape == e.gave.shape for e in events)


def _last_norm(seen: Seen, last: Event) -> Event | None:
    """What reads the last block's output, and has vectors for weights."""
    for event in seen.events:
        if event.start > last.end and is_norm(event) and same(event.read, last.gave):
            return event
    return None


def _pooler(seen: Seen, ending: Tensor) -> str:
    """What makes one value of the last states of a row."""
    read = (e for e in seen.events if same(e.read, ending) and e.gave.ndim == 2)
    return next((e.path for e in read if "pool" in e.path.rpartition(".")[2]), "")


def _trunk(seen: Seen, path: str, ending: Tensor, where: str) -> str:
    """The outermost part that holds the blocks and gives what the head reads."""
    parts = path.split(".")
    for i in range(1, len(parts)):
        at = ".".join(parts[:i])
        if any(same(event.gave, ending) for event in seen.of(at)):
            return at
    said = f"no part of it around '{path}' gives the output of the last block or of a norm on it."
    raise refused(where, said)
