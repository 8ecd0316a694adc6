"""A model graph from config.json alone: neither weights, nor torch, nor transformers.

That is what lets a hypothesis be checked and a schedule be planned in a second.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.graph import Component, Cost, ModelGraph, Port, Reach
from scrub.hypothesis.loading import is_hub_id
from scrub.models.families import family_of
from scrub.models.families.base import Family, Heads, Key


@dataclass(frozen=True)
class Shape:
    """The sizes of a decoder, and what they cost in matrix products (2 FLOPs a product)."""

    layers: int
    width: int
    heads: Heads
    hidden: int
    vocabulary: int
    mlp_matrices: int

    @property
    def head(self) -> Cost:
        """One head alone: its own queries, keys, values and its share of the output projection."""
        slice_ = 2 * self.width * self.heads.width
        return Cost(per_position=2 * slice_, per_key=2 * slice_, per_pair=4 * self.heads.width)

    @property
    def mlp(self) -> Cost:
        return Cost(per_position=2 * self.mlp_matrices * self.width * self.hidden)

    @property
    def unembedding(self) -> Cost:
        return Cost(per_position=2 * self.width * self.vocabulary)

    @property
    def whole_pass(self) -> Cost:
        """All layers and the unembedding; keys and values once for each of their heads."""
        slice_ = 2 * self.width * self.heads.width
        attention = 2 * slice_ * self.heads.queries  # queries and the output projection
        return Cost(
            per_position=self.layers * (attention + self.mlp.per_position)
            + self.unembedding.per_position,
            per_key=self.layers * 2 * slice_ * self.heads.shared,
            per_pair=self.layers * 4 * self.heads.width * self.heads.queries,
        )


def read_config(source: str | Path) -> Mapping[str, Any]:
    """The config.json of a model folder, or of a hub id (`owner/name`). Raises `InputRefused`."""
    folder = Path(source)
    if not folder.is_dir() and is_hub_id(str(source)):
        folder = _fetched_config(str(source)).parent
    path = folder / "config.json"
    if not folder.is_dir():
        raise InputRefused(
            Problem(f"model '{folder}'", "there is no such folder.", "Check the path.")
        )
    if not path.is_file():
        raise InputRefused(
            Problem(
                f"model '{folder}'",
                "the folder holds no config.json.",
                "A model folder is what transformers' save_pretrained writes.",
            )
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise InputRefused(Problem(str(path), f"is not readable as JSON: {error}.")) from None
    if not isinstance(config, dict):
        raise InputRefused(Problem(str(path), 'must hold one JSON object, {"model_type": …}.'))
    return config


def graph_from_config(config: Mapping[str, Any], name: str) -> ModelGraph:
    """Who feeds whom in the model that this config describes. Raises `InputRefused`.

    >>> graph = graph_from_config({"model_type": "gpt2"}, "GPT-2 small")
    >>> len(graph.components), graph.n_edges
    (158, 32491)
    """
    where = f"model '{name}'"
    family = family_of(config.get("model_type"), where)
    for key, why in family.refused.items():
        if config.get(key):
            raise InputRefused(Problem(where, f"config key '{key}' is set: {why}."))
    shape = shape_from_config(config, family, where)
    components = tuple(_components(shape))
    longest = config.get(family.longest)
    return ModelGraph(
        name,
        components,
        output="logits",
        pass_cost=shape.whole_pass,
        vocabulary=shape.vocabulary,
        longest=longest if isinstance(longest, int) else 0,
    )


def shape_from_config(config: Mapping[str, Any], family: Family, where: str) -> Shape:
    """The sizes, under the family's names for them. Raises `InputRefused`."""
    sizes = family.sizes
    width = _size(config, sizes.width, where)
    queries = _size(config, sizes.heads, where)
    shared = _size(config, sizes.shared, where, otherwise=queries)
    if not _given(config, sizes.head_width) and width % queries:
        found = f"{queries} heads do not divide the width {width}"
        raise InputRefused(Problem(where, f"{found}, and the config names no head width."))
    if queries % shared:
        found = f"{queries} heads of queries cannot share {shared} heads of keys and values."
        raise InputRefused(Problem(where, found))
    head_width = _size(config, sizes.head_width, where, otherwise=width // queries)
    return Shape(
        layers=_size(config, sizes.layers, where),
        width=width,
        heads=Heads(queries, shared, head_width),
        hidden=_size(config, sizes.hidden, where, otherwise=4 * width),
        vocabulary=_size(config, sizes.vocabulary, where),
        mlp_matrices=family.mlp_matrices,
    )


def _given(config: Mapping[str, Any], key: Key) -> object:
    """What the config says, else what transformers takes; None where it is derived."""
    said = (config[name] for name in key.names if config.get(name) is not None)
    return next(said, key.default)


def _size(config: Mapping[str, Any], key: Key, where: str, otherwise: int | None = None) -> int:
    found = _given(config, key)
    size = otherwise if found is None else found
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        return size
    raise InputRefused(
        Problem(where, f"config key '{key.names[0]}' must be a whole number above 0, not {size!r}.")
    )


def _components(shape: Shape) -> Iterator[Component]:
    """All components in order of evaluation; each stream is fed by all that came before it."""
    before = ["embed"]
    yield Component("embed", width=shape.width, stored=shape.width, group="embed")
    for layer in range(shape.layers):
        heads = list(_heads(shape, layer, tuple(before)))
        yield from heads
        before += [head.name for head in heads]
        yield Component(
            f"m{layer}",
            ports=(Port("in", f"mid.{layer}", tuple(before)),),
            width=shape.width,
            stored=shape.width,
            group=f"m{layer}",
            neurons=shape.hidden,
            cost=shape.mlp,
        )
        before.append(f"m{layer}")
    yield Component(
        "logits",
        ports=(Port("in", "final", tuple(before)),),
        width=shape.vocabulary,
        stored=shape.vocabulary,
        group="logits",
        cost=shape.unembedding,
    )


def _heads(shape: Shape, layer: int, before: tuple[str, ...]) -> Iterator[Component]:
    stream = f"resid.{layer}"
    ports = (
        Port("q", stream, before, Reach.SAME),
        Port("k", stream, before, Reach.CAUSAL),
        Port("v", stream, before, Reach.CAUSAL),
    )
    for head in range(shape.heads.queries):
        yield Component(
            f"a{layer}.h{head}",
            ports=ports,
            width=shape.width,
            stored=shape.heads.width,
            group=f"a{layer}",
            cost=shape.head,
            expand=2 * shape.width * shape.heads.width,
        )


def _fetched_config(name: str) -> Path:
    """A hub model's config.json: from the user's cache, else from the hub."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    cached = try_to_load_from_cache(name, "config.json")
    if isinstance(cached, str):
        return Path(cached)
    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # its retries would bury our own sentence
    try:
        return Path(hf_hub_download(name, "config.json"))
    except Exception as error:  # offline, unknown, private, gated: the hub's words say which
        found = "its config.json is neither in the cache nor to be had from the hub: "
        said = str(error).strip().splitlines() or [type(error).__name__]
        fix = "Check the name and the network, or give a folder."
        raise InputRefused(Problem(f"model '{name}'", found + said[0], fix)) from error
