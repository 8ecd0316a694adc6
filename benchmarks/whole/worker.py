"""A process that runs one scrub in one way, as `benchmarks.scrubs` asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import added_bytes
from benchmarks.whole.cases import SETTINGS, Setting
from benchmarks.whole.ways import CPU, WAYS, Way
from benchmarks.workers import Answer, answer_all, installed
from scrub.models.batches import Inputs

LIBRARIES = ("torch", "transformers", "numpy", "transformer-lens", "nnsight", "rust-circuit")


class Busy:
    """What the process is at: a setting, and a way of running it."""

    setting: Setting
    name: str
    who: str
    way: Way


def start(asked: str, who: str, tiny: bool, threads: int) -> Answer:
    """Load all that is needed, and make one small pass; `missing` says what is not installed."""
    torch.set_num_threads(threads)
    setting = SETTINGS[asked].tiny() if tiny else SETTINGS[asked]
    Busy.setting, Busy.name, Busy.who = setting, asked, who
    case = setting.case()
    try:
        Busy.way = WAYS[asked][who](case)
    except ImportError as error:
        return {"missing": str(error)}
    first = Inputs.of(case.dataset, case.model.graph).batch([0], CPU)
    case.model.record(first, case.schedule.sites())
    return {"nodes": case.nodes, "draws": case.draws, "references": case.references}


def memory() -> Answer:
    """What a run adds to this process at its peak, in bytes: to be asked first."""
    return {"bytes": added_bytes(CPU, lambda: Busy.way.part(Busy.setting.sampled))}


def values(path: str, referee: bool) -> Answer:
    """What is computed over few references, kept in an .npz file."""
    few = WAYS[Busy.name][Busy.who](Busy.setting.few())
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Any] = {name: value.numpy() for name, value in few.values().items()}
    np.savez(path, **kept)
    return {"effect": few.effect()} if referee else {}


def timing(number: int) -> Answer:
    """The time of one round."""
    return asdict(Busy.way.timing(Busy.setting.sampled, number))


def libraries() -> Answer:
    return dict(installed(LIBRARIES))


TASKS: dict[str, Callable[..., Answer]] = {
    "start": start,
    "memory": memory,
    "values": values,
    "timing": timing,
    "libraries": libraries,
}

if __name__ == "__main__":
    answer_all(TASKS)
