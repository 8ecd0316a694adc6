"""One scrub from end to end: the front door of the whole pipeline.

check → plan → load and probe → record → measure model, baseline, scrub, null → statistics
"""

from __future__ import annotations

import copy
import platform
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

import scrub
from scrub.engine.progress import Progress, Silent
from scrub.engine.threads import threaded
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import load_hypothesis, resolve_model_source
from scrub.models.base import Model
from scrub.results.result import Precision, Result
from scrub.study.assemble import Measured, Provenance, assemble
from scrub.study.identity import fingerprint_of_claim
from scrub.study.measuring import Clock, measure
from scrub.study.prepare import Plan, prepare
from scrub.study.settings import Settings, changed_settings
from scrub.study.until.until import measure_until

_version = cache(version)  # reads a package's metadata each time that it is asked

CHECKED = 16  # references that a half-precision run repeats in float32


def run(
    hypothesis: Hypothesis | str | Path,
    settings: Settings | None = None,
    *,
    progress: Progress | None = None,
    **changed: Any,
) -> Result:
    """Scrub a hypothesis (or the file that holds one) and report how much it recovers.

    Keywords are those of `Settings`. Raises `InputRefused` where the input cannot be used, with
    all problems of the hypothesis at once, and `ModelRefused` where the probe fails.

    >>> result = run("induction", references=32, draws=2)
    >>> 0.8 < result.recovered.value < 1.1
    True
    """
    settings = changed_settings(settings or Settings(), changed)
    if not isinstance(hypothesis, Hypothesis):
        hypothesis = load_hypothesis(hypothesis)
    progress = progress or Silent()
    clock = Clock()
    with threaded(settings.threads):
        with clock("check"):
            plan = prepare(hypothesis, settings)
        with clock("load"):
            model = open_model(hypothesis, settings)
        with clock("probe"):
            fingerprint = model.fingerprint()
            probe_model(model, fingerprint)
        pursued = measure_until(plan, model, progress, clock) if settings.until else None
        plan = pursued.plan if pursued else plan
        measured = pursued.measured if pursued else measure(plan, model, progress, clock)
        with clock("precision"):
            precision = precision_of(plan, model, measured, settings)
        provenance = provenance_of(plan, model, fingerprint)
        result = assemble(plan, measured, precision, provenance, clock.seconds)
        if pursued is None:
            return result
        return replace(result, stopping=pursued.stopping, variance=pursued.variance)


def open_model(hypothesis: Hypothesis, settings: Settings) -> Model:
    """The model that a hypothesis names, loaded; one in memory as it is."""
    source = resolve_model_source(hypothesis.model, hypothesis.folder)
    if all(hasattr(source, name) for name in ("graph", "record", "run")):
        model: Model = source
        return model
    from scrub.models.loading import load

    return load(source, dtype=settings.dtype, device=settings.device)


def probe_model(model: Model, fingerprint: str | None = None) -> None:
    """Hold the adapter against the loaded model; a hand-made model is probed on the data."""
    from scrub.models.adapter import TransformersModel
    from scrub.models.probed import require_probed

    if isinstance(model, TransformersModel):
        require_probed(model, fingerprint)


def precision_of(plan: Plan, model: Model, measured: Measured, settings: Settings) -> Precision:
    """For a model run below float32: the same scrub of some references in float32, compared."""
    name = str(model.dtype).removeprefix("torch.")
    if model.dtype in (torch.float32, torch.float64):
        return Precision(name)
    some = plan.references[:CHECKED]
    fewer = replace(plan, references=some, null=None)
    exact = measure(fewer, as_float32(model, plan.hypothesis, settings))
    apart = np.abs(exact.values["scrub"].metric - measured.values["scrub"].metric[: len(some)])
    return Precision(name, "float32", len(some), float(apart.max()), float(apart.mean()))


def as_float32(model: Model, hypothesis: Hypothesis, settings: Settings) -> Model:
    """The same model in float32: read again from its folder, or a converted copy of the module."""
    from scrub.models.adapter import TransformersModel
    from scrub.models.spread import adapted

    assert isinstance(model, TransformersModel)  # hand-made models compute in float64
    source = resolve_model_source(hypothesis.model, hypothesis.folder)
    if isinstance(source, (str, Path)):
        return open_model(hypothesis, replace(settings, dtype="float32"))
    return adapted(copy.deepcopy(model.module).float(), model.name)


def provenance_of(plan: Plan, model: Model, fingerprint: str) -> Provenance:
    claim = plan.claim.tree.claim
    name = model.graph.name  # a folder's last name: where it lies is no part of what was found
    return Provenance(
        model=Path(name).name if Path(name).is_dir() else name,
        fingerprints={
            "hypothesis": fingerprint_of_claim(claim, plan.hypothesis.source),
            "data": plan.task.dataset.fingerprint(),
            "model": fingerprint,
        },
        versions={
            "python": platform.python_version(),
            **{name: _version(name) for name in ("torch", "transformers", "numpy", "networkx")},
            "causal-scrub": scrub.__version__,
        },
    )
