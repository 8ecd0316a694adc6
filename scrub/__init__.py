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
    from scrub.mediation.ablation import sensitivity
    from scrub.mediation.attribute import attribute
    from scrub.mediation.attribute_places import attribute_places
    from scrub.mediation.contrasts import permutation
    from scrub.mediation.discover import discover
    from scrub.mediation.doses import dose_response
    from scrub.mediation.faithfulness import circuit_curve, faithfulness
    from scrub.mediation.interactions import interactions
    from scrub.mediation.knocking import knock
    from scrub.mediation.lens import trace_token_probability
    from scrub.mediation.neuron import intervene_on_neuron
    from scrub.mediation.pathpatching import path_patch
    from scrub.mediation.search import revert
    from scrub.mediation.testing import circuit_tests
    from scrub.mediation.trace import trace
    from scrub.mediation.traced import Trace
    from scrub.models.callables import component, handmade, source
    from scrub.models.foreign import Network
    from scrub.results.adversary import WorstAllowed
    from scrub.results.comparison import Comparison
    from scrub.results.controls import Controls
    from scrub.results.result import Result
    from scrub.results.store.store import Store
    from scrub.study.adversary.adversary import adversary
    from scrub.study.comparing.compare import compare
    from scrub.study.controls.controls import controls
    from scrub.study.experiment import run
    from scrub.study.interchanging.interchange import interchange
    from scrub.study.keeping.keeper import Keeper
    from scrub.study.settings import Settings
    from scrub.study.suites.suite import Suite
    from scrub.study.suites.suites import run_suite

__version__ = "0.1.0"

# Each name is imported when it is first asked for: the command line answers `--help` without
# numpy and networkx, and checks a hypothesis without torch.
_HOMES = {
    "ANY": "scrub.data.features",
    "Comparison": "scrub.results.comparison",
    "Controls": "scrub.results.controls",
    "Dataset": "scrub.data.dataset",
    "EXACT": "scrub.data.features",
    "Hypothesis": "scrub.hypothesis.hypothesis",
    "InputRefused": "scrub.errors",
    "Keeper": "scrub.study.keeping.keeper",
    "ModelRefused": "scrub.errors",
    "Network": "scrub.models.foreign",
    "Result": "scrub.results.result",
    "ScrubError": "scrub.errors",
    "Settings": "scrub.study.settings",
    "Store": "scrub.results.store.store",
    "Suite": "scrub.study.suites.suite",
    "Task": "scrub.data.task",
    "Trace": "scrub.mediation.traced",
    "WorstAllowed": "scrub.results.adversary",
    "adversary": "scrub.study.adversary.adversary",
    "attribute": "scrub.mediation.attribute",
    "attribute_places": "scrub.mediation.attribute_places",
    "circuit_curve": "scrub.mediation.faithfulness",
    "circuit_tests": "scrub.mediation.testing",
    "compare": "scrub.study.comparing.compare",
    "component": "scrub.models.callables",
    "controls": "scrub.study.controls.controls",
    "discover": "scrub.mediation.discover",
    "dose_response": "scrub.mediation.doses",
    "each": "scrub.graph.positions",
    "faithfulness": "scrub.mediation.faithfulness",
    "handmade": "scrub.models.callables",
    "interactions": "scrub.mediation.interactions",
    "interchange": "scrub.study.interchanging.interchange",
    "intervene_on_neuron": "scrub.mediation.neuron",
    "knock": "scrub.mediation.knocking",
    "near": "scrub.data.features",
    "path_patch": "scrub.mediation.pathpatching",
    "permutation": "scrub.mediation.contrasts",
    "revert": "scrub.mediation.search",
    "run": "scrub.study.experiment",
    "run_suite": "scrub.study.suites.suites",
    "sensitivity": "scrub.mediation.ablation",
    "source": "scrub.models.callables",
    "trace": "scrub.mediation.trace",
    "trace_token_probability": "scrub.mediation.lens",
}

__all__ = [
    "ANY",
    "EXACT",
    "Comparison",
    "Controls",
    "Dataset",
    "Hypothesis",
    "InputRefused",
    "Keeper",
    "ModelRefused",
    "Network",
    "Result",
    "ScrubError",
    "Settings",
    "Store",
    "Suite",
    "Task",
    "Trace",
    "WorstAllowed",
    "adversary",
    "attribute",
    "attribute_places",
    "circuit_curve",
    "circuit_tests",
    "compare",
    "component",
    "controls",
    "discover",
    "dose_response",
    "each",
    "faithfulness",
    "handmade",
    "interactions",
    "interchange",
    "intervene_on_neuron",
    "knock",
    "near",
    "path_patch",
    "permutation",
    "revert",
    "run",
    "run_suite",
    "sensitivity",
    "source",
    "trace",
    "trace_token_probability",
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
