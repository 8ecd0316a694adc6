"""What a trace says, held to whole forward passes with hooks, and to a circuit that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from scrub import Dataset, InputRefused, Task, trace
from scrub.engine.metrics import Floats
from scrub.mediation.carrying import Direction
from scrub.mediation.traced import Trace
from scrub.models.adapter import TransformersModel
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.models.tiny import VOCABULARY

Tensor = torch.Tensor
ROWS, LENGTH = 4, 6
CELLS = "resid,attn,mlp,heads,window:2:attn,window:2:mlp,embed,m0.n3-9,a1.h1<k>"
MORE = {"bert": ",an0,mn1"}
CORRUPTIONS = {
    "contrast": ["embed@subject=partner:other"],
    "a head, and the state after it": ["a0.h1@subject=zero", "mid.0@end=scale:0.5"],
    "a port, some neurons and the last state": [
        "a1.h1<k>@subject=partner:other",
        "m0.n3-9=zero",
        "final@end=scale:2",
    ],
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


@cache
def loop_of(shape: str) -> Loop:
    return Loop.of(shape, dtype=torch.float64)


@cache
def task() -> Task:
    rng = np.random.default_rng(5)
    rows = [
        {
            "tokens": rng.integers(1, VOCABULARY, LENGTH).tolist(),
            "roles": {"subject": [1, 2 + row % 2], "end": LENGTH - 1},
            "other": (row + 1) % ROWS,
            "answer": int(rng.integers(0, VOCABULARY)),
            "wrong": int(rng.integers(0, VOCABULARY)),
        }
        for row in range(ROWS)
    ]
    return Task(Dataset.from_rows(rows), at="end", metric="logit_difference", wrong="wrong")


class ByHand:
    """The same trace, one forward pass with hooks for each cell."""

    def __init__(self, shape: str, written: Sequence[str], *, restore: bool) -> None:
        self.loop, data = loop_of(shape), task().dataset
        self.tokens = torch.tensor(np.stack([data.tokens(row) for row in range(ROWS)]))
        self.wild = self.loop.run(self.tokens)
        self.others = {name: value.roll(-1, 0) for name, value in self.wild.items()}
        self.corruption = [self.change(*one.split("=")) for one in written]
        self.corrupted = self.loop.run(self.tokens, self.corruption)
        self.restore = restore

    def at(self, where: str) -> Tensor | None:
        """Positions [row, n]."""
        roles = task().dataset.roles
        if where in ("", "together"):
            return None
        table = roles[where] if where in roles else [(int(where),)] * ROWS
        return torch.tensor(table)

    def change(self, place: str, new: str) -> Change:
        name, _, where = place.partition("@")
        at = self.at(where)
        if new == "zero":
            return Change(name, torch.zeros_like, at)
        if new.startswith("scale"):
            factor = float(new.partition(":")[2])
            return Change(name, lambda own: own * factor, at)
        theirs = self.others[name.replace("a1.h1<k>", "resid.1")]
        spots = None if at is None else at.roll(-1, 0)
        return Change(name, _picked(theirs, spots), at)

    def score(self, changes: Sequence[Change] = ()) -> Floats:
        logits = self.loop.logits(self.tokens, changes)[:, -1]
        right, wrong = (list(task().dataset.columns[c]) for c in ("answer", "wrong"))
        rows = range(ROWS)
        return (logits[rows, right] - logits[rows, wrong]).double().numpy()

    def standing(self, world: Mapping[str, Tensor], name: str) -> Tensor:
        if name in world:
            return world[name]
        if ".n" in name:
            return self.loop.neurons(dict(world), 0, 3, 9)
        return world["resid.1"]  # of a1.h1<k>, where nothing replaces it

    def total(self, names: Sequence[str], where: str) -> Floats:
        """The cell's values put into the other world."""
        source, before = (self.wild, self.corruption) if self.restore else (self.corrupted, [])
        at = self.at(where)
        held = [Change(n, _picked(self.value(source, n), at), at) for n in names]
        return self.score([*before, *held])

    def value(self, world: Mapping[str, Tensor], name: str) -> Tensor:
        """What stands at a place, under the corruption of the place itself."""
        value = self.standing(world, name)
        if world is self.corrupted and name not in world:
            for change in self.corruption:
                if change.place == name:
                    value = _put(value, change)
        return value

    def direct(self, names: Sequence[str], where: str) -> Floats:
        """Every component held at what it gives in the base; the cell's difference added."""
        base, source = self.corrupted, self.wild
        states = [c for c in self.corruption if c.place in ("final", "mid.0")]
        if not self.restore:
            base, source, states = source, base, []
        frozen = [Change(name, base[name]) for name in self.loop.names]
        at, own = self.at(where), []
        for name in names:
            if "<" in name:
                continue
            apart = _picked(self.value(source, name) - self.value(base, name), at)
            place = name.partition(".n")[0]
            if place not in self.loop.names:  # a state: what stands there, instead
                own.append(Change(name, _picked(source[name], at), at))
            else:
                own.append(Change(place, lambda held, apart=apart: held + apart, at))
        return self.score([*frozen, *states, *own])


def _picked(value: Tensor, at: Tensor | None) -> Tensor:
    return value if at is None else value[torch.arange(len(at))[:, None], at]


def _put(value: Tensor, change: Change) -> Tensor:
    own = _picked(value, change.at)
    new = change.value if isinstance(change.value, Tensor) else change.value(own)
    if change.at is None:
        return new
    value = value.clone()
    value[torch.arange(len(value))[:, None], change.at] = new
    return value


def members(name: str, loop: Loop) -> list[str]:
    """A row's components as the loop knows them."""
    letter, _, span = name[0], None, name[1:]
    if letter in "am" and all(piece.isdigit() for piece in span.split("-")):
        first, last = (int(span.split("-")[i]) for i in (0, -1))
        layers = [f"{letter}{i}" for i in range(first, last + 1)]
        if letter == "m":
            return layers
        return [f"{layer}.h{h}" for layer in layers for h in range(loop.heads)]
    return [name]


def ours(shape: str, written: Sequence[str], **options: object) -> Trace:
    model = TransformersModel(loop_of(shape).module, shape)
    cells = CELLS + MORE.get(shape, "")
    return trace(model, task(), corrupt=list(written), cells=cells, replicates=100, **options)


def cases() -> list[Any]:
    """Every shape under a contrast, and one knock-out, in the fast tier; all else in the slow."""
    found = []
    for shape, (name, written), way in product(SHAPES, CORRUPTIONS.items(), Direction):
        fast = name == "contrast" and way is Direction.RESTORE
        fast |= (shape, way, name[:6]) == ("llama", Direction.KNOCK_OUT, "a head")
        marks = [] if fast else [pytest.mark.slow]
        label = f"{shape}-{name}-{way.value}"
        found.append(pytest.param(shape, written, way.value, id=label, marks=marks))
    return found


@pytest.mark.parametrize(("shape", "written", "direction"), cases())
def test_every_cell_agrees_with_a_pass_with_hooks(shape, written, direction):
    found = ours(shape, written, direction=direction, positions="subject,end,together")
    hand = ByHand(shape, written, restore=direction == "restore")
    assert found.per_example["wild"] == pytest.approx(hand.score(), abs=1e-9)
    assert found.per_example["corrupted"] == pytest.approx(hand.score(hand.corruption), abs=1e-9)
    moved = 0
    for i, cell in enumerate(found.cells):
        names = members(cell.component, hand.loop)
        total, direct = (found.per_example[effect][i] for effect in ("total", "direct"))
        assert total == pytest.approx(hand.total(names, cell.position), abs=1e-8), cell
        assert direct == pytest.approx(hand.direct(names, cell.position), abs=1e-8), cell
        moved += abs(cell.total.value) > 1e-3
    assert moved > len(found.cells) / 4


@every_shape
def test_restoring_everything_gives_the_wild_type_and_restoring_nothing_the_corrupted_run(shape):
    model = TransformersModel(loop_of(shape).module, shape)
    found = trace(
        model,
        task(),
        corrupt="embed=partner:other",
        cells="resid.0,embed,final",
        positions="together",
    )
    wild = found.per_example["wild"]
    assert found.per_example["total"] == pytest.approx(np.stack([wild] * 3), abs=1e-12)
    totals = [cell.total.value for cell in found.cells]
    assert totals == pytest.approx([found.whole.value] * 3)
    assert abs(found.whole.value) > 0.01
    nothing = trace(model, task(), corrupt="embed=scale:1", cells="resid,heads", positions="all")
    assert nothing.whole.value == 0
    assert nothing.cost["evaluated"] == 0
    assert not (nothing.per_example["total"] - nothing.per_example["corrupted"]).any()
    assert "holds 0" in nothing.refusal


def test_what_a_causal_model_cannot_have_changed_is_never_run():
    model = TransformersModel(loop_of("gpt2").module, "gpt2")
    found = trace(model, task(), corrupt="embed@4=partner:other", positions="all")
    early = [cell for cell in found.cells if int(cell.position) < 4]
    assert all(cell.total.value == 0 and cell.direct.value == 0 for cell in early)
    assert found.cost["same"] >= len(early) > 0
    late = [cell for cell in found.cells if int(cell.position) > 4 and cell.component == "resid.0"]
    assert [cell.total.value for cell in late] == [0]


def test_an_effect_is_the_sum_of_its_direct_and_its_indirect_part():
    found = ours("llama", CORRUPTIONS["contrast"], positions="roles")
    for cell in found.cells:
        assert cell.total.value == pytest.approx(cell.direct.value + cell.indirect.value)
        assert cell.share.value == pytest.approx(cell.total.value / found.whole.value)
    assert found["final@end"].indirect.value == pytest.approx(0)
    assert found["a1@subject"].direct.value == 0  # nothing there is read by the output
    assert abs(found["a1@end"].direct.value) > 1e-3


def test_the_draws_of_noise_are_a_matter_of_the_seed():
    model = TransformersModel(loop_of("gpt2").module, "gpt2")

    def corrupted(**options: int) -> Floats:
        found = trace(model, task(), corrupt="embed@subject=noise:3", cells="final", **options)
        return found.per_example["corrupted"]

    assert np.allclose(corrupted(draws=2), corrupted(draws=2, stack=1, batch=3), rtol=1e-12)
    assert not np.allclose(corrupted(draws=2), corrupted(draws=2, seed=1))
    assert not np.allclose(corrupted(draws=2), corrupted(draws=3))


SPOTS = {"match": 2, "after_match": 3, "query": 10}
PERIOD = 8


@cache
def apart() -> Task:
    """Repeated tokens of one period, so that rows differ in tokens alone; `other` names a row whose
    tokens at the roles this row does not have.

    The difference of two logits, for under a broken circuit the last head attends to all tokens
    alike, and what it copies from each is its own token's logit.
    """
    rng = np.random.default_rng(2)
    periods = [rng.permutation(32)[:PERIOD] for _ in range(48)]
    rows = [
        {
            "tokens": np.resize(period, 32).tolist(),
            "roles": SPOTS,
            "other": next(i for i, p in enumerate(periods) if not {*p[2:4]} & {*period}),
            "next_token": int(period[3]),
            "wrong": int(period[6]),
        }
        for period in periods
    ]
    data = Dataset.from_rows(rows)
    return Task(data, "logit_difference", answer="next_token", wrong="wrong", at="query")


TRUE = {  # by what is corrupted: the cells on the only way from there to the output
    "match": [
        ("resid.0", "match"),
        ("mid.0", "after_match"),
        ("resid.1", "after_match"),
        ("mid.1", "query"),
        ("final", "query"),
        ("a0", "after_match"),
        ("a1", "query"),
        ("a0.h0", "after_match"),
        ("a1.h0", "query"),
    ],
    "after_match": [
        ("resid.0", "after_match"),
        ("mid.0", "after_match"),
        ("resid.1", "after_match"),
        ("mid.1", "query"),
        ("final", "query"),
        ("a1", "query"),
        ("a1.h0", "query"),
    ],
    "query": [
        ("resid.0", "query"),
        ("mid.0", "query"),
        ("resid.1", "query"),
        ("mid.1", "query"),
        ("final", "query"),
        ("a1", "query"),
        ("a1.h0", "query"),
    ],
}


@pytest.mark.parametrize("direction", ["restore", "knock_out"])
@pytest.mark.parametrize("where", TRUE)
def test_tracing_the_exact_induction_model_finds_the_true_cells_and_nothing_else(where, direction):
    """One example, every position, every component: each true cell repairs everything, or breaks
    it; every other cell does nothing."""
    found = trace(
        "induction-exact",
        apart(),
        corrupt=f"embed@{where}=partner:other",
        cells="resid,attn,mlp,heads",
        positions="all",
        references=1,
        direction=direction,
    )
    true = {(component, str(SPOTS[role])) for component, role in TRUE[where]}
    assert abs(found.whole.value) > 1
    for cell in found.cells:
        share = abs(cell.total.value / found.whole.value)
        wanted = 1 if (cell.component, cell.position) in true else 0
        assert share == pytest.approx(wanted, abs=1e-6), cell
    assert len(true) == sum(abs(cell.total.value) > 1 for cell in found.cells)
    assert found[f"a1.h0@{SPOTS['query']}"].indirect.value == pytest.approx(0, abs=1e-6)


def test_the_heads_of_the_exact_model_stand_out_over_many_examples_too():
    found = trace("induction-exact", apart(), corrupt="embed@match=partner:other", cells="heads")
    real = [cell for cell in found.cells if abs(cell.total.value) > 1e-6]
    assert {(c.component, c.position) for c in real} == {
        ("a0.h0", "after_match"),
        ("a1.h0", "query"),
    }
    assert all(cell.share.value == pytest.approx(1) for cell in real)
    assert found.unchanged == 0


REFUSED = {
    "corruption: there is none. For example embed@subject=noise:3, or embed=partner:contrast.": {
        "corrupt": ()
    },
    "corruption 'embed': is written PLACE=REPLACEMENT. For example embed@subject=noise:3, or "
    "embed=partner:contrast.": {"corrupt": "embed"},
    "replacement 'partner:othr': the data have no column 'othr'. Did you mean other?": {
        "corrupt": "embed=partner:othr"
    },
    "cells 'rsid': is no kind of cell and no component. Did you mean resid or resid.1 or "
    "resid.0?": {"cells": "rsid"},
    "cells 'a0@end': a cell's positions are given apart. Leave away what follows the @.": {
        "cells": "a0@end"
    },
    "cells 'window:0:mlp': a window has at least 1 layer.": {"cells": "window:0:mlp"},
    "positions 'ende': there is no role 'ende'. Did you mean end?": {"positions": "ende"},
    "positions '3-9': the shortest example has 6 positions in 'tokens'. Count from 0.": {
        "positions": "3-9"
    },
    "positions 'subject[2]': the role has 2 positions.": {"positions": "subject[2]"},
    "option 'direction': 'knock' is no value of it. Did you mean knock_out?": {
        "direction": "knock"
    },
    "option 'threads': must be at least 1, found 0.": {"threads": 0},
    "option 'stack': must be at least 1, found 0.": {"stack": 0},
    "cell 'm0.n3-9': is a part of what the corruption m0@end=zero replaces, or shares one with it. "
    "Name m0 itself, or another component.": {"corrupt": "m0@end=zero", "cells": "m0.n3-9"},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_traced_is_refused_in_words(message):
    model = TransformersModel(loop_of("gpt2").module, "gpt2")
    options = {"corrupt": "embed=partner:other", **REFUSED[message]}
    with pytest.raises(InputRefused) as refused:
        trace(model, task(), **options)
    assert str(refused.value) == message


def test_examples_of_unequal_length_have_no_common_index():
    rows = [{"tokens": [1] * n, "roles": {"end": -1}, "answer": 1} for n in (4, 6)]
    uneven = Task(Dataset.from_rows(rows), at="end")
    model = TransformersModel(loop_of("gpt2").module, "gpt2")
    with pytest.raises(InputRefused) as refused:
        trace(model, uneven, corrupt="embed=zero", positions="all")
    assert str(refused.value) == (
        "positions 'all': examples must be of one length in 'tokens', found lengths from 4 to 6. "
        "Name roles, or give examples of one length."
    )
    assert len(trace(model, uneven, corrupt="embed=zero", cells="attn").cells) == 2
