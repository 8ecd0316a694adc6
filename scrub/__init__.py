"""scrub: test what you think a neural network computes.

Write the explanation down as a networkx graph whose nodes name components of the model and say
what each carries; everything else is resampled, and what is left of the performance is reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scrub.data.dataset import Dataset
from scrub.data.features import ANY, EXACT, near
from scrub.data.task import Task
from scrub.errors import InputRefused, ModelRefused, ScrubError
from scrub.graph import each
from scrub.hypothesis.hypothesis import Hypothesis

if TYPE_CHECKING:
    from scrub.models.callables import component, handmade, source
    from scrub.results.result import Result
    from scrub.study.experiment import Settings, run

__version__ = "0.1.0"

_LAZY = {  # these bring torch along, which the light commands do without
    "Result": "scrub.results.result",
    "Settings": "scrub.study.experiment",
    "component": "scrub.models.callables",
    "handmade": "scrub.models.callables",
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
    if name in _LAZY:
        import importlib

        importlib.import_module("scrub.report.notebook")  # registers how results are shown
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'scrub' has no attribute '{name}'")
