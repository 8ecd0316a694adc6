"""An attention that is read at a few positions runs for their queries, and finds the same."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import pytest
import torch
from torch import nn
from transformers import modeling_utils
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from scrub.graph import Kind, Part, Reach, Site
from scrub.models.adapter import TransformersModel
from scrub.models.attending import asking
from scrub.models.base import Batch, Call, Given
from scrub.models.heads import HeadsPiece
from scrub.models.queries import asks
from scrub.models.recording import Entries, Place, Recording
from tests.models import tiny

ROWS, LENGTH, HEADS = 3, 17, 4
SDPA = ALL_ATTENTION_FUNCTIONS["sdpa"]


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many queries each call of sdpa was made for, from here on."""
    seen: list[int] = []

    def spying(module: nn.Module, query: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        seen.append(query.shape[2])
        return SDPA(module, query, *args, **kwargs)

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, "sdpa", spying)
    return seen


def frame(lengths: tuple[int, ...] = (LENGTH, LENGTH, LENGTH)) -> Batch:
    tokens = torch.randint(1, 40, (ROWS, LENGTH), generator=torch.Generator().manual_seed(0))
    for row, length in enumerate(lengths):
        tokens[row, length:] = 0
    return Batch.of_tokens(tokens, torch.tensor(lengths))


def calls(model: TransformersModel, at: torch.Tensor | None, batch: Batch) -> list[Call]:
    """All heads of the last layer on noise, at these positions [row, n]."""
    noise, made = torch.Generator().manual_seed(1), []
    for i in range(HEADS):
        component = model.graph[f"a{tiny.LAYERS - 1}.h{i}"]
        ports = {
            port.name: torch.randn(ROWS, LENGTH, tiny.WIDTH, generator=noise)
            for port in component.ports
        }
        if at is not None:
            ports["q"] = ports["q"][torch.arange(ROWS)[:, None], at]
        made.append(Call(Part(component.name), ports, batch, at))
    return made


def picked(value: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return value[torch.arange(len(at))[:, None], at]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("lengths", [(LENGTH, LENGTH, LENGTH), (LENGTH, 9, 4)])
def test_a_few_queries_find_what_all_of_them_find(family, attention, lengths):
    model, batch = tiny.model(family, attention=attention), frame(lengths)
    whole = model.run(calls(model, None, batch))
    for at in (torch.tensor([[3], [8], [0]]), torch.tensor([[16, 2], [1, 1], [3, 0]])):
        some = model.run(calls(model, at, batch))
        for all_of_it, read in zip(whole, some, strict=True):
            torch.testing.assert_close(read, picked(all_of_it, at), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_so_many_queries_are_run_as_are_read(family, queries):
    model, batch = tiny.model(family), frame()
    model.run(calls(model, None, batch))
    queries.clear()  # the first pass also looks at what the model hands to its attention
    for at, run in ((torch.tensor([[3], [8], [0]]), 1), (torch.zeros(3, 2, dtype=torch.long), 2)):
        model.run(calls(model, at, batch))
        assert queries == [run]
        queries.clear()


def test_where_an_eighth_is_read_all_are_run(queries):
    model, batch = tiny.model("llama"), frame()
    model.run(calls(model, None, batch))
    queries.clear()
    model.run(calls(model, torch.tensor([[1, 4, 6]] * ROWS), batch))
    assert queries == [LENGTH]


def test_calls_that_read_one_query_and_calls_that_read_all_run_apart(queries):
    model, batch = tiny.model("llama"), frame()
    one, every = calls(model, torch.tensor([[3], [8], [0]]), batch), calls(model, None, batch)
    whole = model.run(every)
    queries.clear()
    mixed = model.run([one[0], every[1], one[2]])
    assert sorted(queries) == [1, LENGTH]
    torch.testing.assert_close(mixed[1], whole[1])
    torch.testing.assert_close(mixed[2], picked(whole[2], one[2].at))


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_recorded_queries_are_looked_up_where_they_are_read(family, queries):
    """The same head twice, on different rows, and one with a sum put in at its keys."""
    model, batch = tiny.model(family), frame()
    names = [f"a1.h{i}" for i in (0, 0, 3)]
    sites = [p.projection.site for n in names for p in model.graph[n].ports if p.projection]
    if not sites:
        pytest.skip("its heads run together, on sums")
    stream = model.graph["a1.h0"].port("q").stream
    recorded = model.record(batch, [*dict.fromkeys(sites), Site(Kind.STREAM, stream)])
    home = torch.device("cpu")
    recording = Recording(dict(recorded), home, Place.DEVICE)
    put = (recorded[Site(Kind.STREAM, stream)][:, 1:2] + 1, torch.ones(ROWS, 1, dtype=torch.long))

    def call(i: int, at: torch.Tensor | None) -> Call:
        rows = torch.tensor([[0, 1, 2], [2, 2, 0], [1, 0, 1]][i])
        given = {
            port.name: Given(
                Entries(recording, port.projection.site, rows, home),
                [put] if port.reach is not Reach.SAME and i == 2 else [],
            )
            for port in model.graph[names[i]].ports
        }
        return Call(Part(names[i]), {}, batch, at, given)

    whole = model.run([call(i, None) for i in range(3)])
    queries.clear()
    at = torch.tensor([[3], [8], [0]])
    for all_of_it, read in zip(whole, model.run([call(i, at) for i in range(3)]), strict=True):
        torch.testing.assert_close(read, picked(all_of_it, at), rtol=1e-4, atol=1e-5)
    assert queries == [1]


def test_the_model_and_transformers_stay_as_they_were(queries):
    model = tiny.model("llama")
    attention = model.module.get_submodule("model.layers.1.self_attn")
    registry = type(attention).forward.__globals__["ALL_ATTENTION_FUNCTIONS"]
    model.run(calls(model, torch.tensor([[3], [8], [0]]), frame()))
    assert "forward" not in vars(attention)
    assert type(attention).forward.__globals__["ALL_ATTENTION_FUNCTIONS"] is registry
    assert registry is ALL_ATTENTION_FUNCTIONS


@pytest.mark.parametrize(
    ("theirs", "run"),
    [
        ("ALL_ATTENTION_FUNCTIONS.get_interface('sdpa', None)", 1),
        ("ALL_ATTENTION_FUNCTIONS['sdpa'] if 'sdpa' in ALL_ATTENTION_FUNCTIONS else None", 1),
        ("ALL_ATTENTION_FUNCTIONS.get('sdpa', None)", LENGTH),
        ("modeling_utils.ALL_ATTENTION_FUNCTIONS['sdpa']", LENGTH),
    ],
)
def test_code_may_ask_for_its_function_in_any_way(theirs, run, queries):
    module = tiny.module("llama")
    attention = module.get_submodule(f"model.layers.{tiny.LAYERS - 1}.self_attn")
    source = textwrap.dedent(inspect.getsource(type(attention).forward))
    asked = re.compile(r"ALL_ATTENTION_FUNCTIONS\.get_interface\(.*?\n    \)", re.DOTALL)
    if not asked.search(source):
        pytest.skip("this transformers asks in another way itself")
    beside = {**type(attention).forward.__globals__, "modeling_utils": modeling_utils}
    if theirs.startswith("modeling_utils"):
        del beside["ALL_ATTENTION_FUNCTIONS"]
    exec(asked.sub(theirs, source), beside)
    attention.__class__ = type("Own", (type(attention),), {"forward": beside["forward"]})
    model, batch, at = TransformersModel(module), frame(), torch.tensor([[3], [8], [0]])
    whole = model.run(calls(model, None, batch))
    queries.clear()
    for all_of_it, read in zip(whole, model.run(calls(model, at, batch)), strict=True):
        torch.testing.assert_close(read, picked(all_of_it, at), rtol=1e-4, atol=1e-5)
    assert queries == [run]


def test_the_facts_say_which_attention_asks() -> None:
    """Of the families here; `tests/architectures` holds it for all."""
    for family in tiny.FAMILIES:
        for piece in tiny.model(family).pieces.values():
            if isinstance(piece, HeadsPiece):
                assert piece.attention.asks == asks(asking(piece, piece.organ.whole[0].module))
