"""Drawings hold every node and port, keep boxes apart, and come out the same each time."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import networkx as nx
import pytest

from scrub import ANY
from scrub.graph import Component, ModelGraph, Port, Reach, Space
from scrub.graph.layers import beginnings, heights, layers
from scrub.hypothesis.claim import Claim
from scrub.report.drawing import draw
from scrub.report.layers import MEANING, Mark, marks
from scrub.report.outline import outline
from scrub.report.placing import place
from scrub.report.sheet import BOX_HEIGHT, Box, lay_out
from scrub.report.writing import as_text
from scrub.results.graph import graph_of
from scrub.study.check import check
from tests.report.claims import (
    alone,
    classifier,
    encoder_decoder,
    induction,
    masked,
    question,
    transformer,
    wide,
)

CLAIMS = {
    "induction": induction,
    "wide": wide,
    "encoder_decoder": encoder_decoder,
    "classifier": classifier,
    "masked": masked,
    "question": question,
}


def texts(path: Path) -> list[str]:
    return ["".join(e.itertext()).strip() for e in ET.parse(path).iter() if e.tag.endswith("text")]


def test_an_svg_holds_names_components_features_and_ports_as_text(tmp_path: Path) -> None:
    path = tmp_path / "claim.svg"
    hypothesis, claim = induction()
    draw(hypothesis, claim, [path])
    found = texts(path)
    assert "induction <2>" in found
    for name in claim.nodes:
        assert name in found
    assert {"q", "k", "v", "in"} <= set(found)
    assert "a0.h0 @ after_match" in found
    assert "carries next_token" in found
    assert {layer.label for layer in layers(claim.graph)} <= set(found)


def test_a_png_is_written_at_150_dots_an_inch(tmp_path: Path) -> None:
    path = tmp_path / "claim.png"
    hypothesis, claim = induction()
    draw(hypothesis, claim, [path])
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    width = int.from_bytes(head[16:20], "big")
    assert abs(width - 150 * lay_out(graph_of(claim)).width) <= 1


def test_the_same_claim_gives_the_same_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        draw(*induction(), [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", CLAIMS)
def test_boxes_keep_apart_and_on_the_sheet(name: str) -> None:
    _, claim = CLAIMS[name]()
    sheet = lay_out(graph_of(claim))
    assert len(sheet.boxes) == len(claim.nodes)
    for box in sheet.boxes:
        assert 0 < box.x - box.width / 2 < box.x + box.width / 2 < sheet.width
        assert 0 < box.y < box.y + BOX_HEIGHT < sheet.height
    for one, other in combinations(sheet.boxes, 2):
        assert not _overlap(one, other)


def _overlap(one: Box, other: Box) -> bool:
    beside = abs(one.x - other.x) >= (one.width + other.width) / 2
    return not beside and abs(one.y - other.y) < BOX_HEIGHT


@pytest.mark.parametrize("name", CLAIMS)
def test_arrows_run_upwards_and_through_no_other_box(name: str) -> None:
    _, claim = CLAIMS[name]()
    sheet = lay_out(graph_of(claim))
    assert len(sheet.arrows) == len(claim.edges)
    for arrow in sheet.arrows:
        ys = [y for _, y in arrow.points]
        assert ys == sorted(ys)
        for x, y in arrow.points[1:-1]:
            inside = [b for b in sheet.boxes if abs(b.x - x) < b.width / 2 and b.y < y < b.y + 0.6]
            assert inside == []


@pytest.mark.parametrize("name", CLAIMS)
def test_every_component_is_a_cell_with_what_is_said_of_it(name: str) -> None:
    _, claim = CLAIMS[name]()
    cells = {
        cell.component: cell.mark for band in lay_out(graph_of(claim)).bands for cell in band.cells
    }
    assert cells == marks(graph_of(claim))
    assert set(cells) == set(claim.graph.by_name)


def test_what_runs_on_a_leaf_s_donor_is_left_open_and_not_unnamed() -> None:
    """Below BERT's leaf `mn0` all is; beside `m1`, which nothing named reads, nothing is."""
    _, claim = masked()
    said = marks(graph_of(claim))
    below = {"embed", "a0.h0", "a0.h1", "an0", "m0"}
    assert {name for name, mark in said.items() if mark is Mark.OPEN} == below
    assert {name for name, mark in said.items() if mark is Mark.UNNAMED} == {"a1.h0", "m1"}


def test_a_leaf_that_carries_nothing_leaves_nothing_open() -> None:
    """It says of its edge what leaving it out would have said."""
    hypothesis, claim = masked()
    claim = replace(
        claim, nodes={**claim.nodes, "below": replace(claim.nodes["below"], feature=ANY)}
    )
    assert Mark.OPEN not in marks(graph_of(claim)).values()
    assert not any(box.left_open for box in lay_out(graph_of(claim)).boxes)
    assert "left open" not in as_text(outline(hypothesis, claim))


LEAVES = {
    "induction": {"previous"},
    "wide": {f"a0.h{head}" for head in range(6)},
    "encoder_decoder": {"moved"},
    "classifier": {"look"},
    "masked": {"below"},
    "question": {"v1.h0"},
}


@pytest.mark.parametrize("name", LEAVES)
def test_the_dashed_line_is_that_of_leaves_that_read(name: str) -> None:
    _, claim = CLAIMS[name]()
    assert {box.name for box in lay_out(graph_of(claim)).boxes if box.left_open} == LEAVES[name]


@pytest.mark.parametrize("name", CLAIMS)
def test_the_key_explains_the_marks_that_are_there(name: str, tmp_path: Path) -> None:
    hypothesis, claim = CLAIMS[name]()
    draw(hypothesis, claim, [tmp_path / "claim.svg"])
    found = texts(tmp_path / "claim.svg")
    assert {Mark.NAMED, Mark.OPEN, *marks(graph_of(claim)).values()} == {
        m for m in Mark if MEANING[m] in found
    }


STACKS = {
    "encoder_decoder": {"e.embed": "tokens", "embed": "decoder tokens"},
    "question": {"v.embed": "image", "e.embed": "tokens", "embed": "decoder tokens"},
    "classifier": {"embed": "image", "logits": "pooled"},
    "masked": {},
    "induction": {},
}


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_begins_above_all_that_it_reads(name: str) -> None:
    _, claim = CLAIMS[name]()
    bands = lay_out(graph_of(claim)).bands
    assert {band.label: band.begins for band in bands if band.begins} == STACKS[name]
    order = [claim.graph[cell.component].space for band in bands for cell in band.cells]
    assert len([1 for one, other in pairwise(order) if one != other]) == len(set(order)) - 1


def test_the_layers_of_an_encoder_decoder_are_those_of_one_stack_after_the_other() -> None:
    _, claim = encoder_decoder()
    assert [layer.label for layer in layers(claim.graph)] == [
        "e.embed", "e0", "em0", "e1", "em1", "en",
        "embed", "a0", "x0", "m0", "a1", "x1", "m1", "logits",
    ]  # fmt: skip


def test_spaces_that_read_each_other_are_layered_together() -> None:
    """x (tokens) ──► y (decoder tokens) ──► z (tokens)"""
    ports = {
        name: (Port("in", f"{name}.in", (feeder,), Reach.ANY),) for name, feeder in ("yx", "zy")
    }
    graph = ModelGraph(
        "there and back",
        (
            Component("x"),
            Component("y", ports["y"], space="decoder_tokens"),
            Component("z", ports["z"]),
        ),
        output="z",
        spaces=(Space("tokens"), Space("decoder_tokens")),
    )
    assert heights(graph) == {"x": 0, "y": 1, "z": 2}
    assert beginnings(graph, layers(graph)) == {0: "tokens", 1: "decoder tokens", 2: "tokens"}


def test_layers_of_a_decoder() -> None:
    graph = transformer(2, 3)
    assert [layer.label for layer in layers(graph)] == ["embed", "a0", "m0", "a1", "m1", "logits"]
    assert heights(graph)["a1.h2"] == 3


def test_a_long_edge_makes_way_for_the_boxes_between() -> None:
    rows, widths = [["a"], ["b"], ["c"]], {"a": 1.0, "b": 1.0, "c": 1.0}
    edges = {("a", "b"): 0.0, ("b", "c"): 0.0, ("a", "c"): 0.0}
    placed = place(rows, widths, edges)
    [(row, x)] = placed.routes["a", "c"]
    assert row == 1
    assert abs(x - placed.x["b"]) > 0.5


def test_the_outline_tells_layers_nodes_and_ports() -> None:
    hypothesis, claim = induction()
    lines = as_text(outline(hypothesis, claim)).splitlines()
    at = {name: _line(lines, f"■ {name} ") for name in claim.nodes}
    assert at["answer"] < at["induction"] < at["previous"] < at["current"]
    assert lines[at["induction"]].startswith("a1 ")
    assert "carries next_token" in lines[at["induction"]]
    below = [line.strip() for line in lines[at["induction"] + 1 : at["induction"] + 4]]
    assert sorted(below) == ["↑ k: previous", "↑ q: current", "↑ v: copied"]
    assert any(line.split() == ["m0", "·", "unnamed"] for line in lines)
    assert lines[at["previous"] + 1].strip() == "┊ left open"


def test_the_outline_tells_what_is_left_open_from_what_is_unnamed() -> None:
    said = as_text(outline(*masked()))
    assert said.endswith(
        "m1          · unnamed\n"
        "an1         ■ sum     an1     @ mask  carries name\n"
        "              ↑ in: head\n"
        "a1          ■ head    a1.h1   @ mask  carries name\n"
        "              ↑ k, q: below\n"
        "mn0         ■ below   mn0     @ mask  carries name\n"
        "              ┊ left open\n"
        "m0 … embed  ┊ left open\n"
        "\n"
        "· unnamed: claimed not to matter\n"
        "┊ left open: runs on a leaf's donor, and the claim says nothing about it\n"
        "5 nodes, 4 edges; 32.0 % of the model's 25 edges are claimed not to matter.\n"
    )


def test_a_layer_whose_heads_are_in_a_node_above_is_not_called_unnamed() -> None:
    """Of a node of several components, which stands at the last."""
    hypothesis, _ = induction()
    graph: nx.DiGraph[str] = nx.DiGraph([("both", "answer")])
    graph.add_node("answer", component="logits", feature="next_token")
    graph.add_node("both", component=["a0.h1", "a1.h0"], positions="query", feature="next_token")
    grouped: Claim = check(hypothesis.with_graph(graph))
    lines = as_text(outline(hypothesis, grouped)).splitlines()
    assert "a0      ┊ left open; ■ in a node above: a0.h1" in lines


def test_in_a_layer_of_both_the_outline_names_what_is_left_open() -> None:
    said = as_text(outline(*alone()))
    assert "a, b  · unnamed; ┊ left open: a\n" in said


def _line(lines: list[str], start: str) -> int:
    return next(i for i, line in enumerate(lines) if start in line)


def test_a_claim_of_the_sink_alone_can_be_drawn(tmp_path: Path) -> None:
    hypothesis, _ = induction()
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_node("answer", component="logits", feature="next_token")
    alone: Claim = check(hypothesis.with_graph(graph))
    draw(hypothesis, alone, [tmp_path / "alone.svg"])
    assert "answer" in texts(tmp_path / "alone.svg")
