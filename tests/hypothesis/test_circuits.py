"""Circuits of EAP-IG and MIB: read, written, and scrubbed as hypotheses."""

from __future__ import annotations

import json

import numpy as np
import pytest

from scrub import Hypothesis, InputRefused, Task
from scrub.graph.circuits import Edge, all_edges, parse_edge, read_circuit, write_circuit
from scrub.hypothesis.circuit import circuit_claim
from scrub.hypothesis.resolve import resolve
from scrub.models.config import graph_from_config
from tests.laws.test_transformers import data

CONFIG = {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 8, "vocab_size": 50}
GRAPH = graph_from_config(CONFIG, "tiny")
KEPT = [Edge("embed", "a0.h1", "k"), Edge("a0.h1", "m1", "in"), Edge("m1", "logits", "in")]


def test_a_circuit_survives_writing_and_reading(tmp_path):
    write_circuit(tmp_path / "circuit.json", KEPT, GRAPH)
    assert read_circuit(tmp_path / "circuit.json", GRAPH) == tuple(sorted(KEPT))
    written = json.loads((tmp_path / "circuit.json").read_text())
    assert written["edges"]["input->a0.h1<k>"] == {"score": 1.0, "in_graph": True}
    assert written["nodes"]["input"] == {"in_graph": True}
    assert len(written["edges"]) == GRAPH.n_edges


@pytest.mark.parametrize("edge", all_edges(GRAPH)[:20], ids=str)
def test_an_edge_reads_as_it_is_written(edge):
    assert parse_edge(str(edge)) == edge


def test_a_circuit_is_a_well_formed_hypothesis():
    task = Task(data(np.random.default_rng(0), equal=True), at="here")
    claim = resolve(Hypothesis(circuit_claim(KEPT), task=task), GRAPH, task)
    assert claim.named_edges == {(e.feeder, e.reader, e.port) for e in KEPT}


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (["a0.h0 to m1"], "edge 'a0.h0 to m1': is not written as an edge. "
                          "Write a0.h1->a5.h1<q>, embed->m3 or m11->logits."),
        (["a0.h9->m1"], "edge 'a0.h9->m1': component 'a0.h9' does not exist. "
                        "Did you mean a0.h1 or a0.h0 or a1.h1?"),
        (["a0.h0->m1<q>"], "edge 'a0.h0->m1<q>': m1 has no port 'q'. Its ports: in."),
        (["m1->a0.h0<q>"], "edge 'm1->a0.h0<q>': m1 does not feed a0.h0."),
    ],
)  # fmt: skip
def test_what_is_no_circuit_is_refused(edges, message, tmp_path):
    path = tmp_path / "circuit.json"
    path.write_text(json.dumps({"edges": {edge: {"in_graph": True} for edge in edges}}))
    with pytest.raises(InputRefused) as refused:
        read_circuit(path, GRAPH)
    assert str(refused.value) == message


def test_a_file_without_edges_is_refused(tmp_path):
    path = tmp_path / "circuit.json"
    path.write_text("[]")
    with pytest.raises(InputRefused) as refused:
        read_circuit(path, GRAPH)
    assert str(refused.value) == (
        f"{path}: holds no table 'edges'. "
        'A circuit is {"nodes": {…}, "edges": {"a0.h1->m3": {"in_graph": true}}}.'
    )
