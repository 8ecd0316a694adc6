"""Places as they are written, and what is said of those that the model or the data lack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scrub import Dataset, InputRefused, Task
from scrub.engine.edits import Input, State
from scrub.graph import ALL, Component, Indices, ModelGraph, Part, Port, Role
from scrub.mediation.places import Place, places
from scrub.mediation.subject import Subject
from tests.models import tiny


def graph_of() -> ModelGraph:
    """Two heads, an MLP of ten neurons and one of four experts."""
    before, after = ("embed", "a0.h0", "a0.h1"), ("embed", "a0.h0", "a0.h1", "m0")
    ports = tuple(Port(name, "resid.0", ("embed",)) for name in "qkv")
    return ModelGraph(
        "toy",
        (
            Component("embed"),
            Component("a0.h0", ports, group="a0"),
            Component("a0.h1", ports, group="a0"),
            Component("m0", (Port("in", "mid.0", before),), neurons=10),
            Component("m1", (Port("in", "resid.1", after),), experts=4),
            Component("logits", (Port("in", "final", (*after, "m1")),)),
        ),
        output="logits",
    )


GRAPH = graph_of()
END = Role("end")
WRITTEN: list[tuple[Any, list[Place]]] = [
    ("a0.h1", [Place(Part("a0.h1"))]),
    ("a0@end", [Place(Part("a0.h0"), END), Place(Part("a0.h1"), END)]),
    ("a0.h0-1", [Place(Part("a0.h0")), Place(Part("a0.h1"))]),
    ("input@0", [Place(Part("embed"), Indices((0,)))]),
    ("m0.n3", [Place(Part("m0", neurons=(3, 3)))]),
    ("m0.n3-9@all", [Place(Part("m0", neurons=(3, 9)))]),
    ("m1.e0-1@end", [Place(Part("m1", experts=(0, 1)), END)]),
    ("a0.h1<k>@end", [Place(Input("a0.h1", "k"), END)]),
    ("a0<q>", [Place(Input("a0.h0", "q")), Place(Input("a0.h1", "q"))]),
    ("m0<in>@names[1]", [Place(Input("m0", "in"), Role("names", 1))]),
    ("resid.1@3,0", [Place(State("resid.1"), Indices((0, 3)))]),
    ("final", [Place(State("final"), ALL)]),
    ("a0.h0, m0@end", [Place(Part("a0.h0"), END), Place(Part("m0"), END)]),
    ("m0@0,3,m1", [Place(Part("m0"), Indices((0, 3))), Place(Part("m1"))]),
    (["m0@end", "m0@end", State("final")], [Place(Part("m0"), END), Place(State("final"))]),
    (Place(Part("m0"), END), [Place(Part("m0"), END)]),
    (Input("m0", "in"), [Place(Input("m0", "in"))]),
    ([], []),
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN, ids=str)
def test_places_are_read_as_written(written, meant):
    assert list(places(written, GRAPH)) == meant


@pytest.mark.parametrize("meant", [place for _, found in WRITTEN for place in found], ids=str)
def test_a_place_is_echoed_as_it_can_be_written(meant):
    assert places(str(meant), GRAPH) == (meant,)


def refusal(do: Callable[[], object]) -> str:
    with pytest.raises(InputRefused) as refused:
        do()
    return str(refused.value)


NOT_REPLACED = "is the output: it is measured, not replaced. Name what feeds it."
MESSAGES: list[tuple[Any, str]] = [
    ("a0.h9", "'a0.h9' is no component and no stream. Did you mean a0.h1 or a0.h0?"),
    ("a0.h0-3", "'a0.h2' is no component and no stream. Did you mean a0.h1 or a0.h0?"),
    (
        "resid.7",
        "'resid.7' is no component and no stream. Did you mean resid.1 or resid.0 or mid.0?",
    ),
    ("m0.n10", "m0 has neurons 0 to 9."),
    ("a0.h0.n1", "a0.h0 has no neurons that can be named apart."),
    ("m1.e4", "m1 has experts 0 to 3."),
    ("logits", f"'logits' {NOT_REPLACED}"),
    ("logits<in>", f"'logits' {NOT_REPLACED}"),
    ("a0.h0<in>", "a0.h0 has no port 'in'. Its ports: q, k, v."),
    ("embed<in>", "embed has no port 'in'. Its ports: none."),
    ("m0.n3<in>", "'m0.n3' reads nothing apart from m0. Name m0<in>."),
    (State("resid.9"), "is no stream. Did you mean resid.1 or resid.0 or mid.0?"),
    (Part("m7"), "'m7' is no component and no stream. Did you mean m1 or m0?"),
    (Part("m7", subspace="0" * 8), "'m7' is no component. Did you mean m1 or m0?"),
    (Part("m0", neurons=(0, 99)), "m0 has neurons 0 to 9."),
    (Input("m0", "q"), "m0 has no port 'q'. Its ports: in."),
]


@pytest.mark.parametrize(("written", "said"), MESSAGES, ids=str)
def test_what_is_said_of_a_place_that_the_model_lacks(written, said):
    assert refusal(lambda: places(written, GRAPH)) == f"place '{written}': {said}"


def test_all_places_that_the_model_lacks_are_named_at_once():
    said = refusal(lambda: places(["m5", "a0", "a0.h0<w>"], GRAPH))
    assert "place 'm5'" in said
    assert "place 'a0.h0<w>'" in said


def subject() -> Subject:
    rows = [
        {
            "tokens": [1, 2, 3, 4, 5, 6][:length],
            "roles": {"end": length - 1, "names": [0, 2], "some": [0, 1][: 1 + i % 2]},
            "answer": 1,
        }
        for i, length in enumerate([6, 5, 4, 6])
    ]
    dataset = Dataset.from_rows(rows)
    return Subject(tiny.model("gpt2"), Task(dataset, at="end"), np.arange(4))


POSITIONS: list[tuple[str, str]] = [
    ("m0@edn", "place 'm0@edn': no role 'edn'. Did you mean end?"),
    (
        "m0@some",
        "place 'm0@some': role 'some' has 1 or 2 positions in an example, and must have equally "
        "many.",
    ),
    ("m0@names[2]", "place 'm0@names[2]': role 'names' has 2 positions."),
    ("m0@1,4", "place 'm0@1,4': the shortest example has 4 positions. Count from 0."),
]


@pytest.mark.parametrize(("written", "said"), POSITIONS)
def test_what_is_said_of_positions_that_the_data_lack(written, said):
    assert refusal(lambda: subject().places(written)) == said


def test_positions_of_the_data_are_taken():
    found = subject().places("m0@end,a1.h0@names,a0.h0@names[1],resid.1@0,3,embed")
    assert list(map(str, found)) == [
        "m0@end", "a1.h0@names", "a0.h0@names[1]", "resid.1@0,3", "embed",
    ]  # fmt: skip


def test_all_positions_that_the_data_lack_are_named_at_once():
    said = refusal(lambda: subject().places(["m0@edn", "m1@9"]))
    assert "place 'm0@edn'" in said
    assert "place 'm1@9'" in said


def test_a_role_of_another_space_is_refused():
    """An encoder's positions are none of the decoder's."""
    from tests.architectures.claims import data, task_of
    from tests.architectures.coverage import CASES
    from tests.architectures.test_architectures import model_of

    model = model_of(next(case for case in CASES if case.model_type == "bart"))
    task = task_of(model.graph, data(model.graph, np.random.default_rng(0), equal=True))
    held = Subject(model, task, np.arange(4))
    assert held.places("x0@decoder_tokens_end")
    assert refusal(lambda: held.places("resid.0@tokens_end")) == (
        "place 'resid.0@tokens_end': role 'tokens_end' counts positions of 'tokens', and resid.0 "
        "lives in 'decoder_tokens'."
    )


BASIS = np.linalg.qr(np.random.default_rng(0).normal(size=(24, 2)))[0]
SUBSPACES: list[tuple[Any, Any, str]] = [
    (
        Place(State("resid.1")),
        BASIS,
        "place 'resid.1': a subspace is one of a component's output, not of a port or a state.",
    ),
    (
        Place(Part("m0", neurons=(0, 3))),
        BASIS,
        "place 'm0.n0-3': a subspace belongs to one whole component, not to m0.n0-3.",
    ),
    (
        Place(Part("m0"), END),
        BASIS[:5],
        "place 'm0@end': a subspace is a matrix of 24 rows and 1 to 24 columns, found 5 × 2.",
    ),
    (
        Place(Part("m0")),
        2 * BASIS,
        "place 'm0': a subspace needs orthonormal columns, these are off by 3. Use "
        "numpy.linalg.qr(basis)[0].",
    ),
    (Place(Part("m0")), "x", "place 'm0': a subspace is a matrix of numbers, not 'x'."),
]


@pytest.mark.parametrize(("place", "basis", "said"), SUBSPACES)
def test_what_is_said_of_a_subspace_that_is_none(place, basis, said):
    assert refusal(lambda: subject().subspace(place, basis)) == said


def test_a_subspace_is_known_to_the_subject_that_made_it():
    held = subject()
    place = held.subspace(Place(Part("m0"), END), BASIS)
    assert held.places(place) == (place,)
    assert str(place).startswith("m0[")
    assert refusal(lambda: subject().places(place)) == (
        f"place '{place}': is cut down to a subspace whose basis is not known here. Make the place "
        "by Subject.subspace(place, basis)."
    )


OPTIONS = [("references", 0), ("draws", 0), ("batch", 0)]


@pytest.mark.parametrize(("name", "value"), OPTIONS)
def test_sizes_below_one_are_refused(name, value):
    task = subject().task
    said = refusal(lambda: Subject.of(tiny.model("gpt2"), task, **{name: value}))
    assert said == f"option '{name}': must be at least 1."
