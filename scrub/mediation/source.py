"""What was found, written as a hypothesis file: a claim that `scrub run` takes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from scrub.graph.circuits import Edge

CIRCUIT = '''\
"""{sentence}"""

from scrub import Hypothesis
from scrub.graph.circuits import parse_edge
from scrub.hypothesis.circuit import circuit_claim

EDGES = """
{edges}
"""

claim = circuit_claim(map(parse_edge, EDGES.strip().splitlines()))
hypothesis = Hypothesis(claim, task={task!r}, model={model!r})
'''


def circuit_source(edges: Iterable[Edge], said: Mapping[str, Any], sentence: str) -> str:
    """A file that claims a circuit: `EXACT` at every node, for edges say nothing of features."""
    return CIRCUIT.format(
        sentence=textwrap.fill(sentence, 96).replace("\\", "/"),
        edges="\n".join(map(str, edges)),
        task=said["task_source"],
        model=said["model_source"],
    )
