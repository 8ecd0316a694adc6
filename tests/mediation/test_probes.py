"""Token and neuron probes, held to passes by hand: autograd, the head by hand, hooks."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from scrub import Dataset, InputRefused, component, handmade, intervene_on_neuron, source
from scrub import trace_token_probability as trace
from scrub.models.adapter import TransformersModel, organ_of
from scrub.models.batches import Inputs
from scrub.models.drivers import call
from scrub.models.keywords import keywords
from scrub.models.spots import Watch, hidden_of, with_hidden
from scrub.models.substitute import attached, evaluating
from scrub.report.heatmap import draw
from scrub.report.lens import heatmap
from tests.architectures.building import Case, build
from tests.architectures.claims import data
from tests.architectures.coverage import CASES
from tests.architectures.test_architectures import model_of, some_cases
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.models.tiny import VOCABULARY

Tensor = torch.Tensor
LENGTHS = torch.tensor([6, 4, 5])
LENGTH, ROWS = 6, 3
TARGET = [3, 11, 7]
every_shape = pytest.mark.parametrize("shape", SHAPES)


@cache
def loop_of(shape: str) -> Loop:
    return Loop.of(shape)


@cache
def model(shape: str) -> TransformersModel:
    return TransformersModel(loop_of(shape).module, shape)


def tokens() -> Tensor:
    return torch.randint(1, VOCABULARY, (ROWS, LENGTH), generator=torch.Generator().manual_seed(3))


def mask() -> Tensor:
    return (torch.arange(LENGTH) < LENGTHS[:, None]).long()


def left(value: Any) -> np.ndarray:
    """The same rows [row, position], padded on the left."""
    rows = zip(np.asarray(value), LENGTHS.tolist(), strict=True)
    return np.stack([np.roll(row, LENGTH - length, axis=0) for row, length in rows])


def head(loop: Loop, state: Tensor) -> Tensor:
    """The model's own last norm and head, by hand."""
    part: Any = loop.module
    if loop.shape == "gpt2":
        return part.lm_head(part.transformer.ln_f(state))
    return part.cls(state) if loop.shape == "bert" else part.lm_head(part.model.norm(state))


@every_shape
def test_every_state_is_read_by_the_models_own_norm_and_head(shape):
    loop = loop_of(shape)
    found = trace(model(shape), tokens(), TARGET, mask())
    seen = loop.run(tokens(), (), LENGTHS)
    assert found.states == ("resid.0", "mid.0", "resid.1", "mid.1", "final")
    assert found.left_out == ()
    real = mask().bool().numpy()
    for i, state in enumerate(found.states):
        logits = head(loop, seen[state])
        own = logits.gather(2, torch.tensor(TARGET)[:, None, None].expand(-1, LENGTH, 1))
        likely = logits.softmax(-1).gather(2, torch.tensor(TARGET)[:, None, None].expand_as(own))
        rank = 1 + (logits > own).sum(-1)
        np.testing.assert_allclose(found.probability[i][real], likely[..., 0][real], atol=1e-5)
        assert (found.rank[i][real] == rank.numpy()[real]).all()
        assert np.isnan(found.probability[i][~real]).all()
        assert (found.rank[i][~real] == 0).all()


@every_shape
def test_the_last_state_says_what_the_model_says(shape):
    found = trace(model(shape), tokens(), 5, mask())
    logits = loop_of(shape).logits(tokens(), (), LENGTHS).softmax(-1)[..., 5]
    real = mask().bool().numpy()
    np.testing.assert_allclose(found.probability[-1][real], logits[real], atol=1e-6)


@every_shape
def test_gradients_at_every_state_agree_with_autograd_through_hooked_passes(shape):
    """At the last unpadded position of each row, and at a position that is named."""
    loop, rows = loop_of(shape), torch.arange(ROWS)
    real = mask().bool().numpy()
    for at in (None, [2, 1, 3]):
        found = trace(model(shape), tokens(), TARGET, mask(), at=at)
        spots = LENGTHS - 1 if at is None else torch.tensor(at)
        assert found.scored_at == tuple(spots.tolist())
        for i, state in enumerate(found.states):
            value = torch.zeros(ROWS, LENGTH, loop.width, requires_grad=True)
            change = Change(state, lambda own, v=value: own + v)
            logits = loop.logits(tokens(), [change], LENGTHS)
            (slope,) = torch.autograd.grad(logits[rows, spots, torch.tensor(TARGET)].sum(), value)
            assert slope.abs().max() > 1e-3
            scale = float(slope.abs().max())
            difference = np.abs(found.gradient[i][real] - slope.numpy()[real])
            assert difference.max() < 1e-5 * max(1.0, scale)
            assert np.isnan(found.gradient[i][~real]).all()


def test_gradients_agree_with_small_steps_in_double_precision():
    """Of GPT-2: a state moved along its gradient by a small step."""
    loop = Loop.of("gpt2", dtype=torch.float64)
    found = trace(TransformersModel(loop.module, "gpt2"), tokens(), TARGET)
    for i, state in enumerate(found.states):
        way = torch.from_numpy(found.gradient[i])
        ends = [
            loop.logits(tokens(), [Change(state, lambda own, s=s, w=way: own + s * w)])
            for s in (1e-6, -1e-6)
        ]
        ends = [x[torch.arange(ROWS), -1, torch.tensor(TARGET)].sum() for x in ends]
        expected = float((ends[0] - ends[1]) / 2e-6)
        assert float(way.square().sum()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", ["gpt2", "llama"])
def test_padding_on_the_left_moves_what_is_found_and_changes_nothing(shape):
    plain = trace(model(shape), tokens().numpy(), TARGET, mask().tolist(), at=[2, 2, 2])
    moved = trace(model(shape), left(tokens()), TARGET, left(mask()), at=[2, 4, 3])
    for i in range(len(plain.states)):
        for name in ("probability", "rank", "gradient"):
            expected = left(plain.per_example[name][i])
            np.testing.assert_array_equal(moved.per_example[name][i], expected)
    assert moved.scored_at == (2, 4, 3)
    assert (moved.per_example["tokens"][1] == [-1, -1, *tokens()[1, :4].tolist()]).all()
    some = [
        intervene_on_neuron(model(shape), x, 0, 3, 2.0, None, m)
        for x, m in ((tokens(), mask()), (left(tokens()), left(mask())))
    ]
    np.testing.assert_array_equal(left(some[0].logits), some[1].logits)
    np.testing.assert_array_equal(left(some[0].activation), some[1].activation)


def test_batches_and_single_rows_change_nothing():
    whole = trace(model("gpt2"), tokens(), TARGET, mask())
    apart = trace(model("gpt2"), tokens(), TARGET, mask(), batch=1)
    alone = trace(model("gpt2"), tokens()[1, :4].tolist(), 11)
    np.testing.assert_allclose(whole.probability, apart.probability, atol=1e-6)
    np.testing.assert_allclose(whole.gradient, apart.gradient, atol=1e-5)
    np.testing.assert_allclose(alone.probability[:, 0], whole.probability[:, 1, :4], atol=1e-6)


def test_a_read_out_in_pieces_is_the_same(monkeypatch):
    whole = trace(model("gpt2"), tokens(), TARGET)
    monkeypatch.setattr("scrub.mediation.lens.LOGITS_AT_ONCE", 1)
    pieces = trace(model("gpt2"), tokens(), TARGET)
    np.testing.assert_allclose(pieces.probability, whole.probability, atol=1e-6)
    assert (pieces.rank == whole.rank).all()


def of(name: str) -> tuple[Case, TransformersModel, dict[str, Any]]:
    """An architecture on rows of its own fields: the first is `input_ids`, the others fields."""
    case = next(case for case in CASES if case.name == name)
    held = model_of(case)
    made = data(held.graph, np.random.default_rng(0), equal=True)
    return case, held, {n: np.stack([x[i] for i in made.sequence]) for n, x in made.fields.items()}


@pytest.mark.parametrize("name", ["t5", "bart", "llava", "vit", "blip-answers", "bert-sequence"])
def test_states_that_the_head_cannot_read_are_left_out_by_name(name):
    _, held, fields = of(name)
    found = trace(held, fields.pop("tokens", None), 1, fields=fields)
    encoder = ("e.", "v.")
    assert found.states[-1] == "final"
    assert not any(state.startswith(encoder) for state in found.states)
    assert all(state.startswith(encoder) for state in found.left_out)
    assert (len(found.left_out) > 0) == (name not in ("vit", "bert-sequence"))
    own = _logits(held, data(held.graph, np.random.default_rng(0), equal=True))
    own = own[:, None] if own.ndim == 2 else own  # pooled
    likely = torch.from_numpy(own).softmax(-1)[..., 1].numpy()
    np.testing.assert_allclose(found.probability[-1][:2], likely, atol=2e-5)
    assert np.abs(found.gradient).max() > 1e-4


def _logits(held: TransformersModel, made: Dataset, do: Any = None, spot: Any = None) -> np.ndarray:
    """One whole pass over two rows of data, [row, position, vocabulary], hooked at one spot."""
    frame = Inputs.of(made, held.graph).batch(made.sequence[:2], held.device)
    with evaluating(tuple(held.module.modules())), attached() as handles:
        if spot is not None:
            Watch(handles).before(spot, do)
        output = held.wiring.head.of(call(held.module, keywords(held.module, frame, ())))
    return output.numpy()


@every_shape
@pytest.mark.parametrize("where", [None, [[0, 3], [2, 1], [4, 3]]])
def test_a_scaled_neuron_agrees_with_hooked_passes(shape, where):
    loop, number = loop_of(shape), 17
    at = None if where is None else torch.tensor(where)

    def scaled(act: Tensor) -> Tensor:
        changed = act.clone()
        changed[..., number] *= -1.5
        return changed

    for layer in range(2):
        found = intervene_on_neuron(model(shape), tokens(), layer, number, -1.5, where, mask())
        seen = loop.run(tokens(), [Change(f"m{layer}:act", scaled, at)], LENGTHS)
        plain = loop.run(tokens(), (), LENGTHS)
        real = mask().bool().numpy()
        bound = 1e-5 * float(plain["logits"].abs().max())
        assert np.abs(found.logits - seen["logits"].numpy())[real].max() < bound
        assert np.abs(found.plain - plain["logits"].numpy())[real].max() < bound
        assert np.abs(found.logits - found.plain)[real].max() > 1e-2
        held = plain[f"m{layer}:act"][..., number].numpy()
        np.testing.assert_allclose(found.activation[real], held[real], atol=1e-5)
        assert np.isnan(found.logits[~real]).all()


@some_cases
def test_a_neuron_of_every_architecture_is_an_entry_of_what_the_last_linear_map_reads(case):
    """Of the first MLP of each stack that has neurons; one without any is refused."""
    held = model_of(case)
    made = data(held.graph, np.random.default_rng(0), equal=True)
    fields = {n: np.stack([x[i] for i in made.sequence[:2]]) for n, x in made.fields.items()}
    ids = fields.pop("tokens", None)
    components = [c for c in held.graph.components if c.neurons]
    kinds = {c.name.rstrip("0123456789"): c for c in reversed(components)}
    told = []
    for part in kinds.values():
        number = part.neurons - 1

        def scaled(args: Any, kwargs: Any, number: int = number) -> Any:
            value = hidden_of(args, kwargs).clone()
            value[..., number] *= 3.0
            return with_hidden(args, kwargs, value)

        found = intervene_on_neuron(held, ids, part.name, number, 3.0, fields=fields)
        spot = organ_of(held, part.name).out
        expected = _logits(held, made, scaled, spot)
        expected = expected[:, None] if expected.ndim == 2 else expected  # pooled
        size = np.abs(expected).max()
        assert np.abs(found.logits - expected).max() < 2e-5 * size, part.name
        told.append(np.abs(found.logits - found.plain).max() / size)
    assert not told or max(told) > 1e-4
    mlp = next((c for c in held.graph.components if c.name == "m1" and not c.neurons), None)
    if mlp is not None:
        with pytest.raises(InputRefused):
            intervene_on_neuron(held, ids, 1, 0, fields=fields)


@every_shape
def test_scaling_by_one_changes_nothing_exactly(shape):
    found = intervene_on_neuron(model(shape), tokens(), 0, 3, 1.0)
    np.testing.assert_array_equal(found.logits, found.plain)


def test_a_neuron_is_no_position_and_no_row():
    """Where the neuron is scaled is `at` alone: its own number says nothing of positions."""
    held = model("gpt2")
    everywhere = intervene_on_neuron(held, tokens(), 0, 4, 5.0)
    changed = np.abs(everywhere.logits - everywhere.plain).max(-1)  # [row, position]
    assert (changed > 1e-4).all()
    one = intervene_on_neuron(held, tokens(), 0, 4, 5.0, at=2)
    changed = np.abs(one.logits - one.plain).max(-1)
    assert (changed[:, :2] < 1e-5).all()
    assert (changed[:, 2] > 1e-4).all()
    assert one.scaled_at == ((2,), (2,), (2,))
    beyond = intervene_on_neuron(held, tokens(), 0, 39, 5.0)  # of 6 positions
    assert np.abs(beyond.logits - beyond.plain).max() > 1e-4


def test_rows_in_another_order_give_outputs_in_that_order():
    held, order = model("llama"), [2, 0, 1]
    found = intervene_on_neuron(held, tokens(), 1, 3, 0.0, [[1], [0], [5]])
    moved = intervene_on_neuron(held, tokens()[order], 1, 3, 0.0, [[5], [1], [0]])
    np.testing.assert_allclose(found.logits[order], moved.logits, atol=1e-6)
    whole = trace(held, tokens(), TARGET)
    other = trace(held, tokens()[order], [TARGET[i] for i in order])
    np.testing.assert_allclose(whole.probability[:, order], other.probability, atol=1e-6)


def test_positions_in_another_order_are_read_out_in_that_order():
    """In a model that reads each position alone, a hand-made one."""
    torch.manual_seed(0)
    weight, out = torch.randn(5, 4).double(), torch.randn(4, 6).double()
    words = source("words", lambda ids: weight[ids.long()], width=4)
    made = handmade(words, component("out", lambda s: s @ out, s="words", width=6), output="out")
    found = trace(made, [[0, 1, 2, 3]], 2)
    moved = trace(made, [[3, 1, 0, 2]], 2)
    np.testing.assert_array_equal(found.probability[..., [3, 1, 0, 2]], moved.probability)
    assert found.states == ("out.s",)


REFUSED = [
    ({"target": 99}, "target: 99 is none of the 50 that the model's output tells apart. "
     "Give 0 to 49."),
    ({"target": [1, 2]}, "target: must be a token id, or one for each of 3 rows."),
    ({"target": 1.5}, "target: must be a token id, or one for each of 3 rows."),
    ({"at": 5}, "option 'at': row 1 has no position 5, but 0 to 3. Count from 0, padding "
     "included."),
    ({"at": -1}, "option 'at': row 0 has no position -1, but 0 to 5. Count from 0, padding "
     "included."),
    ({"at": [1, 2]}, "option 'at': names positions of 2 rows, and there are 3."),
    ({"at": [[1, 2]] * 3}, "option 'at': names 2 positions of a row, and one logit is followed "
     "back."),
    ({"at": "end"}, "option 'at': must be a position, one for each row, or a list for each row "
     "[row, n]."),
    ({"batch": 0}, "option 'batch': must be at least 1, found 0."),
    ({"input_ids": [[1, 2], [3]], "attention_mask": None}, "input_ids: must be a batch "
     "[row, length], all rows equally long. Pad the rows and give attention_mask=."),
    ({"input_ids": None, "attention_mask": None}, "input_ids: there are none. Give token ids."),
    ({"attention_mask": [[1, 1]] * 3}, "attention_mask: must be as large as tokens, (3, 6)."),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED)
def test_what_a_trace_refuses_it_says(given, said):
    asked = {"input_ids": tokens(), "target": 1, "attention_mask": mask(), **given}
    with pytest.raises(InputRefused) as refused:
        trace(model("gpt2"), **asked)
    assert str(refused.value) == said


NO_NEURON = [
    ("gpt2", (0, 40), "neuron 40: m0 has neurons 0 to 39."),
    ("gpt2", (0, -1), "neuron -1: m0 has neurons 0 to 39."),
    ("gpt2", (0, [1, 2]), "neuron: must be one neuron's number, found [1, 2]. m0 has neurons 0 to "
     "39."),
    ("gpt2", (9, 0), "layer 'm9': is no component of the model. Did you mean m1 or m0?"),
    ("gpt2", ("a0.h1", 0), "layer 'a0.h1': has no neurons that can be named apart. Known: m0, m1."),
    ("gpt2", (0, 0, float("nan")), "scale: must be a finite number, found nan."),
    ("mixtral", (0, 3), "layer 'm0': is a mixture of experts: which neurons run depends on the "
     "token, so that they have no names. Its experts have, m0.e0 to m0.e4. Replace one with "
     "scrub.sensitivity(..., at='m0.e0')."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "said"), NO_NEURON)
def test_what_has_no_neurons_is_refused_in_words(name, given, said):
    held = model(name) if name in SHAPES else of(name)[1]
    with pytest.raises(InputRefused) as refused:
        intervene_on_neuron(held, tokens(), *given)
    assert str(refused.value) == said


def test_a_module_in_memory_and_a_folder_give_what_the_model_gives(tmp_path):
    case = next(case for case in CASES if case.name == "gpt2")
    module: Any = build(case)
    module.save_pretrained(tmp_path / "m")
    ids = [[1, 2, 3]]
    found = [trace(source, ids, 4) for source in (module, tmp_path / "m", str(tmp_path / "m"))]
    for other in found[1:]:
        np.testing.assert_array_equal(found[0].gradient, other.gradient)
    assert found[1].conventions["model"] == "m"


def test_a_finding_is_written_tabled_and_drawn(tmp_path):
    found = trace(model("gpt2"), tokens(), TARGET, mask())
    document = json.loads(found.write_json(tmp_path / "trace.json").read_text())
    assert document["schema"] == "scrub-token-trace/1"
    assert document["states"] == list(found.states)
    assert document["scored_at"] == [5, 3, 4]
    table = found.table()
    assert len(table) == 5 * int(LENGTHS.sum())
    assert table[0]["probability"] == pytest.approx(found.probability[0, 0, 0])
    effect = intervene_on_neuron(model("gpt2"), tokens(), 0, 2, 0.0, 1, mask())
    document = json.loads(effect.write_json(tmp_path / "neuron.json").read_text())
    assert document["scaled_at"] == [[1], [1], [1]]
    assert len(effect.table()) == int(LENGTHS.sum())
    for shown in ("probability", "gradient"):
        picture = draw(heatmap(found, row=1, shown=shown))
        assert picture.axes[-1].get_title(loc="left") == "residual state"
    assert heatmap(found, row=1).panels[0].columns == tuple(map(str, tokens()[1, :4].tolist()))
    for given, said in [
        ({"row": 3}, "row 3: the trace has rows 0 to 2."),
        ({"shown": "rank"}, "shown 'rank': is no value of it. Did you mean gradient?"),
        ({"tokens": ["a"]}, "tokens: there are 1 strings, and 6 positions. Give one for each, "
         "padding included."),
    ]:  # fmt: skip
        with pytest.raises(InputRefused) as refused:
            heatmap(found, **given)
        assert str(refused.value) == said
