"""What the tables of messages share: a case, how it is checked, and small things to be wrong about.

Each case is an input that is refused, with the full text that its user reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from scrub import EXACT, Dataset, Hypothesis, InputRefused, Task
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.resolve import resolve
from scrub.models.config import graph_from_config

GRAPH = graph_from_config(
    {
        "model_type": "gpt2",
        "n_layer": 2,
        "n_head": 2,
        "n_embd": 8,
        "vocab_size": 50,
        "n_positions": 32,
    },
    "tiny",
)
SPARSE = graph_from_config(
    {
        "model_type": "mixtral",
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "hidden_size": 8,
        "intermediate_size": 12,
        "num_local_experts": 8,
        "vocab_size": 50,
    },
    "tiny mixture",
)


@dataclass(frozen=True)
class Case:
    """An input, as a call that reads it, and the message. A call may take a folder to write in."""

    name: str
    call: Callable[..., object]
    message: str

    def __str__(self) -> str:
        return self.name


def check(case: Case, folder: Path | None = None) -> None:
    """The call is refused with exactly this message; `{folder}` in it stands for the folder."""
    with pytest.raises(InputRefused) as caught:
        case.call(*() if folder is None else (folder,))
    assert str(caught.value) == case.message.replace("{folder}", str(folder))


def rows(n: int = 8) -> list[dict[str, Any]]:
    """Rows of six tokens with roles and columns; two values of `name`, `number` all different."""
    return [
        {
            "tokens": [i, 1, 2, 3, 4, 5],
            "roles": {"start": 0, "pair": [1, 2], "end": 5},
            "name": "ab"[i % 2],
            "number": i,
            "answer": i % 2,
            "partner": (i + 1) % n,
        }
        for i in range(n)
    ]


def changed(row: int, **values: Any) -> list[dict[str, Any]]:
    """The same rows, one of them with other values."""
    found = rows()
    found[row] = {**found[row], **values}
    return found


def ragged() -> list[dict[str, Any]]:
    """Half of the rows are a token shorter."""
    return [
        {**row, "tokens": row["tokens"][: 5 + i % 2], "roles": {**row["roles"], "end": -1}}
        for i, row in enumerate(rows())
    ]


Edge = tuple[Any, ...]


def claim_of(
    written: Mapping[Any, Any], edges: Sequence[Edge] = (), *, answer: Any = None, **options: Any
) -> Claim:
    """Resolve nodes that feed the output 'answer' unless `edges` says what feeds what."""
    data, model = options.pop("data", None) or rows(), options.pop("model", GRAPH)
    task = options.pop("task", None) or Task(Dataset.from_rows(data), at="end")
    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node("answer", **{"component": "logits", "feature": EXACT, **(answer or {})})
    for name, attributes in written.items():
        graph.add_node(name, **attributes)
    for parent, child, *attributes in edges or [(name, "answer") for name in written]:
        graph.add_edge(parent, child, **(attributes[0] if attributes else {}))
    return resolve(Hypothesis(graph, task=task, **options), model, task)


def node(component: Any, feature: Any = "name", **more: Any) -> dict[str, Any]:
    return {"component": component, "feature": feature, **more}
