"""scrub: test what you think a neural network computes.

Write the explanation down as a networkx graph whose nodes name components of the model and say
what each carries; everything else is resampled, and what is left of the performance is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scrub.data.dataset import Dataset
    from scrub.data.features import ANY, EXACT, near
    from scrub.data.task import Task
    from scrub.errors import InputRefused, ModelRefused, ScrubError
    from scrub.graph.positions import each
    from scrub.hypothesis.hypothesis import Hypothesis
    from scrub.models.callables import component, handmade, source
    from scrub.models.foreign import Network
    from scrub.results.result import Result
    from scrub.study.experiment import run
    from scrub.study.settings import Settings

__version__ = "0.1.0"

# Each name is imported when it is first asked for: the command line answers `--help` without
# numpy and networkx, and checks a hypothesis without torch.
_HOMES = {
    "ANY": "scrub.data.features",
    "EXACT": "scrub.data.features",
    "Dataset": "scrub.data.dataset",
    "Hypothesis": "scrub.hypothesis.hypothesis",
    "InputRefused": "scrub.errors",
    "ModelRefused": "scrub.errors",
    "Network": "scrub.models.foreign",
    "Result": "scrub.results.result",
    "ScrubError": "scrub.errors",
    "Settings": "scrub.study.settings",
    "Task": "scrub.data.task",
    "component": "scrub.models.callables",
    "each": "scrub.graph.positions",
    "handmade": "scrub.models.callables",
    "near": "scrub.data.features",
    "run": "scrub.study.experiment",
    "source": "scrub.models.callables",
}

__all__ = [
    "ANY",
    "EXACT",
    "Dataset",
    "Hypothesis",
    "InputRefused",
    "ModelRefused",
    "Network",
    "Result",
    "ScrubError",
    "Settings",
    "Task",
    "component",
    "each",
    "handmade",
    "near",
    "run",
    "source",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'scrub' has no attribute '{name}'")
    from importlib import import_module

    if name in ("Result", "run"):
        import_module("scrub.report.notebook")  # registers how a notebook shows a result
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return __all__
