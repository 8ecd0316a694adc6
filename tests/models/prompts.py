"""Inputs that begin alike, all that can be recorded of them, and how far two recordings differ."""

from __future__ import annotations

import numpy as np
import torch

from scrub.graph import Kind, Site
from scrub.models.adapter import TransformersModel
from scrub.models.batches import Inputs
from scrub.models.prefixes import shared_prefix
from scrub.models.recording import Recording
from tests.architectures.building import Case, build
from tests.architectures.coverage import CASES
from tests.models import tiny

SHARED, RESTS = 17, (3, 6, 1, 6, 5, 2, 4, 6, 6, 3)
TOLERANCE = 2e-5
DECODERS = [case for case in CASES if case.cls == "AutoModelForCausalLM"]


def of_type(model_type: str) -> Case:
    return next(case for case in DECODERS if case.model_type == model_type)


def built(case: Case) -> TransformersModel:
    return TransformersModel(build(case), case.name)


def prompts(model: TransformersModel, shared: int = SHARED, repeats: int = 4) -> Inputs:
    """Rows of several lengths that begin alike, and no two of which go on alike."""
    rng, known = np.random.default_rng(0), model.graph.spaces[0].vocabulary
    prompt = rng.integers(1, known, shared)
    rests = [rng.integers(1, known, length) for length in RESTS * repeats]
    for i, rest in enumerate(rests):
        rest[0] = i % known
    return Inputs(
        {"tokens": [np.concatenate([prompt, rest]) for rest in rests]}, model.graph.spaces
    )


def sites_of(model: TransformersModel) -> list[Site]:
    """Everything that can be recorded."""
    graph = model.graph
    sites = [Site(Kind.STREAM, name) for name in graph.streams]
    sites += [Site(Kind.OUTPUT, c.name) for c in graph.components]
    sites += [Site(Kind.NEURONS, c.name) for c in graph.components if c.neurons]
    sites += [Site(Kind.EXPERTS, c.name, experts=(1, 2)) for c in graph.components if c.experts]
    ports = [port for component in graph.components for port in component.ports]
    return list(dict.fromkeys(sites + [p.projection.site for p in ports if p.projection]))


def error(ours: Recording, theirs: Recording, inputs: Inputs) -> float:
    """The largest difference at any position that is there, relative to the site's largest."""
    there = torch.from_numpy(
        np.arange(inputs.longest["tokens"]) < inputs.lengths["tokens"][:, None]
    )
    assert ours.values.keys() == theirs.values.keys()
    assert all(ours.values[site].shape == value.shape for site, value in theirs.values.items())
    return max(
        tiny.error(ours.values[site][there], value[there]) for site, value in theirs.values.items()
    )


def whole_only(model: TransformersModel, inputs: Inputs, sites: list[Site]) -> bool:
    return shared_prefix(model, inputs, sites) is None
