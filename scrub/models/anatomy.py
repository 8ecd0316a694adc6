"""Where the parts of a loaded model sit: a family's names, resolved to modules and checked.

Everything that touches a module goes through this, so that a module which is not laid out as its
family says is refused here, in words, and nowhere later with an AttributeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from scrub.errors import InputRefused, Problem
from scrub.models.config import Shape, shape_from_config
from scrub.models.families import family_of
from scrub.models.families.base import Family
from scrub.models.linear import LINEAR, weight_of


@dataclass(frozen=True, eq=False)
class Block:
    """The modules of one layer."""

    whole: nn.Module
    attention_norm: nn.Module
    attention: nn.Module
    projections: Mapping[str, nn.Module]  # by port; a fused one stands under all three
    out: nn.Module
    mlp_norm: nn.Module
    mlp: nn.Module
    down: nn.Module


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The modules of a model, its family's facts and its sizes."""

    family: Family
    shape: Shape
    trunk: nn.Module  # all but the unembedding
    blocks: tuple[Block, ...]
    final_norm: nn.Module

    def slice_of(self, port: str, head: int) -> tuple[int, int]:
        """Where a head's queries, keys or values lie in the output of their projection."""
        start = self.family.layout(port, head, self.shape.heads)
        return start, start + self.shape.heads.width

    def z_slice(self, head: int) -> tuple[int, int]:
        """Where a head's z lies in the input of the output projection."""
        return head * self.shape.heads.width, (head + 1) * self.shape.heads.width


def anatomy_of(module: nn.Module, name: str) -> Anatomy:
    """Finds every part of the model, or raises `InputRefused` saying what is missing where."""
    where = f"model '{name}'"
    config = getattr(module, "config", None)
    if config is None or not hasattr(config, "to_dict"):
        found = f"a {type(module).__name__} has no transformers config."
        fix = "Pass a model from AutoModelForCausalLM, or a folder that holds one."
        raise InputRefused(Problem(where, found, fix))
    facts = config.to_dict()
    family = family_of(facts.get("model_type"), where)
    if not all(hasattr(module, part) for part in (family.trunk, family.unembedding)):
        found = f"a {type(module).__name__} computes no next-token logits."
        raise InputRefused(Problem(where, found, "Load it with AutoModelForCausalLM."))
    trunk = _at(module, family.trunk, where)
    blocks = _at(trunk, family.blocks, where)
    anatomy = Anatomy(
        family=family,
        shape=shape_from_config(facts, family, where),
        trunk=trunk,
        blocks=tuple(
            _block(block, family, f"{where}, layer {i}")
            for i, block in enumerate(blocks.children())
        ),
        final_norm=_at(trunk, family.final_norm, where),
    )
    _check(anatomy, where)
    return anatomy


def _block(block: nn.Module, family: Family, where: str) -> Block:
    attention = _at(block, family.attention, where)
    mlp = _at(block, family.mlp, where)
    return Block(
        whole=block,
        attention_norm=_at(block, family.attention_norm, where),
        attention=attention,
        projections={
            port: _linear(attention, path, where) for port, path in family.projections.items()
        },
        out=_linear(attention, family.out, where),
        mlp_norm=_at(block, family.mlp_norm, where),
        mlp=mlp,
        down=_linear(mlp, family.down, where),
    )


def _at(module: nn.Module, path: str, where: str) -> nn.Module:
    try:
        return module.get_submodule(path)
    except AttributeError:
        held = ", ".join(name for name, _ in module.named_children()) or "no modules"
        found = (
            f"{type(module).__name__} has no '{path}' as its architecture should; it has {held}."
        )
        raise InputRefused(Problem(where, found)) from None


def _linear(module: nn.Module, path: str, where: str) -> nn.Module:
    part = _at(module, path, where)
    if type(part) in LINEAR:
        return part
    found = f"'{path}' is a {type(part).__name__}; only plain linear maps can be cut into heads."
    raise InputRefused(Problem(where, found, "Load the model unquantised and without adapters."))


def _check(anatomy: Anatomy, where: str) -> None:
    """The sizes in the config are those of the weights."""
    shape = anatomy.shape
    if len(anatomy.blocks) != shape.layers:
        found = f"the config says {shape.layers} layers, the module has {len(anatomy.blocks)}."
        raise InputRefused(Problem(where, found))
    for layer, block in enumerate(anatomy.blocks):
        expected = {
            "queries": (
                block.projections["q"],
                0,
                anatomy.slice_of("q", shape.heads.queries - 1)[1],
            ),
            "values": (
                block.projections["v"],
                0,
                anatomy.slice_of("v", shape.heads.queries - 1)[1],
            ),
            "the attention's output": (block.out, 1, shape.heads.queries * shape.heads.width),
            "the MLP's neurons": (block.down, 1, shape.hidden),
        }
        for what, (module, axis, least) in expected.items():
            size = weight_of(module).shape[axis]
            if size < least or (axis == 1 and size != least):
                found = f"the projection of {what} is {size} wide, by the config it is {least}."
                raise InputRefused(Problem(f"{where}, layer {layer}", found))
