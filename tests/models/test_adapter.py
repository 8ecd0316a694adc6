"""The adapter against whole forward passes with hooks, on every covered family."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scrub.graph import Part
from scrub.models.adapter import TransformersModel
from scrub.models.base import Call
from scrub.models.hooked import HookedModel
from tests.models import tiny

ROWS, LENGTH = 2, 7
TOLERANCE = 1e-5
SOME = torch.tensor([[1, 4], [6, 0]])  # two positions of each row, in any order

families = pytest.mark.parametrize("family", tiny.FAMILIES)


def narrow(x: torch.Tensor, at: torch.Tensor | None) -> torch.Tensor:
    return x if at is None else x[torch.arange(len(at))[:, None], at]


def call(part: Part, ports: dict[str, torch.Tensor], at: torch.Tensor | None = None) -> Call:
    """Ports that read the same position only are handed over at the positions alone."""
    same = {name: narrow(x, at) if name in ("q", "in") else x for name, x in ports.items()}
    return Call(part, same, tiny.batch(ROWS, LENGTH), at)


def by_hooks(model: TransformersModel, part: Part, ports: dict[str, torch.Tensor]) -> torch.Tensor:
    """The reference, one row at a time, on tokens that have nothing to do with the ports."""
    hooked, tokens = HookedModel(model.module), tiny.tokens(ROWS, LENGTH, seed=9)
    rows = [
        hooked.evaluate(part, tiny.row(tokens[r]), {name: x[r] for name, x in ports.items()})
        for r in range(ROWS)
    ]
    return torch.stack(rows)  # [row, position, width]


def ports_of(part: Part, seed: int) -> dict[str, torch.Tensor]:
    names = ("q", "k", "v") if part.component.startswith("a") else ("in",)
    return tiny.random_ports(*names, rows=ROWS, length=LENGTH, seed=seed)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@families
def test_heads_on_unrelated_inputs(family: str, attention: str) -> None:
    model = tiny.model(family, attention=attention)
    config: Any = model.module.config
    assert config._attn_implementation == attention
    for layer in range(tiny.LAYERS):
        last = model.anatomy.organs["a0"].step.shape.heads.queries - 1
        parts = [Part(f"a{layer}.h{head}") for head in (0, 1, last, 1)]  # one of them twice
        ports = [ports_of(part, seed) for seed, part in enumerate(parts)]
        outputs = model.run([call(part, p) for part, p in zip(parts, ports, strict=True)])
        for part, p, output in zip(parts, ports, outputs, strict=True):
            assert tiny.error(output, by_hooks(model, part, p)) < TOLERANCE


@families
@pytest.mark.parametrize(
    "part",
    [Part("m0"), Part("m1", neurons=(3, 7)), Part("m1", neurons=(39, 39)), Part("logits")],
    ids=str,
)
def test_what_reads_one_port(family: str, part: Part) -> None:
    model, ports = tiny.model(family), ports_of(part, seed=3)
    whole, some = model.run([call(part, ports), call(part, ports, SOME)])
    expected = by_hooks(model, part, ports)
    assert tiny.error(whole, expected) < TOLERANCE
    assert tiny.error(some, narrow(expected, SOME)) < TOLERANCE


@families
def test_a_head_at_some_positions(family: str) -> None:
    model, part = tiny.model(family), Part("a1.h2")
    ports = ports_of(part, seed=4)
    expected = narrow(by_hooks(model, part, ports), SOME)
    one = torch.tensor([[0], [6]])
    some, single = model.run([call(part, ports, SOME), call(part, ports, one)])
    assert tiny.error(some, expected) < TOLERANCE
    assert tiny.error(single, narrow(by_hooks(model, part, ports), one)) < TOLERANCE


@families
def test_calls_that_share_tensors(family: str) -> None:
    model, shared = tiny.model(family), ports_of(Part("a1.h0"), seed=5)
    same = dict.fromkeys("qkv", shared["q"])
    crossed = {"q": shared["v"], "k": shared["q"], "v": shared["q"]}
    cases = [("a1.h3", same), ("a1.h0", same), ("a1.h1", crossed), ("a1.h3", shared)]
    outputs = model.run([call(Part(name), ports) for name, ports in cases])
    for (name, ports), output in zip(cases, outputs, strict=True):
        assert tiny.error(output, by_hooks(model, Part(name), ports)) < TOLERANCE


def test_a_shared_tensor_is_normed_once_and_projected_in_one_product() -> None:
    model, x = tiny.model("gpt2"), ports_of(Part("a0.h0"), seed=5)["q"]
    calls = [call(Part(f"a0.h{head}"), dict.fromkeys("qkv", x)) for head in range(4)]
    model.run(calls)
    norm, count = model.anatomy.organs["a0"].before, []
    assert norm is not None
    with norm.module.register_forward_hook(lambda *_: count.append(1)):
        model.run(calls)
    assert len(count) == 1
    with FlopCounterMode(display=False) as counter:
        model.run(calls)
    products = counter.get_flop_counts()["Global"]
    whole = 2 * ROWS * LENGTH * tiny.WIDTH * 3 * tiny.WIDTH  # c_attn once, as in the model
    out = ROWS * LENGTH * 4 * model.graph["a0.h0"].expand
    kinds = (torch.ops.aten.addmm, torch.ops.aten.mm, torch.ops.aten.bmm)
    assert sum(products.get(kind, 0) for kind in kinds) == whole + out


def test_calls_of_different_frames() -> None:
    model, part = tiny.model("mistral"), Part("a0.h1")
    long = tiny.random_ports("q", "k", "v", rows=ROWS, length=LENGTH)
    short = tiny.random_ports("q", "k", "v", rows=2, length=3)
    mixed = [Call(part, p, tiny.batch(*p["q"].shape[:2])) for p in (long, short, long)]
    alone = [model.run([one])[0] for one in mixed]
    for output, expected in zip(model.run(mixed), alone, strict=True):
        assert tiny.error(output, expected) < TOLERANCE


@families
def test_a_batch_too_large_for_one_module_call(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model(family)
    calls = [call(Part(f"a0.h{h}"), ports_of(Part("a0.h0"), seed=h)) for h in range(4)]
    together = model.run(calls)
    monkeypatch.setattr("scrub.models.heads.MOST_ELEMENTS", {"cpu": 1})
    for one, expected in zip(model.run(calls), together, strict=True):
        assert tiny.error(one, expected) < TOLERANCE


@families
def test_attention_matters_in_these_models(family: str) -> None:
    """What the tests above compare would differ if no position attended to another."""
    model = tiny.model(family)
    for name in ("a0.h0", "a1.h3"):
        part = Part(name)
        ports = ports_of(part, seed=6)
        alone = {n: x.reshape(-1, 1, tiny.WIDTH) for n, x in ports.items()}  # rows of length 1
        off = model.run([Call(part, alone, tiny.batch(ROWS * LENGTH, 1))])[0]
        on = model.run([call(part, ports)])[0]
        assert tiny.error(off.reshape_as(on), on) > 0.1


def test_the_sliding_window_is_shorter_than_the_rows() -> None:
    windowed, open_ = (tiny.model("mistral", sliding_window=w) for w in (tiny.WINDOW, None))
    ports = ports_of(Part("a0.h0"), seed=7)
    near, far = (m.run([call(Part("a0.h0"), ports)])[0] for m in (windowed, open_))
    assert torch.equal(near[:, : tiny.WINDOW], far[:, : tiny.WINDOW])
    assert tiny.error(near[:, tiny.WINDOW :], far[:, tiny.WINDOW :]) > 0.1


@families
def test_a_head_costs_what_the_graph_says(family: str) -> None:
    model, part = tiny.model(family, attention="eager"), Part("a1.h1")
    one = call(part, ports_of(part, seed=8), SOME)
    model.run([one])  # the first call of a length makes a forward pass
    with FlopCounterMode(display=False) as counter:
        model.run([one])
    cost = model.graph["a1.h1"].cost.flops(positions=2, length=LENGTH) * ROWS
    assert counter.get_total_flops() == pytest.approx(cost, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@families
def test_other_dtypes(family: str, dtype: torch.dtype) -> None:
    exact = tiny.model(family)
    model = TransformersModel(tiny.module(family).to(dtype))
    tolerance = 30 * torch.finfo(dtype).eps + TOLERANCE
    for part in (Part("a0.h1"), Part("m0"), Part("logits")):
        ports = ports_of(part, seed=10)
        output = model.run([call(part, ports)])[0]
        assert output.dtype == dtype
        expected = exact.run([call(part, ports)])[0]
        assert tiny.error(output.float(), expected) < tolerance
        assert tiny.error(output.float(), by_hooks(model, part, ports).float()) < tolerance


def test_fingerprints_tell_models_apart() -> None:
    one, same, other = (tiny.model("llama", seed=seed) for seed in (0, 0, 1))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
    assert len(one.fingerprint()) == 64
    changed = tiny.model("llama", rms_norm_eps=1e-3)
    assert changed.fingerprint() != one.fingerprint()


def test_no_calls_no_outputs() -> None:
    assert tiny.model("gpt2").run([]) == []
