"""The facts of an architecture that has no family file, read off a loaded model.

One pass over random tokens shows what every module reads and gives (`seen`). From these values
follows where the blocks stand (`tower`) and how each hangs together (`trace`, `layers`); names are
needed for queries, keys and values alone, and how they are cut into heads is tried out
(`attention`). What has been found is then held against whole passes with hooks (`trial`); what
does not hold is cut coarser, or the model is refused with all that was found (`refusal`).
"""

from __future__ import annotations

from torch import nn

from scrub.models.adapter import TransformersModel
from scrub.models.families.base import Config, Family, Sizes, Stack
from scrub.models.inference.layers import Layer, fitting
from scrub.models.inference.refusal import refused
from scrub.models.inference.seen import random_batch, watch
from scrub.models.inference.sizes import part_of, sizes_of
from scrub.models.inference.tower import tower_of
from scrub.models.inference.trial import Build, settled
from scrub.models.inferred import ByLayer
from scrub.models.shapes import given
from scrub.models.substitute import evaluating


def inferred_family(
    module: nn.Module, config: Config, name: str = "", build: Build = TransformersModel
) -> Family:
    """The facts of a loaded module. Raises `InputRefused` where it shows none that hold.

    `build` makes the model that they are tried on.
    """
    where = f"model '{name or type(module).__name__}'"
    part = part_of(config)
    own = {**config, **config[part]} if part else config
    vocabulary = _vocabulary(module, own)
    if vocabulary is None:
        raise refused(
            where, "neither its config nor its embeddings say how large its vocabulary is."
        )
    batch = random_batch(vocabulary, _longest(own), next(module.parameters()).device)
    with evaluating(tuple(module.modules())):
        seen = watch(module, batch, where)
        tower = tower_of(module, seen, where)
        layers = [Layer(seen, path, own, where) for path in tower.blocks]
    heads = next((layer.heads for layer in layers if layer.heads is not None), None)
    hidden = next((layer.hidden for layer in layers if layer.hidden is not None), None)
    sizes = sizes_of(own, len(layers), tower.width, vocabulary, hidden, heads)
    blocks = tuple(fitting(layer, heads, hidden) for layer in layers)
    stack = Stack(
        path=tower.path,
        blocks=tower.within,
        block=blocks[0] if len(set(map(repr, blocks))) == 1 else ByLayer(blocks),
        final_norm=tower.norm,
        final_turn=tower.turn,
        causal=not any(layer.looks_ahead for layer in layers),
        sizes=sizes,
        config=part,
        **_positions(module, own),  # type: ignore[arg-type]
    )
    kind = str(config.get("model_type") or type(module).__name__)
    family = Family(
        kind, (stack,), trunk=(tower.trunk,) if tower.trunk else (), pooler=tower.pooler
    )
    return settled(build, module, family, blocks, where)


def _vocabulary(module: nn.Module, config: Config) -> int | None:
    said = given(config, Sizes().vocabulary)
    if isinstance(said, int):
        return said
    held = [m for m in module.modules() if isinstance(m, nn.Embedding)]
    return max((m.num_embeddings for m in held), default=None)


def _longest(config: Config) -> int:
    said = config.get("max_position_embeddings") or config.get("n_positions")
    return said if isinstance(said, int) else 0


def _positions(module: nn.Module, config: Config) -> dict[str, object]:
    """The key that bounds the length, where there is a table of as many learned positions."""
    keys = ("max_position_embeddings", "n_positions", "n_ctx", "max_target_positions", "block_size")
    for path, part in module.named_modules():
        if not isinstance(part, nn.Embedding) or "pos" not in path.rpartition(".")[2].replace(
            "wpe", "pos"
        ):
            continue
        first = part.padding_idx + 1 if part.padding_idx is not None else 0
        offset = int(getattr(part, "offset", 0))
        for key in keys:
            if config.get(key) in (part.num_embeddings, part.num_embeddings - offset):
                taken = first if config[key] == part.num_embeddings and not offset else 0
                return {"longest": key, "reserved": taken}
    return {}
