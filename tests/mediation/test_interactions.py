"""Sets of components changed together: exact against passes with hooks, and named for what they
are on models whose heads are redundant or cancel by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from scrub import Dataset, InputRefused, Task, component, handmade, interactions, source
from scrub.data.shipped import shipped_models
from scrub.data.tasks import resolve_task
from scrub.mediation.subject import Subject
from scrub.mediation.subsets import members
from scrub.report.searching import report
from scrub.report.writing import as_text
from scrub.statistics.interactions import zeta
from tests.mediation.hookloops import SHAPES
from tests.mediation.sites import case_of

every_shape = pytest.mark.parametrize("shape", SHAPES)
MEMBERS = ["a0.h1@end", "m0@1,3", "a1.h1", "m1.n3-9@end"]


def subsets(count: int) -> list[list[int]]:
    return [[i for i in range(count) if mask >> i & 1] for mask in range(1 << count)]


@every_shape
@pytest.mark.parametrize("replacement", ["mean", "resample", "zero"])
def test_knocking_out_any_subset_is_what_a_pass_with_hooks_gives(
    shape: str, replacement: str
) -> None:
    case = case_of(shape)
    found = interactions(
        case.model, case.task, at=MEMBERS, replacement=replacement, references=None
    )
    assert found.members == tuple(MEMBERS)
    for number, subset in enumerate(subsets(len(MEMBERS))):
        theirs = case.loss([case.put(MEMBERS[i], replacement) for i in subset])
        assert np.abs(found.per_example["values"][number] - theirs).max() < 1e-5


@every_shape
def test_knocking_in_any_subset_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    case = case_of(shape)
    sites = MEMBERS[:3]
    found = interactions(
        case.model, case.task, at=sites, corrupt="embed=partner:partner", direction="knock_in",
        references=None,
    )  # fmt: skip
    broken = case.put("embed", "partner:partner")
    for number, subset in enumerate(subsets(len(sites))):
        back = [case.change(sites[i], case.read(sites[i])) for i in subset]
        theirs = case.loss([broken, *back])
        assert np.abs(found.per_example["values"][number] - theirs).max() < 1e-5


@every_shape
def test_knocking_out_by_corrupted_values_is_what_a_pass_with_hooks_gives(shape: str) -> None:
    case = case_of(shape)
    sites = ["a0.h1@end", "m1@end"]
    found = interactions(
        case.model, case.task, at=sites, corrupt="embed=partner:partner", references=None
    )
    other = case.loop.run(case.tokens, [case.put("embed", "partner:partner")])
    for number, subset in enumerate(subsets(len(sites))):
        out = [case.change(sites[i], case.read(sites[i], other)) for i in subset]
        assert np.abs(found.per_example["values"][number] - case.loss(out)).max() < 1e-5


def test_interactions_within_every_subset_sum_to_its_value() -> None:
    case = case_of("llama")
    found = interactions(case.model, case.task, at=MEMBERS, replacement="mean", references=None)
    assert found.interactions is not None
    assert found.values is not None
    assert np.abs(zeta(found.interactions.mean) - found.values.mean).max() < 1e-12
    whole = found.everybody.value - found.nobody.value
    assert found.shapley.mean.sum() == pytest.approx(whole, abs=1e-12)


# By construction ----------------------------------------------------------------------------------


def value(output: torch.Tensor, columns: Mapping[str, Sequence[Any]]) -> torch.Tensor:
    return output[:, 0, 0]


@cache
def toy() -> tuple[Any, Task]:
    """either = min(A + B, 1), apart = D + E with E = -D, both = F and G, alone = H + I; x is 1.

    Everything is 0 without x, so that a component replaced by zero is missing.
    """
    sums = {
        "either": (["A", "B"], lambda a: a.clamp(max=1.0)),
        "apart": (["D", "E"], lambda a: a),
        "both": (["F", "G"], lambda a: (a - 1).clamp(min=0.0)),
        "added": (["H", "I"], lambda a: a),
    }
    signs = {name: -1.0 if name == "E" else 1.0 for name in "ABDEFGHI"}
    model = handmade(
        source("x", lambda inputs: inputs[:, 0, None, None].float()),
        *(
            component(name, (lambda s: lambda a: s * a)(sign), a="x")
            for name, sign in signs.items()
        ),
        *(component(name, function, a=feeds) for name, (feeds, function) in sums.items()),
        component("y", lambda a: a, a=list(sums)),
        output="y",
    )
    x = [1.0, 1.0 + 1e-9, 1.0 + 2e-9, 1.0 + 3e-9]  # several, so that there are intervals
    data = Dataset.from_columns({"x": x}, inputs=["x"])
    return model, Task(data, metric=value, at="all", name="toy")


@pytest.mark.parametrize("pair", ["AB redundant", "DE cancelling", "FG synergistic",
                                  "HI independent", "AH independent"])  # fmt: skip
@pytest.mark.parametrize("direction", ["knock_out", "knock_in"])
def test_pairs_are_named_for_what_they_are(pair: str, direction: str) -> None:
    model, task = toy()
    names, _, relation = pair.partition(" ")
    how: dict[str, Any] = (
        {"corrupt": "x=zero"} if direction == "knock_in" else {"replacement": "zero"}
    )
    found = interactions(model, task, at=list(names), direction=direction, references=None, **how)
    assert found.pair(*names).value == relation


def test_the_interaction_of_redundant_components_is_what_they_have_in_common() -> None:
    model, task = toy()
    found = interactions(model, task, at=["A", "B"], replacement="zero")
    values = [found.interaction(*names).value for names in ((), "A", "B", "AB")]
    assert values == pytest.approx([4, 0, 0, -1], abs=1e-6)


def checkpoint(folder: Path, sign: float) -> Path:
    """`induction-exact` whose idle second head in layer 1 does what the first does, times a
    sign."""
    model: Any = AutoModelForCausalLM.from_pretrained(shipped_models()["induction-exact"])
    attention, size, width = model.transformer.h[1].attn, 32, 64
    with torch.no_grad():
        for part in range(3):  # q, k, v
            first = slice(part * width, part * width + size)
            second = slice(part * width + size, (part + 1) * width)
            attention.c_attn.weight[:, second] = attention.c_attn.weight[:, first]
            attention.c_attn.bias[second] = attention.c_attn.bias[first]
        attention.c_proj.weight[size:] = sign * attention.c_proj.weight[:size]
    model.save_pretrained(folder)
    return folder


def right_logit(output: torch.Tensor, columns: Mapping[str, Sequence[Any]]) -> torch.Tensor:
    rows = torch.arange(len(output))
    return output[rows, 0, torch.tensor(columns["next_token"])]


@pytest.mark.parametrize(
    ("sign", "metric", "relation"),
    [(1.0, "probability", "redundant"), (-1.0, right_logit, "cancelling")],
)
def test_heads_of_a_stock_checkpoint_are_told_apart(
    tmp_path: Path, sign: float, metric: Any, relation: str
) -> None:
    """Two induction heads, either of which suffices; and one that undoes what the other does."""
    task = resolve_task("repeated_tokens(n=32)", tmp_path)
    asked = Task(task.dataset, metric=metric, answer="next_token", at="query", name="twice")
    found = interactions(
        str(checkpoint(tmp_path / "twice", sign)), asked, at="a1.h0,a1.h1,a0.h1",
        replacement="zero", references=16,
    )  # fmt: skip
    assert found.pair("a1.h0", "a1.h1").value == relation
    assert found.pair("a0.h1", "a1.h0").value == "independent"  # a0.h1 is idle
    alone = [found.shapley.bounds(found.members.index(n)).value for n in ("a1.h0", "a1.h1")]
    assert alone[1] == pytest.approx(alone[0] * sign, abs=1e-4)


def test_trained_heads_that_share_the_work_back_each_other_up() -> None:
    """Without any one of the four little is lost, without all of them everything."""
    found = interactions(
        "induction-redundant", "repeated_tokens(n=64)", at="a1.h0-3",
        replacement="resample", references=32,
    )  # fmt: skip
    assert found.values is not None
    loss = dict(zip(found.subsets, found.values.mean.tolist(), strict=True))
    whole = loss[0, 1, 2, 3] - loss[()]
    each = [loss[(i,)] - loss[()] for i in range(4)]
    assert sum(each) < 0.5 * whole
    assert found.pair("a1.h0", "a1.h1").value == "redundant"
    assert found.pair("a1.h1", "a1.h3").value == "redundant"


# Many members -------------------------------------------------------------------------------------


def test_beyond_twelve_members_shapley_values_are_sampled() -> None:
    """And add up to what changing everybody does."""
    model, task = toy()
    many = {name: name for name in "ABDEFGHI"} | {
        name: name for name in ("either", "apart", "both", "added", "x")
    }
    found = interactions(model, task, at=many, replacement="zero", orders=50)
    assert (found.subsets, found.values, found.orders) == ((), None, 100)
    whole = found.everybody.value - found.nobody.value
    assert found.shapley.mean.sum() == pytest.approx(whole, abs=1e-6)
    assert found.evaluated <= 100 * 12 + 2
    assert [row["members"] for row in found.table()] == list(found.members)


def test_sampled_values_agree_with_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    import scrub.mediation.interactions as asked

    case = case_of("gpt2")
    how: dict[str, Any] = {"at": MEMBERS, "replacement": "mean", "references": None}
    exact = interactions(case.model, case.task, **how)
    monkeypatch.setattr(asked, "MOST_MEMBERS", 3)
    sampled = interactions(case.model, case.task, **how, orders=60)
    low, high = sampled.shapley.low, sampled.shapley.high
    assert low is not None
    assert high is not None
    assert ((low <= exact.shapley.mean) & (exact.shapley.mean <= high)).all()
    assert np.abs(sampled.shapley.mean - exact.shapley.mean).max() < 0.1


# How they are written -----------------------------------------------------------------------------


def test_members_are_places_groups_or_names() -> None:
    case = case_of("gpt2")
    subject = Subject.of(case.model, case.task)
    assert [str(m) for m in members("a1,m0@end", subject)][:2] == ["m0@end", "a1.h0@end"]
    (late, early) = members(["m1", ["a0.h0", "a0.h1@end"]], subject)[::-1]
    assert (str(early), str(late)) == ("a0.h0, a0.h1@end", "m1")
    (named,) = members({"movers": "a1.h0,a1.h2@end"}, subject)
    assert [str(place) for place in named.places] == ["a1.h0@end", "a1.h2@end"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "overlap": (
        {"at": ["a0.h0@end", "a0@5"], "replacement": "mean"},
        "member 'a0@5': has something in common with 'a0.h0@end'. Name it once.",
    ),
    "none": (
        {"at": [], "replacement": "mean"},
        "members: there are none. Name places, e.g. at=['a0.h0@end', 'a1.h0,a1.h1'].",
    ),
    "nothing to give": (
        {"at": "m0"},
        "corruption: there is none, and members need values to be given. Name one, e.g. "
        "embed=resample, or a replacement such as mean.",
    ),
    "two sources": (
        {"at": "m0", "corrupt": "embed=zero", "replacement": "mean", "direction": "knock_in"},
        "option 'replacement': 'mean' is put in by knock_out alone; knock_in gives members their "
        "own. Leave it out.",
    ),
    "no way": (
        {"at": "m0", "replacement": "mean", "direction": "out"},
        "option 'direction': 'out' is no value of it. Did you mean knock_out?",
    ),
    "tolerance": (
        {"at": "m0", "replacement": "mean", "tolerance": 1},
        "option 'tolerance': must be a share from 0 to below 1, found 1.",
    ),
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_what_cannot_be_asked_is_refused_in_words(wrong: str) -> None:
    case = case_of("gpt2")
    options, said = REFUSED[wrong]
    with pytest.raises(InputRefused) as refused:
        interactions(case.model, case.task, **options)
    assert str(refused.value) == said


def test_everything_is_written_and_reported(tmp_path: Path) -> None:
    model, task = toy()
    found = interactions(model, task, at=["A", "B", "D"], replacement="zero")
    document = found.as_dict()
    assert (document["schema"], len(document["interactions"]["mean"])) == (
        "scrub-interactions/1", 8,
    )  # fmt: skip
    assert found.write_json(tmp_path / "out.json").is_file()
    lines = found.write_csv(tmp_path / "out.csv").read_text().splitlines()
    assert lines[4].startswith("A × B,2,")
    said = as_text(report(found))
    assert "3 members knocked out together" in said
    assert "redundant" in said
