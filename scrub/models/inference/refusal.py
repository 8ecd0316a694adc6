"""What to say when a model's facts cannot be read off it: what is there, and how to write them."""

from __future__ import annotations

from torch import nn

from scrub.errors import InputRefused, Problem
from scrub.models.inferred import python

PAGE = "docs/howto/architectures.md"


def refused(
    where: str, why: str, block: nn.Module | None = None, known: object = None
) -> InputRefused:
    """One problem: what failed, what stands in a block, and the facts as far as they are known."""
    found = f"its architecture has no facts here, and they cannot be inferred: {why}"
    if block is not None:
        found += f"\nA block ({type(block).__name__}) has:\n{children(block)}"
    fix = f"Write its facts and pass TransformersModel(module, family=…); {PAGE} shows how."
    if known is not None:
        fix += f" As far as they are known:\n{python(known)}"
    return InputRefused(Problem(where, found, fix))


def children(block: nn.Module) -> str:
    """A line for each child, with what it holds."""
    lines = []
    for name, child in block.named_children():
        held = ", ".join(f"{n}: {type(c).__name__}" for n, c in child.named_children())
        lines.append(f"  {name}: {type(child).__name__}{f' ({held})' if held else ''}")
    return "\n".join(lines)
