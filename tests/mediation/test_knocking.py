"""Knock-out and knock-in by dose, held to their laws and to whole forward passes with hooks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import InputRefused, Task, dose_response, knock
from scrub.mediation.doses import Response
from scrub.mediation.knocking import Knock
from scrub.mediation.measuring import Aim
from tests.mediation.hookloops import SHAPES, Change
from tests.mediation.sites import CASES, case_of, data

DOSES = (0.0, 0.4, 1.0)
every_shape = pytest.mark.parametrize("shape", SHAPES)


def found_at(shape: str, at: Any, corrupt: Any = "embed=resample", **options: Any) -> Knock:
    case = case_of(shape)
    given = {"doses": DOSES, "references": None, "replicates": 100, **options}
    return knock(case.model, case.task, at=at, corrupt=corrupt, **given)


def dosed(found: Knock, way: str) -> np.ndarray:
    """The loss, [dose, example]."""
    return found.per_example[f"{way} loss"][:, :, 0]


@pytest.mark.parametrize(("shape", "site"), CASES)
def test_both_ways_are_what_passes_with_hooks_give(shape: str, site: str) -> None:
    case, found = case_of(shape), found_at(shape, site, "embed@start=resample")
    corruption = case.put("embed@start", "resample")
    corrupted = case.loop.run(case.tokens, [corruption])
    for i, t in enumerate(DOSES):

        def blended(seen: dict[str, Any] | None, t: float = t) -> Change:
            new = case.read(site, seen)
            return case.change(site, lambda own: (1 - t) * own + t * new)

        out = case.loss([blended(corrupted)])
        into = case.loss([corruption, blended(None)])
        np.testing.assert_allclose(dosed(found, "out")[i], out, rtol=1e-6)
        np.testing.assert_allclose(dosed(found, "in")[i], into, rtol=1e-6)


@every_shape
def test_another_replacement_knocks_out_and_the_corruption_stays_what_it_is(shape: str) -> None:
    case, found = case_of(shape), found_at(shape, "m0@end", "embed=zero", replacement="mean")
    by_hand = case.loss([case.put("m0@end", "mean")])
    np.testing.assert_allclose(dosed(found, "out")[-1], by_hand, rtol=1e-6)
    zeroed = case.loss([case.put("embed", "zero")])
    np.testing.assert_allclose(dosed(found, "in")[0], zeroed, rtol=1e-6)
    assert (found.replacement, found.corruption) == ("mean", "embed=zero")


@every_shape
def test_knocking_the_whole_model_out_is_the_corrupted_run_and_in_is_the_wild(shape: str) -> None:
    everything = [c.name for c in case_of(shape).model.graph.components[:-1]]
    for site in (everything, "embed", "resid.0", "final"):
        found = found_at(shape, site)
        out, into = dosed(found, "out"), dosed(found, "in")
        np.testing.assert_allclose(out[-1], into[0], rtol=1e-6)
        np.testing.assert_allclose(into[-1], out[0], rtol=1e-6)


@settings(max_examples=8, deadline=None)
@given(chosen=st.sets(st.integers(0, 9), min_size=1), seed=st.integers(0, 99))
def test_at_no_dose_nothing_is_done_and_the_ends_are_ends(chosen: set[int], seed: int) -> None:
    """Any set of components: dose 0 is the wild and the corrupted run, whatever the site."""
    case = case_of("gpt2")
    names = [case.model.graph.components[i].name for i in sorted(chosen)]
    found = found_at("gpt2", names, seed=seed, doses=(0, 1))
    np.testing.assert_allclose(dosed(found, "out")[0], case.loss(), rtol=1e-9)
    corrupted = case.loss([case.put("embed", "resample", seed)])
    np.testing.assert_allclose(dosed(found, "in")[0], corrupted, rtol=1e-9)
    for curve in (found.out[0], found.into[0]):
        assert curve.response.effects.mean[0] == 0
        assert curve.shares is None or curve.shares.share is None or curve.shares.share[0] == 0


@every_shape
def test_a_corruption_below_the_site_is_not_lost(shape: str) -> None:
    """The site feeds what is corrupted: m0 stays replaced while a0.h1 is given back its own."""
    case, found = case_of(shape), found_at(shape, "a0.h1", "m0=zero")
    by_hand = case.loss([case.put("m0", "zero"), case.change("a0.h1", lambda own: own)])
    np.testing.assert_allclose(dosed(found, "in")[-1], by_hand, rtol=1e-6)
    np.testing.assert_allclose(dosed(found, "in")[0], by_hand, rtol=1e-6)


def test_shares_are_of_the_way_between_the_two_runs() -> None:
    found = found_at("llama", "m0")
    out, into = dosed(found, "out").mean(1), dosed(found, "in").mean(1)
    gap = into[0] - out[0]
    assert found.out[0].shares is not None
    if found.broken is not None:
        assert found.broken.value == pytest.approx((out[-1] - out[0]) / gap)
    if found.repaired is not None:
        assert found.repaired.value == pytest.approx((into[0] - into[-1]) / gap)
    assert (found.broken is None) == (found.repaired is None)
    assert found.into[0].effect.value == pytest.approx(into[-1] - into[0])


def test_shares_of_nothing_are_refused_in_words() -> None:
    found = found_at("gpt2", "m0", "embed=scale:1")
    assert found.broken is None
    assert found.out[0].shares is not None
    assert str(found.out[0].shares.refusal).startswith(
        "The ratio is refused: its denominator, corrupted − wild, is "
    )


def test_side_effects_are_named_and_measured_on_metrics_and_on_another_task() -> None:
    other = Task(data(), at="start", name="first words")
    found = found_at("gpt2", "m0", replacement="mean", off_target=["kl", other])
    assert [(c.metric, c.aim) for c in found.out] == [
        ("loss", Aim.TARGET),
        ("kl", Aim.OFF_TARGET),
        ("loss of first words", Aim.OFF_TARGET),
    ]
    assert [curve.metric for curve in found.into] == ["loss", "kl"]  # nothing is corrupted there
    case = case_of("gpt2")
    logits = case.loop.run(case.tokens, [case.put("m0", "mean")])["logits"]
    answers = other.dataset.columns["answer"]
    by_hand = -logits[:, 0].log_softmax(-1)[range(len(answers)), answers].numpy()
    measured = found.per_example["out loss of first words"][-1, :, 0]
    np.testing.assert_allclose(measured, by_hand, rtol=1e-6)
    assert found.conventions["off_target"] == ["kl", "loss of first words"]


@every_shape
@pytest.mark.parametrize("name", ["resample:mood", "noise", "scale"])
def test_each_dose_is_what_a_pass_with_hooks_gives(shape: str, name: str) -> None:
    case, doses = case_of(shape), (0.0, 0.5, 2.0)
    found: Response = dose_response(
        case.model, case.task, at="a1.h1@end", replacement=name, doses=doses, references=None,
        off_target="kl", replicates=100,
    )  # fmt: skip
    for i, dose in enumerate(doses):
        written = f"{name}:{dose}" if name in ("noise", "scale") else f"blend:{dose}:{name}"
        by_hand = case.loss([case.put("a1.h1@end", written)])
        measured = found.per_example["dosed loss"][i, :, 0]
        np.testing.assert_allclose(measured, by_hand, rtol=1e-6)
    assert [curve.metric for curve in found.curves] == ["loss", "kl"]
    effects = found.target.response.effects.mean
    slope = np.polyfit(doses, effects, 1)[0]
    assert found.target.response.slope.value == pytest.approx(slope)


def test_noise_of_all_doses_is_the_same_noise() -> None:
    """So a curve over scales is one curve, and not as many samples."""
    case = case_of("gpt2")
    found = dose_response(
        case.model, case.task, at="final@end", replacement="noise", doses=[0, 1e-4, 2e-4],
        references=None, replicates=100,
    )  # fmt: skip
    effects = np.diff(found.per_example["dosed loss"][:, :, 0], axis=0)
    np.testing.assert_allclose(effects[0], effects[1], rtol=1e-2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"doses": [0.5, 1]},
            "doses: must run from 0 to 1, found 0.5 to 1. At 0 nothing is ",
        ),
        ({"doses": [0, 1, 0.5]}, "doses: must be at least two that rise, found 0, 1, 0.5. "),
        ({"doses": []}, "doses: must be at least two that rise, found none. "),
        ({"replacement": "noise"}, "replacement 'noise': is written noise:SCALE."),
        (
            {"replacement": "resample:mod"},
            "replacement 'resample:mod': the data have no column 'mod'. Did you mean mood?",
        ),
        (
            {"off_target": "task:repeated_tokens(n=8)"},
            "replacement 'corrupted': what stands there in the corrupted run means nothing in task "
            "'repeated_tokens'. Name a replacement such as mean, which a second task has too.",
        ),
        (
            {"off_target": "task:repeated_tokens(n=8)", "replacement": "mean_within:mood"},
            "task 'repeated_tokens': replacement 'mean_within:mood': the data have no column "
            "'mood'. Known: ",
        ),
        (
            {"off_target": "task:repeated_tokens(n=8)", "replacement": "mean"},
            "task 'repeated_tokens': place 'm0@end': no role 'end'. Known: ",
        ),
    ],
)
def test_what_cannot_be_knocked_is_refused_in_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        found_at("gpt2", "m0@end", **options)
    assert str(refused.value).startswith(said)


def test_some_neurons_of_what_is_corrupted_are_refused() -> None:
    with pytest.raises(InputRefused, match="is a part of what the corruption m0=zero replaces"):
        found_at("gpt2", "m0.n3", "m0=zero")


def test_the_table_has_both_ways_and_every_dose() -> None:
    found = found_at("gpt2", "m0", off_target="kl")
    rows = found.table()
    assert len(rows) == 2 * 2 * len(DOSES)
    assert {(row["knock"], row["metric"], row["aim"]) for row in rows} == {
        (way, metric, aim)
        for way in ("out", "in")
        for metric, aim in (("loss", "target"), ("kl", "off-target"))
    }
    document = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert document["out"][0]["response"]["doses"] == list(DOSES)
    assert document["unchanged"] == found.unchanged
