"""One scrub from end to end: the front door of the whole pipeline.

check → plan → load and probe → record → measure model, baseline, scrub, null → statistics
"""

from __future__ import annotations

import copy
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

import scrub
from scrub.data.dataset import Dataset
from scrub.engine.budget import parse_bytes
from scrub.engine.memory import plan_memory
from scrub.engine.metrics import Scorer
from scrub.engine.scrubbing import Bench
from scrub.engine.threads import threaded
from scrub.graph import ALL
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import load_hypothesis, resolve_model_source
from scrub.models.base import Model
from scrub.models.batches import Inputs
from scrub.models.callables import CallableModel
from scrub.models.recording import record
from scrub.results.result import Precision, Result
from scrub.sampling.donors import Donors, draw_donors
from scrub.study.assemble import Measured, Provenance, assemble
from scrub.study.identity import fingerprint_of_claim
from scrub.study.prepare import Plan, prepare, sites, whole_cost
from scrub.study.settings import Settings, changed_settings

CHECKED = 16  # references that a half-precision run repeats in float32


class Progress(Protocol):
    """Told what is going on; the command line draws bars."""

    def start(self, stage: str, total: int) -> None: ...

    def advance(self, amount: int) -> None: ...


class Silent:
    """No progress."""

    def start(self, stage: str, total: int) -> None:
        pass

    def advance(self, amount: int) -> None:
        pass


@dataclass(eq=False)
class _Clock:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


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
    clock = _Clock()
    with threaded(settings.threads):
        with clock("check"):
            plan = prepare(hypothesis, settings)
        with clock("load"):
            model = open_model(hypothesis, settings)
        with clock("probe"):
            fingerprint = model.fingerprint()
            probe_model(model, fingerprint)
        measured = measure(plan, model, progress, clock)
        with clock("precision"):
            precision = _precision(plan, model, measured, settings)
        return assemble(
            plan, measured, precision, _provenance(plan, model, fingerprint), clock.seconds
        )


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


def probe_on_data(model: Model, inputs: Inputs, claim: Claim) -> None:
    """Look at what depends on the inputs: their lengths, and what hand-made functions make of them.

    Raises `ModelRefused`.
    """
    from scrub.models.adapter import TransformersModel
    from scrub.models.handmade_probe import require_declared
    from scrub.models.padding import require_padding_harmless

    if isinstance(model, TransformersModel):
        require_padding_harmless(model, inputs)
    elif isinstance(model, CallableModel):
        nodes = [node for node in claim.nodes.values() if node.positions != ALL]
        require_declared(model, inputs, {part.component for node in nodes for part in node.parts})


def measure(
    plan: Plan, model: Model, progress: Progress | None = None, clock: _Clock | None = None
) -> Measured:
    """Draw, record, and run every schedule of a plan."""
    progress, clock = progress or Silent(), clock or _Clock()
    settings, items = plan.settings, plan.items("scrub")
    with clock("draw"):
        donors, dataset = _draw(plan)
    with clock("probe"):
        inputs = Inputs.of(dataset, model.graph)
        probe_on_data(model, inputs, plan.claim.tree.claim)
    cost = whole_cost(plan, len(inputs))
    budget = parse_bytes(settings.memory) if settings.memory else None
    references = len(plan.references)
    memory = plan_memory(cost, items, model.device, budget, settings.batch, references)
    with clock("record"):
        progress.start("recording", len(inputs))
        recording = record(
            model,
            inputs,
            sites(plan),
            batch=memory.inputs,
            place=memory.place,
            advance=progress.advance,
        )
    with recording, clock("run"):
        scorer = Scorer(plan.task, plan.task.dataset, model.device)
        bench = Bench(
            model, recording, dataset, scorer, plan.references, memory.chunk, memory.keeps_own
        )
        own = bench.measure_model(plan.model.schedule, donors["model"])
        values = {} if plan.baseline else {"baseline": bench.uniform()}
        for name in [name for name in plan.prepared if name != "model"]:
            progress.start(f"running {name}", items)
            schedule = plan.prepared[name].schedule
            values[name] = bench.measure(schedule, donors[name], progress.advance)
        return Measured(own, values, donors, memory, len(bench.halvings), cost)


def _draw(plan: Plan) -> tuple[dict[str, Donors], Dataset]:
    """The donors of every tree, and the data with all generated donors at its end."""
    dataset, found = plan.task.dataset, {}
    for name, prepared in plan.prepared.items():
        draws = 1 if name == "model" else plan.settings.draws
        references = plan.references.tolist()
        found[name] = draw_donors(prepared.tree, references, draws, plan.settings.seed, dataset)
        dataset = found[name].dataset
    return found, dataset


def _precision(plan: Plan, model: Model, measured: Measured, settings: Settings) -> Precision:
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

    assert isinstance(model, TransformersModel)  # hand-made models compute in float64
    source = resolve_model_source(hypothesis.model, hypothesis.folder)
    if isinstance(source, (str, Path)):
        return open_model(hypothesis, replace(settings, dtype="float32"))
    return TransformersModel(copy.deepcopy(model.module).float(), model.name)


def _provenance(plan: Plan, model: Model, fingerprint: str) -> Provenance:
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
            **{name: version(name) for name in ("torch", "transformers", "numpy", "networkx")},
            "causal-scrub": scrub.__version__,
        },
    )
