"""Facts on trial: each kind of attention is run in the ways that may fit, the fastest first.

The one is taken whose heads, on unrelated inputs, equal whole passes with hooks; an attention that
no way fits stays whole. At the end the facts as a whole are probed, as every family's are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from torch import nn

from scrub.errors import ScrubError
from scrub.models.adapter import TransformersModel
from scrub.models.families.base import (
    Attention,
    Block,
    Family,
    Mixer,
    Run,
    Sublayer,
    each_row,
)
from scrub.models.inference.coarse import uncut
from scrub.models.inference.refusal import refused
from scrub.models.inferred import ByLayer
from scrub.models.measure import difference
from scrub.models.plain import Plain
from scrub.models.probe import probe

Build = Callable[[nn.Module, str, Family], TransformersModel]
RUNS = {
    Run.ALONE: (Run.ALONE, Run.TOGETHER, Run.TRACED),
    Run.TOGETHER: (Run.TOGETHER, Run.TRACED),
    Run.TRACED: (Run.TRACED,),
}


def settled(
    build: Build, module: nn.Module, family: Family, blocks: tuple[Block, ...], where: str
) -> Family:
    """The family with every attention run in a way that fits. Raises `InputRefused`.

    Where several blocks are alike, the first and the last are tried.
    """
    kinds = list(dict.fromkeys(map(repr, blocks)))
    layers = [[i for i, one in enumerate(blocks) if repr(one) == kind] for kind in kinds]
    for alike in layers:
        for place, sublayer in enumerate(blocks[alike[0]]):
            if isinstance(sublayer, Attention):
                blocks = _tried(build, module, family, blocks, alike, place)
    family = with_blocks(family, blocks)
    _require(build, module, family, where)
    return replace(family, note=_note(blocks))


def _tried(
    build: Build,
    module: nn.Module,
    family: Family,
    blocks: tuple[Block, ...],
    alike: list[int],
    place: int,
) -> tuple[Block, ...]:
    """The blocks with the first way of running one sublayer that fits."""
    own = blocks[alike[0]]
    sublayer = own[place]
    assert isinstance(sublayer, Attention)
    for way in _ways(sublayer):
        block = (*own[:place], way, *own[place + 1 :])
        trial = tuple(block if i in alike else one for i, one in enumerate(blocks))
        if isinstance(way, Mixer):
            return trial
        if _fits(build, module, with_blocks(family, trial), (alike[0], alike[-1])):
            return trial
    raise AssertionError("the last way is a mixer")


def _ways(attention: Attention) -> Iterator[Sublayer]:
    """How an attention may be run, the preferred way first; last, as a whole."""
    for run in RUNS[attention.run]:
        way = replace(attention, run=run, handed={})
        if run is not Run.ALONE:
            way = replace(way, per_head=())
        yield way
        by_head = {n: fit for n, fit in attention.handed.items() if fit is not each_row}
        for handed in (by_head, attention.handed):
            if handed and (handed is by_head or handed != by_head):
                yield replace(way, handed=handed)
        if way.per_head:
            yield replace(way, per_head=())
    yield uncut(attention)


def _fits(build: Build, module: nn.Module, family: Family, layers: tuple[int, ...]) -> bool:
    """Whether the heads of some layers, in one batch, are as they were recorded, and the first and
    the last of them, on other inputs, as with hooks."""
    try:
        plain = Plain(build(module, "", family), seed=3)
        for layer in dict.fromkeys(layers):
            group = [c for c in plain.model.graph.components if c.name.startswith(f"a{layer}.h")]
            outputs = plain.model.run([plain.call(component) for component in group])
            for component, output in zip(group, outputs, strict=True):
                if not difference(output, plain.share(component.name)) <= plain.tolerance:
                    return False
            for component in (group[0], group[-1]):
                streams = {port.name: plain.stream(port.stream) for port in component.ports}
                call = plain.call(component, {n: plain.random(x) for n, x in streams.items()})
                ours = plain.model.run([call])[0][0]
                if not difference(ours, plain.by_hooks(call)) <= plain.tolerance:
                    return False
    except (ScrubError, RuntimeError, ValueError, TypeError, IndexError, AttributeError, KeyError):
        return False  # this way of running it ends in an error of the module's own
    return True


def _require(build: Build, module: nn.Module, family: Family, where: str) -> None:
    """The whole probe. Raises `InputRefused` with what failed."""
    try:
        report = probe(build(module, "", family))
    except (ScrubError, RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        said = f"what was found cannot be run ({type(error).__name__}: {error})."
        raise refused(where, said, _block(module, family), family) from error
    failed = next((check for check in report.checks if not check.passed), None)
    if failed is not None:
        said = f"of what was found this does not hold: {failed.name}. At {failed.where} the error "
        said += f"is {failed.error:.2g}; at most {failed.tolerance:.2g} is allowed."
        raise refused(where, said, _block(module, family), family)


def _block(module: nn.Module, family: Family) -> nn.Module:
    (stack,) = family.stacks
    tower = module.get_submodule(stack.path).get_submodule(stack.blocks)
    return next(iter(tower.children()))


def with_blocks(family: Family, blocks: tuple[Block, ...]) -> Family:
    alike = len(set(map(repr, blocks))) == 1
    (stack,) = family.stacks
    return replace(family, stacks=(replace(stack, block=blocks[0] if alike else ByLayer(blocks)),))


def _note(blocks: tuple[Block, ...]) -> str:
    """What is coarser than heads and MLPs."""
    mixers = dict.fromkeys((s.letter, s.why) for b in blocks for s in b if isinstance(s, Mixer))
    return "; ".join(f"{letter} is one component: {why}" for letter, why in mixers)
