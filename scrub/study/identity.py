"""What a claim and a task say: equal for equal ones, whatever their nodes are called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from scrub.data.features import Columns, Feature, Function, Near, Unlike
from scrub.data.task import Task
from scrub.hypothesis.claim import Claim
from scrub.models.code import code_text


def fingerprint_of_claim(claim: Claim, source: str = "") -> str:
    """sha256 over parts, positions, features, ports and options.

    A node is told by its own content and by all that feeds it. `source` is the text of the file
    it was read from; it counts only where a feature is a function, which may call anything in it.
    """
    keys: dict[str, str] = {}
    for name in claim.topological:
        node = claim.nodes[name]
        parents = [f"{edge.ports} {keys[edge.parent]}" for edge in claim.parents[name]]
        said = (node.label, _feature(node.feature), node.inner.value, node.of_each)
        keys[name] = _hash(*map(str, said), *sorted(parents))
    edges = [f"{keys[e.parent]} {keys[e.child]} {e.ports}" for e in claim.edges]
    written = any(_is_function(node.feature) for node in claim.nodes.values())
    options = sorted(claim.options.as_dict().items())
    # nodes and edges once more: two equal nodes are another claim than one that is read twice
    told = [*sorted(keys.values()), *sorted(edges), str(options), source if written else ""]
    return _hash(keys[claim.sink], *told)


def _hash(*texts: str) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()


def _is_function(feature: Feature) -> bool:
    return isinstance(feature.of if isinstance(feature, Near) else feature, Function)


def _feature(feature: Feature) -> str:
    match feature:
        case Near(of, tolerance, bandwidth):
            return f"near {_feature(of)} {tolerance} {bandwidth}"
        case Columns(names):
            return f"columns {names}"
        case Function(function):
            return f"function {code_text(function)}"
        case Unlike(of):
            return f"unlike {_feature(of)}"
        case extent:
            return extent.value


def said_of_task(task: Task) -> Mapping[str, str]:
    """What makes two tasks one, by name."""
    metric = task.metric if isinstance(task.metric, str) else code_text(task.metric)
    scored = f"{task.answer} against {task.wrong}" if task.wrong else task.answer
    return {
        "data": task.dataset.fingerprint(),
        "metric": task.metric_name if isinstance(task.metric, str) else _short(task, metric),
        "scored position": str(task.positions),
        "answer": scored,
    }


def _short(task: Task, code: str) -> str:
    """A function by its name, and enough of its code's hash to tell two of one name apart."""
    return f"{task.metric_name}, code {hashlib.sha256(code.encode()).hexdigest()[:8]}"
