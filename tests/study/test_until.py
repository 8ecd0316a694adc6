"""A run that goes on until its interval is narrow enough is a plain run of the sizes it came to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch

from scrub import (
    EXACT,
    Dataset,
    Hypothesis,
    InputRefused,
    Settings,
    Task,
    compare,
    component,
    handmade,
    run,
    source,
)
from scrub.results.result import Result
from scrub.study.prepare import choose_references

QUICK: dict[str, Any] = {"replicates": 200, "null": "none"}


def value(output: Any, columns: Any) -> torch.Tensor:
    """The output, where the label is even, else its negative: what is right is above 0."""
    sign = torch.tensor(columns["y"], dtype=torch.float64) * 2 - 1
    return sign * output[:, 0, 0]


def toy(rows: int = 300, noise: float = 1.0, **options: Any) -> Hypothesis:
    """C = A + B + A·B/2: A carries y, and much else; B is noise. Tokens are 100 and tenths."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, rows)
    a = 100 + 20 * (2 * y - 1) + 10 * rng.normal(size=rows)
    columns = {
        "a": a.round().astype(int).tolist(),
        "b": (100 + 10 * noise * rng.normal(size=rows)).round().astype(int).tolist(),
        "y": y.tolist(),
        "mate": rng.permutation(rows).tolist(),
    }

    def again(example: Any, feature: Any, draw: Any) -> dict[str, Any]:
        a = 100 + 20 * (2 * example["y"] - 1) + draw.integers(-10, 11)
        return {**example, "tokens": [int(a), int(draw.integers(90, 111))]}

    model = handmade(
        source("A", lambda inputs: inputs[:, 0, None, None] / 10 - 10),
        source("B", lambda inputs: inputs[:, 1, None, None] / 10 - 10),
        component("C", lambda a, b: a + b + a * b / 2, a="A", b="B"),
        output="C",
    )
    claim = nx.DiGraph()
    claim.add_node("answer", component="C", feature=EXACT)
    claim.add_node("sign", component="A", feature="y")
    claim.add_edge("sign", "answer", port="a")
    task = Task(
        Dataset.from_columns(columns, ["a", "b"]),
        metric=value,
        at="all",
        label=("y",),
        generator=again if options.get("donors") == "generated" else None,
    )
    return Hypothesis(claim, task=task, model=model, **options)


def plain(hypothesis: Hypothesis, pursued: Result, **changed: Any) -> Result:
    """A plain run with the numbers of references and draws that the other one came to."""
    sizes = dict(zip(("references", "draws"), pursued.per_example.scrubbed.shape, strict=True))
    return run(hypothesis, **{**QUICK, **changed, **sizes})


def assert_same(one: Result, other: Result) -> None:
    """In all but what they cost, and why one of them stopped."""
    for name, values in vars(one.per_example).items():
        np.testing.assert_array_equal(values, getattr(other.per_example, name))
    said, known = one.as_dict(), other.as_dict()
    for name in ("cost", "stopping", "variance", "conventions"):
        said.pop(name), known.pop(name)
    assert said == known
    conventions = {**one.conventions, "until": None, "most_draws": None, "most_references": None}
    assert conventions == other.conventions


CONVENTIONS: list[dict[str, Any]] = [
    {},
    {"nodes": "joint"},
    {"baseline": "uniform", "unimportant": "kept"},
    {"donors": "generated"},
]
FURTHER: list[dict[str, Any]] = [
    {"unimportant": "separately"},
    {"unimportant": "one"},
    {"unimportant": "partner:mate"},
    {"baseline": "components"},
    {"replacement": "mean"},
]


@pytest.mark.parametrize(
    "options", [*CONVENTIONS, *(pytest.param(o, marks=pytest.mark.slow) for o in FURTHER)], ids=str
)
def test_the_end_is_a_plain_run_of_its_sizes(options):
    hypothesis = toy(**options)
    sizes = {"references": 150, "draws": 2, "estimand": "data"}
    found = run(hypothesis, until=0.03, most_draws=6, **sizes, **QUICK)
    assert len(found.stopping.looks) > 1
    assert_same(found, plain(hypothesis, found, estimand="data"))


def test_the_null_is_measured_at_all_sizes_too():
    found = run(toy(), until=0.1, references=100, replicates=200)
    assert_same(found, plain(toy(), found, null="forgotten"))


class Told:
    """What the progress bars are told."""

    def __init__(self) -> None:
        self.stages: dict[str, list[int]] = {}

    def start(self, stage: str, total: int) -> None:
        assert stage not in self.stages
        self.stages[stage] = [total, 0]

    def advance(self, amount: int) -> None:
        self.stages[list(self.stages)[-1]][1] += amount


def test_only_what_is_new_is_run_on_one_recording():
    told = Told()
    sizes = {"references": 150, "draws": 2, "estimand": "data", "most_draws": 5}
    hypothesis = toy()
    found = run(hypothesis, until=0.001, progress=told, **sizes, **QUICK)
    seen = [(look.references, look.draws) for look in found.stopping.looks]
    assert seen == [(150, 2), (300, 2), (300, 5)]
    items = 2 * np.array([150 * 2, 150 * 2, 300 * 3])  # baseline and scrub, of what is new
    inputs, pairs = len(hypothesis.task.dataset.inputs), 2 * 300
    assert told.stages == {
        "recording": [inputs] * 2,
        "look 1: 150 × 2": [items[0]] * 2,
        "look 2: 300 × 2": [items[1]] * 2,
        "look 3: 300 × 5": [items[2]] * 2,
        "half-shared draws": [pairs] * 2,
    }
    assert found.variance.pairs == 300


def test_references_are_nested():
    few = choose_references(1000, Settings(references=100))
    many = choose_references(1000, Settings(references=300))
    assert set(few) < set(many)


def test_as_narrow_as_asked_for():
    found = run(toy(), until=0.1, references=20, draws=1, **QUICK)
    assert found.stopping.reason == "narrow"
    assert (found.recovered.high - found.recovered.low) / 2 <= 0.1
    assert found.stopping.looks[0].references == 100  # no look below that
    assert found.stopping.looks[0].draws == 2
    assert found.stopping.said.startswith("The interval is ±0.0")
    assert found.stopping.said.endswith("; ±0.1 was asked for.")


def test_only_more_data_would_help():
    found = run(toy(), until=0.01, **QUICK)
    stopping = found.stopping
    assert stopping.reason == "data"
    assert stopping.looks[-1].references == 300
    assert stopping.looks[-1].draws < 64  # draws that would be of no use are not drawn
    assert stopping.rows_needed > 3000
    assert stopping.said.startswith("Only more data would help: all 300 rows are references, and")
    assert f"It takes roughly {stopping.rows_needed:,} rows of the same kind" in stopping.said


def test_as_many_rows_as_were_said_do_roughly():
    few = run(toy(rows=200), until=0.05, draws=2, **QUICK)
    assert few.stopping.reason == "data"
    many = run(toy(rows=few.stopping.rows_needed), until=0.05, draws=2, **QUICK)
    assert 0.03 < (many.recovered.high - many.recovered.low) / 2 < 0.07


def test_limits_are_kept_and_named():
    draws = run(toy(), until=0.001, estimand="data", most_draws=3, **QUICK)
    assert draws.stopping.reason == "cap"
    assert draws.per_example.scrubbed.shape == (300, 3)
    assert draws.stopping.said.endswith("300 references of 3 draws. Allow more than 3 draws.")
    references = run(toy(), until=0.01, most_references=120, draws=2, **QUICK)
    assert references.stopping.reason == "cap"
    assert references.stopping.said.endswith(
        "120 references of 2 draws. Allow more than 120 references: the data have 300 rows. More "
        "draws would not do."
    )


def test_without_a_ratio_there_is_nothing_to_make_narrow():
    nothing = Hypothesis(alone(), task=toy(noise=0).task, model=silent())
    refused = run(nothing, until=0.01, **QUICK)
    assert refused.stopping.reason == "no ratio"
    assert refused.variance is None
    assert refused.stopping.said.startswith(
        "There is no interval to make narrower than ±0.01. The ratio is refused: its denominator"
    )


def alone() -> nx.DiGraph:
    claim = nx.DiGraph()
    claim.add_node("answer", component="C", feature=EXACT)
    return claim


def silent() -> Any:
    """Puts out B alone, of which the label knows nothing."""
    return handmade(
        source("A", lambda inputs: inputs[:, 0, None, None] / 10 - 10),
        source("B", lambda inputs: inputs[:, 1, None, None] / 10 - 10),
        component("C", lambda a, b: b, a="A", b="B"),
        output="C",
    )


def test_the_variance_is_what_enumeration_says():
    """All donors and all frames of every reference, against what was estimated from draws."""
    hypothesis = toy(rows=120)
    sizes = {"references": 120, "draws": 40, "most_draws": 40, "estimand": "data"}
    found = run(hypothesis, until=1e-4, **sizes, **QUICK)
    columns = hypothesis.task.dataset.columns
    a, b, y = (np.array(columns[name], dtype=float) for name in ("a", "b", "y"))
    a, b = a / 10 - 10, b / 10 - 10
    sign, model = 2 * y - 1, found.means.model.value
    gap = model - found.means.baseline.value
    drawn = a + b[:, None] + a * b[:, None] / 2  # [frame, donor]
    baseline = (a + b + a * b / 2)[:, None]  # the frame's own output
    share = found.recovered.value
    donors, unimportant = [], []
    for s, kind in zip(sign, y, strict=True):
        z = s * (drawn[:, y == kind] + (share - 1) * baseline) / gap
        donors.append(z.mean(axis=0).var())
        unimportant.append(z.var(axis=0).mean())
    for part, truth in (
        (found.variance.donors, np.mean(donors)),
        (found.variance.unimportant, np.mean(unimportant)),
    ):
        assert part.low < truth / (120 * 40) < part.high
    assert found.variance.references.variance == 0
    assert found.variance.pairs == 120


def test_where_only_one_of_the_two_is_drawn_nothing_extra_is_run():
    frames = run(toy().with_graph(alone()), until=0.3, **QUICK)
    assert (frames.variance.pairs, frames.variance.donors.variance) == (0, 0)
    held = run(toy(unimportant="kept", baseline="uniform"), until=0.3, **QUICK)
    assert (held.variance.pairs, held.variance.unimportant.variance) == (0, 0)
    assert held.variance.donors.variance > 0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"until": 0.0},
            "option 'until': must lie between 0 and 1, found 0.0. It is half the width of the "
            "interval of recovered: 0.01 for ±0.01.",
        ),
        (
            {"until": "narrow"},
            "option 'until': must lie between 0 and 1, found 'narrow'. It is half the width of "
            "the interval of recovered: 0.01 for ±0.01.",
        ),
        (
            {"until": 0.1, "most_draws": 1},
            "option 'most_draws': must be a whole number of at least 2, found 1.",
        ),
        (
            {"most_references": 100},
            "option 'most_references': limits what 'until' adds, and there is no 'until'. Say how "
            "narrow the interval shall be, for example until=0.01.",
        ),
    ],
)
def test_bad_values_are_refused_in_words(changed, said):
    with pytest.raises(InputRefused) as refused:
        Settings(**changed)
    assert str(refused.value) == said


def test_a_comparison_has_the_same_sizes_for_all():
    with pytest.raises(InputRefused) as refused:
        compare([toy(), toy()], until=0.1)
    assert str(refused.value) == (
        "option 'until': is for one hypothesis at a time; in a comparison all have the same sizes. "
        "Give references and draws."
    )


@pytest.mark.slow
def test_on_a_transformer_the_end_is_a_plain_run_of_its_sizes():
    found = run("induction", references=100, draws=2, until=0.015)
    other = run("induction", references=512, draws=found.per_example.scrubbed.shape[1])
    assert len(found.per_example.references) == 512
    for name, values in vars(found.per_example).items():
        np.testing.assert_allclose(values, getattr(other.per_example, name), rtol=1e-5, atol=1e-5)
    assert replace(found.recovered, notes=()).low == pytest.approx(other.recovered.low, abs=1e-6)
