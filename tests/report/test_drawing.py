"""Drawings hold every node and port, keep boxes apart, and come out the same each time."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest

from scrub.hypothesis.claim import Claim
from scrub.report.drawing import draw
from scrub.report.layers import heights, layers
from scrub.report.outline import outline
from scrub.report.placing import place
from scrub.report.sheet import BOX_HEIGHT, Box, lay_out
from scrub.report.writing import as_text
from scrub.study.check import check
from tests.report.claims import induction, transformer, wide

CLAIMS = {"induction": induction, "wide": wide}


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
    assert abs(width - 150 * lay_out(claim).width) <= 1


def test_the_same_claim_gives_the_same_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        draw(*induction(), [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", CLAIMS)
def test_boxes_keep_apart_and_on_the_sheet(name: str) -> None:
    _, claim = CLAIMS[name]()
    sheet = lay_out(claim)
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
    sheet = lay_out(claim)
    assert len(sheet.arrows) == len(claim.edges)
    for arrow in sheet.arrows:
        ys = [y for _, y in arrow.points]
        assert ys == sorted(ys)
        for x, y in arrow.points[1:-1]:
            inside = [b for b in sheet.boxes if abs(b.x - x) < b.width / 2 and b.y < y < b.y + 0.6]
            assert inside == []


def test_named_components_are_filled_cells() -> None:
    _, claim = induction()
    cells = {cell.component: cell.named for band in lay_out(claim).bands for cell in band.cells}
    assert set(cells) == set(claim.graph.by_name)
    assert {name for name, named in cells.items() if named} == {"embed", "a0.h0", "a1.h1", "logits"}


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


def _line(lines: list[str], start: str) -> int:
    return next(i for i, line in enumerate(lines) if start in line)


def test_a_claim_of_the_sink_alone_can_be_drawn(tmp_path: Path) -> None:
    hypothesis, _ = induction()
    graph = nx.DiGraph()
    graph.add_node("answer", component="logits", feature="next_token")
    alone: Claim = check(hypothesis.with_graph(graph))
    draw(hypothesis, alone, [tmp_path / "alone.svg"])
    assert "answer" in texts(tmp_path / "alone.svg")
