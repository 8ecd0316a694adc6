"""A model graph from config.json alone: neither weights, nor torch, nor transformers.

That is what lets a hypothesis be checked and a schedule be planned in a second.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.graph import IMAGE, ModelGraph
from scrub.hypothesis.loading import is_hub_id
from scrub.models.families import FAMILIES, KINDS, family_of
from scrub.models.families.base import Family, Stack
from scrub.models.inferred import remembered
from scrub.models.outputs import LABELS, WORDS, head_of
from scrub.models.shapes import own_config
from scrub.models.steps import Wiring
from scrub.models.wiring import wire


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
    return completed(config)


def completed(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """A config with what transformers takes for sizes that it leaves out.

    What save_pretrained writes leaves nothing out. For other files it takes transformers itself
    (some seconds), unless the family's facts know.
    """
    family = FAMILIES.get(str(config.get("model_type")))
    if family is None or not any(_lacking(own_config(config, s), s) for s in family.stacks):
        return config
    from transformers import AutoConfig

    try:
        whole = AutoConfig.for_model(**config)
    except Exception:  # what is wrong with it is said in our words, by whoever reads the sizes
        return config
    return {**whole.to_dict(), **config}


def _lacking(config: Mapping[str, Any], stack: Stack) -> bool:
    """Whether a size must be looked up that is neither said nor known."""
    sizes = stack.sizes
    keys = [sizes.layers, sizes.width, sizes.heads, sizes.shared, sizes.hidden]
    if stack.space != IMAGE:
        keys.append(sizes.vocabulary)
    unknown = (k for k in keys if k.default is None and k.of is None and not k.derived)
    unbounded = bool(stack.longest) and stack.longest not in config
    return unbounded or any(not any(name in config for name in key.names) for key in unknown)


def graph_from_config(config: Mapping[str, Any], name: str, architecture: str = "") -> ModelGraph:
    """Who feeds whom in the model that this config describes. Raises `InputRefused`.

    `architecture` is the class, where the model is in memory.

    >>> graph = graph_from_config({"model_type": "gpt2"}, "GPT-2 small")
    >>> len(graph.components), graph.n_edges
    (158, 32491)
    """
    return wiring_of(config, name, architecture).graph(name)


def wiring_of(
    config: Mapping[str, Any], name: str, architecture: str = "", family: Family | None = None
) -> Wiring:
    """The steps of the model that a config describes, by the facts of its family.

    `architecture` is the class, where the model is in memory. Raises `InputRefused`.
    """
    where = f"model '{name}'"
    saved = config.get("architectures") or ()
    architecture = architecture or (saved[0] if saved else "")
    unlisted = family is None and config.get("model_type") not in KINDS
    if unlisted and (known := remembered(config)) is not None:
        family, config = known.family, {**known.config, **config}
    family = family or family_of(config.get("model_type"), where, architecture)
    classes = family.classes
    if family.parts is not None:
        family = family.parts(config, lambda model_type: family_of(model_type, where))
    main = own_config(config, family.stacks[-1])
    for key, why in family.refused.items():
        if main.get(key):
            raise InputRefused(Problem(where, f"config key '{key}' is set: {why}."))
    architecture = architecture or next(iter(classes), "")  # the one that would be loaded
    # what an image's tower is mostly given
    other = LABELS if family.stacks[-1].space == IMAGE else WORDS
    return wire(family, config, where, head_of(config, architecture, where, other))


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
