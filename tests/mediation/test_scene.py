"""What can be done to a model on some items of a subject, and the laws that hold of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import Dataset, InputRefused, Task
from scrub.engine.edits import Edit, State
from scrub.engine.flow import edited
from scrub.engine.replacements import Partner, Replacement, Resample, replacement
from scrub.engine.worlds import World, picked
from scrub.graph import Part, Role
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene, stacked
from scrub.mediation.subject import Subject
from scrub.models.adapter import TransformersModel
from tests.architectures.claims import data, task_of
from tests.architectures.coverage import CASES
from tests.architectures.test_architectures import model_of as covered
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.models.tiny import VOCABULARY, WIDTH

ROWS = 12
every_shape = pytest.mark.parametrize("shape", SHAPES)
random = st.integers(0, 2**32 - 1).map(np.random.default_rng)
PLACES = ("embed@end", "a0.h1@spots", "a1.h0<k>@end", "m0.n3-9@end", "m0@0,2", "resid.1@end")


@cache
def loop_of(shape: str) -> Loop:
    return Loop.of(shape, dtype=torch.float64)


@cache
def task() -> Task:
    """Rows of four and of six tokens, a class for each row and one for each two."""
    rng = np.random.default_rng(0)
    rows = []
    for row in range(ROWS):
        length = 4 if row % 2 else 6
        rows.append(
            {
                "tokens": rng.integers(0, VOCABULARY, length).tolist(),
                "roles": {"end": length - 1, "spots": sorted(rng.permutation(length)[:2].tolist())},
                "own": row,
                "length": length,
                "half": row // 6,
                "partner": (row + 3) % ROWS,  # of another length
                "answer": int(rng.integers(0, VOCABULARY)),
            }
        )
    return Task(Dataset.from_rows(rows), at="end", name="spots")


def subject(shape: str, draws: int = 1, seed: int = 0, batch: int = 64) -> Subject:
    model = TransformersModel(loop_of(shape).module, shape)
    return Subject(model, task(), np.arange(ROWS), draws, seed, batch)


def scene_of(held: Subject) -> Scene:
    (scene,) = held.scenes()
    return scene


def changed(scene: Scene, written: str, at: str = "embed@end") -> World:
    (place,) = scene.subject.places(at)
    return scene.changed([(place, replacement(written))])


def near(scene: Scene, world: World, other: World) -> bool:
    return torch.allclose(scene.output(world), scene.output(other), rtol=1e-9, atol=1e-9)


@every_shape
@pytest.mark.parametrize("corruption", ["resample:length", "noise:3", "zero", "partner:partner"])
def test_restoring_everything_gives_the_wild_type(shape, corruption):
    """And restoring nothing the corrupted run, which is another."""
    scene = scene_of(subject(shape))
    corrupted = changed(scene, corruption)
    graph = scene.subject.model.graph
    names = [c.name for c in graph.components if c.name != graph.output]
    edits = [scene.restored(Place(Part(name)), scene.wild) for name in names]
    assert near(scene, edited(corrupted, edits), scene.wild)
    assert near(scene, edited(corrupted, edits[:1]), scene.wild)  # all that differs, at its source
    back = scene.restored(Place(State("final")), scene.wild)
    assert torch.equal(scene.output(edited(corrupted, [back])), scene.own)
    assert torch.equal(scene.output(edited(corrupted, [])), scene.output(corrupted))
    assert not near(scene, corrupted, scene.wild)


@every_shape
def test_corrupting_everything_is_the_complement_of_restoring_everything(shape):
    """Noising the whole model and denoising it change places when the two worlds do."""
    scene = scene_of(subject(shape))
    (place,) = scene.subject.places("embed")
    corrupted = changed(scene, "resample:length", "embed")
    there = edited(scene.wild, [scene.restored(place, corrupted)])
    back = edited(corrupted, [scene.restored(place, scene.wild)])
    assert near(scene, there, corrupted)
    assert near(scene, back, scene.wild)


@every_shape
@pytest.mark.parametrize("at", PLACES)
def test_a_replacement_by_itself_changes_nothing(shape, at):
    scene = scene_of(subject(shape))
    for written in ("scale:1", "noise:0", "blend:0:zero", "blend:0:noise:5", "blend:0.7:scale:1"):
        assert near(scene, changed(scene, written, at), scene.wild), written
    assert not near(scene, changed(scene, "zero", at), scene.wild)


@every_shape
@pytest.mark.parametrize("at", PLACES)
def test_a_full_blend_is_the_other_replacement_and_half_of_one_lies_between(shape, at):
    scene = scene_of(subject(shape))
    others = ["zero", "noise:2"] if "0,2" in at else ["zero", "mean", "noise:2", "partner:partner"]
    (place,) = scene.subject.places(at)
    for other in others:
        assert near(scene, changed(scene, f"blend:1:{other}", at), changed(scene, other, at)), other
        own = torch.randn(ROWS, 2 if "spots" in at or "0,2" in at else 1, WIDTH).double()
        half, full = (scene.value(place, replacement(w)) for w in (f"blend:0.5:{other}", other))
        torch.testing.assert_close(half(own), (own + full(own)) / 2)


@every_shape
def test_zero_is_scaling_by_nothing_and_scales_multiply(shape):
    scene = scene_of(subject(shape))
    for at in PLACES:
        assert near(scene, changed(scene, "zero", at), changed(scene, "scale:0", at))
        (place,) = scene.subject.places(at)
        twice = scene.changed([(place, replacement("scale:2")), (place, replacement("scale:3"))])
        assert near(scene, twice, changed(scene, "scale:6", at))


RANDOM = ["resample:length", "noise:2", "blend:0.5:resample", "toward:half=1"]


@pytest.mark.parametrize("written", RANDOM)
def test_how_many_items_run_at_a_time_changes_nothing(written):
    """A random value is a function of seed, row and draw alone; another seed has others."""

    def scores(seed: int, batch: int) -> np.ndarray:
        held = subject("gpt2", 3, seed, batch)
        (place,) = held.places("resid.1@end")
        found = [s.score(s.changed([(place, replacement(written))])) for s in held.scenes()]
        return np.concatenate(found)

    expected = scores(0, 64)
    assert len(expected) == 3 * ROWS
    for batch in (1, 5):
        np.testing.assert_allclose(scores(0, batch), expected, rtol=1e-9)
    assert np.abs(scores(1, 64) - expected).max() > 1e-3
    assert np.abs(expected.reshape(ROWS, 3).std(1)).max() > 1e-3  # draws differ


@every_shape
@pytest.mark.parametrize("at", [p for p in PLACES if "0,2" not in p])
def test_the_mean_over_a_class_of_one_is_the_examples_own(shape, at):
    scene = scene_of(subject(shape))
    assert near(scene, changed(scene, "mean_within:own", at), scene.wild)
    assert not near(scene, changed(scene, "mean_within:half", at), scene.wild)


@every_shape
def test_values_move_from_the_donors_role_to_the_items_own(shape):
    """Between inputs of unlike length, against a hooked pass."""
    scene, loop = scene_of(subject(shape)), loop_of(shape)
    dataset = scene.subject.task.dataset
    donors = np.array(dataset.columns["partner"])
    frame, theirs = scene.wild.frame, scene.world(donors).frame
    seen = loop.run(theirs.fields["tokens"], [], theirs.lengths["tokens"])
    spots = torch.from_numpy(dataset.positions(Role("spots")))
    for name in ("a0.h1", "m0", "resid.1"):
        value = picked(seen[name], spots[donors])
        change = Change(name, value, spots)
        expected = loop.logits(frame.fields["tokens"], [change], frame.lengths["tokens"])
        world = changed(scene, "partner:partner", f"{name}@spots")
        ends = torch.from_numpy(dataset.positions(Role("end")))
        torch.testing.assert_close(scene.output(world), picked(expected, ends))


@every_shape
@given(rng=random)
@settings(max_examples=5, deadline=None)
def test_subspaces_of_a_subject_are_replaced_as_hooks_do(shape, rng):
    """By a partner's, by zero and by the mean; and restored into a corrupted world."""
    scene, loop = scene_of(subject(shape)), loop_of(shape)
    basis = np.linalg.qr(rng.normal(size=(WIDTH, int(rng.integers(1, 4)))))[0]
    name = str(rng.choice(["a0.h1", "m0", "embed"]))
    place = scene.subject.subspace(Place(Part(name), Role("spots")), basis)
    cut = torch.from_numpy(basis @ basis.T)
    dataset = scene.subject.task.dataset
    spots, ends = (torch.from_numpy(dataset.positions(Role(r))) for r in ("spots", "end"))
    given_ = scene.wild.frame.fields["tokens"], scene.wild.frame.lengths["tokens"]
    own = loop.run(given_[0], [], given_[1])
    held = picked(own[name], spots) @ cut
    partners = np.array(dataset.columns["partner"])
    for written, other in [
        ("zero", torch.zeros_like(held)),
        ("partner:partner", held[partners]),
        ("mean", held.mean(0).expand_as(held)),
    ]:
        change = Change(name, lambda x, other=other: x - x @ cut + other, spots)
        expected = picked(loop.logits(given_[0], [change], given_[1]), ends)
        world = scene.changed([(place, replacement(written))])
        torch.testing.assert_close(scene.output(world), expected)
        back = edited(world, [scene.restored(place, scene.wild)], scene.subject.bases)
        assert near(scene, back, scene.wild)


@every_shape
def test_cells_side_by_side_are_as_one_after_the_other(shape):
    """Also in a corrupted world, whose own edits are kept in each."""
    scene = scene_of(subject(shape))
    names = ["a1.h0@end", "a1.h0@spots[0]", "a1.h0@spots[1]"]
    places = scene.subject.places(names)
    base = scene.changed(
        [
            (Place(Part("embed"), Role("spots")), replacement("noise:3")),
            (Place(Part("m1")), replacement("scale:0.5")),
        ]
    )
    cells = [[scene.restored(place, scene.wild)] for place in places]
    together = stacked(scene, cells, base).output(scene.at(Role("end")).repeat(3, 1))
    apart = [scene.output(edited(base, cell)) for cell in cells]
    torch.testing.assert_close(together, torch.cat(apart))
    assert (apart[1] - apart[2]).abs().max() > 1e-4


@pytest.mark.parametrize("kind", ["siglip", "dinov2", "beit"])
def test_an_output_that_is_pooled_is_read_from_all_positions(kind):
    """Its own positions are one, and what it reads are many."""
    model = covered(next(case for case in CASES if case.model_type == kind))
    labelled = task_of(model.graph, data(model.graph, np.random.default_rng(0), equal=True))
    scene = scene_of(Subject(model, labelled, np.arange(4)))
    expected = model.module(scene.wild.frame.fields["image"]).logits
    torch.testing.assert_close(scene.own[:, 0], expected)
    for position in (2, 3):
        edit = Edit(State("final"), torch.zeros_like, torch.full((4, 1), position))
        assert not near(scene, edited(scene.wild, [edit]), scene.wild)


def refusal(do: Any) -> str:
    with pytest.raises(InputRefused) as refused:
        do()
    return str(refused.value)


ALIKE: list[tuple[Replacement, str, str]] = [
    (Partner("partner"), "m0@0,2", "'partner:partner' at m0@0,2: row 0 would read from row 3"),
    (Partner("partner"), "resid.1", "'partner:partner' at resid.1: row 0 would read from row 3"),
]


@pytest.mark.parametrize(("new", "at", "said"), ALIKE)
def test_values_that_cross_at_indices_need_inputs_of_one_length(new, at, said):
    scene = scene_of(subject("gpt2"))
    (place,) = scene.subject.places(at)
    fix = "which has another length. Name a role, or pair examples of one length."
    assert refusal(lambda: scene.changed([(place, new)])) == f"{said}, {fix}"
    scene.changed([(place, Resample())])  # whose donors are as long


def test_all_draws_of_a_reference_follow_one_another_and_are_averaged_so():
    held = subject("gpt2", draws=3, batch=7)
    scenes = list(held.scenes())
    rows = np.concatenate([scene.rows for scene in scenes])
    np.testing.assert_array_equal(rows, np.repeat(np.arange(ROWS), 3))
    assert [len(scene.rows) for scene in scenes] == [7, 7, 7, 7, 7, 1]
    np.testing.assert_array_equal(held.averaged(rows.astype(float)), np.arange(ROWS))
    assert len(list(held.scenes(draws=1))) == 2


def test_an_edit_moves_nothing_but_its_own_positions():
    """Before the edited position a causal model is as it was."""
    scene = scene_of(subject("llama"))
    (place,) = scene.subject.places("embed@end")
    world = scene.changed([(place, replacement("zero"))])
    before = torch.arange(6) < (scene.wild.frame.lengths["tokens"] - 1)[:, None]
    for stream in ("resid.1", "final"):
        torch.testing.assert_close(
            world.streams[stream][before], scene.wild.streams[stream][before]
        )
    plain = edited(scene.wild, [Edit(Part("a0.h0"), lambda own: own)])
    assert near(scene, plain, scene.wild)
