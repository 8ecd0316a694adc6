"""One site under every replacement, held to whole forward passes with hooks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from scrub import Dataset, InputRefused, Task, sensitivity
from scrub.engine.replacements import replacement
from scrub.mediation.ablation import Sensitivity
from scrub.mediation.findings import Finding
from scrub.mediation.measuring import unchanged
from scrub.mediation.subject import Subject
from tests.mediation.hookloops import SHAPES
from tests.mediation.sites import CASES, ROWS, case_of

TABLE = (
    "zero", "mean", "mean_within:mood", "resample", "resample:mood", "partner:partner",
    "toward:mood=glad", "noise:0.5", "scale:2", "blend:0.3:mean",
)  # fmt: skip


def found_at(shape: str, at: Any, **options: Any) -> Sensitivity:
    case = case_of(shape)
    return sensitivity(case.model, case.task, at=at, references=None, **options)


def effect_of(found: Sensitivity, name: str) -> float:
    effect = found[name].effect
    assert effect is not None
    return effect.value


@pytest.mark.parametrize(("shape", "site"), CASES)
def test_every_replacement_is_what_a_pass_with_hooks_gives(shape: str, site: str) -> None:
    case, found = case_of(shape), found_at(shape, site, replacements=TABLE, replicates=100)
    wild = case.loss()
    np.testing.assert_allclose(found.per_example["wild loss"], wild, rtol=1e-6)
    for name in TABLE:
        by_hand = case.loss([case.put(site, name)])
        np.testing.assert_allclose(found.per_example[f"{name} loss"][:, 0], by_hand, rtol=1e-6)
        effect = by_hand.mean() - wild.mean()
        assert effect_of(found, name) == pytest.approx(effect, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_several_places_are_replaced_together(shape: str) -> None:
    case = case_of(shape)
    found = found_at(shape, "a0.h0,a0.h1@end,m1", replacements=["mean"])
    assert found.places == ("a0.h0@end", "a0.h1@end", "m1")
    changes = [case.put(site, "mean") for site in found.places]
    by_hand = case.loss(changes)
    np.testing.assert_allclose(found.per_example["mean loss"][:, 0], by_hand, rtol=1e-6)


def test_a_subspace_and_its_complement_make_up_the_component() -> None:
    """Both zero at once is the component at zero; one alone is the projection."""
    case = case_of("gpt2")
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(24, 3)))[0]
    found = found_at("gpt2", "m0@end", replacements=["zero"], subspace=basis)

    def left(own: Any) -> Any:
        matrix = own.new_tensor(basis)
        return own - own @ matrix @ matrix.T

    by_hand = case.loss([case.change("m0@end", left)])
    np.testing.assert_allclose(found.per_example["zero loss"][:, 0], by_hand, rtol=1e-6)
    whole = np.linalg.qr(np.random.default_rng(1).normal(size=(24, 24)))[0]
    same = found_at("gpt2", "m0@end", replacements=["zero"], subspace=whole)
    by_hand = case.loss([case.put("m0@end", "zero")])
    np.testing.assert_allclose(same.per_example["zero loss"][:, 0], by_hand, rtol=1e-6)


def test_what_changes_nothing_has_no_effect() -> None:
    nothing = ("scale:1", "noise:0", "blend:0:zero")
    found = found_at("llama", "m0", replacements=nothing)
    for name in nothing:
        assert abs(effect_of(found, name)) < 1e-12
        assert found[name].divergence == pytest.approx(0, abs=1e-12)


def test_draws_that_land_on_equal_inputs_at_equal_positions_are_counted_as_unchanged() -> None:
    """Four rows, two inputs: of the donors of a row, itself among them, half are its input."""
    rows = [
        {"tokens": [1 + row % 2, 3, 4], "roles": {"end": 2, "other": row}, "answer": row}
        for row in range(2)
    ]
    rows += [{**row, "roles": {"end": 2, "other": 2}} for row in rows]
    task = Task(Dataset.from_rows(rows), at="end")
    found = sensitivity(
        case_of("gpt2").model, task, at="m0@end", replacements=["resample", "mean"], draws=200
    )
    assert found["resample"].unchanged == pytest.approx(0.5, abs=0.06)
    assert found["mean"].unchanged is None
    assert found.conventions["units"] == 2
    assert found.per_example["mean loss"].shape == (4, 1)  # nothing is drawn: one draw is enough
    subject = Subject(case_of("gpt2").model, task, np.arange(4))
    (scene,) = subject.scenes()
    (place,) = subject.places("m0@other")
    again = unchanged(scene, [(place, replacement("resample"))])
    donors = scene.donors(replacement("resample"))[0]
    assert again is not None
    assert again.tolist() == (donors == scene.rows).tolist()  # there no two rows are equal


def test_equal_means_can_hide_changes_which_the_divergence_shows() -> None:
    found = found_at("gpt2", "resid.1@end", replacements=["resample"], draws=3)
    changes = found.per_example["resample loss"] - found.per_example["wild loss"][:, None]
    assert found["resample"].divergence == pytest.approx(np.abs(changes).mean())
    assert np.abs(changes).mean() > abs(effect_of(found, "resample"))


def test_side_effects_are_measured_on_the_same_outputs() -> None:
    def first_logit(output: Any, columns: Any) -> Any:
        return output[:, 0, 0]

    found = found_at(
        "gpt2", "a1.h1@end", replacements=["zero"], off_target=["kl", "accuracy", first_logit]
    )
    assert list(found.wild) == ["loss", "kl", "accuracy", "first_logit"]
    assert found["zero"].off_target is not None
    assert found["zero"].off_target["kl"].value > 0
    case = case_of("gpt2")
    logits = case.loop.run(case.tokens, [case.put("a1.h1@end", "zero")])["logits"]
    by_hand = (logits - case.plain["logits"])[:, -1, 0].mean()
    assert found["zero"].off_target["first_logit"].value == pytest.approx(float(by_hand), rel=1e-6)


def test_a_replacement_that_the_site_does_not_allow_is_a_row_that_says_why() -> None:
    rows = [{"tokens": list(range(n)), "roles": {"end": n - 1}, "answer": 1} for n in (4, 4, 5, 5)]
    task = Task(Dataset.from_rows(rows), at="end")
    model = case_of("gpt2").model
    found = sensitivity(model, task, at="m0", replacements=["mean", "zero"])
    assert found["zero"].effect is not None
    assert found["mean"].effect is None
    assert found["mean"].refusal == (
        "place 'm0': a mean position by position needs examples of one length, found lengths "
        "from 4 to 5. Name a role, or give examples of one length."
    )
    assert found.table()[0]["effect"] is None
    with pytest.raises(InputRefused, match="replacement 'mean': place 'm0'"):
        sensitivity(model, task, at="m0", replacements=["mean"])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"replacements": []}, "replacements: there are none. Name at least one."),
        ({"replacements": ["mean", "nil"]}, "replacement 'nil': does not exist. Known: "),
        (
            {"columns": ["mod"]},
            "replacement 'mean_within:mod': the data have no column 'mod'. Did you mean mood?",
        ),
        ({"drws": 3}, "option 'drws': does not exist. Did you mean draws?"),
        ({"draws": 0}, "option 'draws': must be at least 1."),
        ({"level": 2}, "option 'level': must lie between 0 and 1, both excluded; found 2."),
        ({"off_target": "losss"}, "off-target metric 'losss': does not exist. Did you mean loss?"),
        ({"off_target": "loss"}, "off-target metric 'loss': is measured already. "),
        (
            {"off_target": "task:other"},
            "off-target 'task:other': another task is measured by knock-out alone. "
            "Name a corruption too.",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        found_at("gpt2", "m0@end", **given)
    assert str(refused.value).startswith(said)


def test_a_subspace_of_two_places_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        found_at("gpt2", "m0,m1", subspace=np.eye(24)[:, :2])
    assert str(refused.value) == (
        "subspace: belongs to one component's output; there are 2 places: m0, m1."
    )


def test_the_finding_is_kept_with_all_it_rests_on(tmp_path: Any) -> None:
    found = found_at("gpt2", "m0@end", replacements=["zero", "resample"], draws=2, seed=3)
    path = found.write_json(tmp_path / "found.json")
    document = json.loads(path.read_text())
    assert document["schema"] == "scrub-sensitivity/1"
    expected = {"model": "gpt2", "task": "moods", "metric": "loss", "examples": ROWS, "seed": 3}
    assert document["conventions"].items() >= {**expected, "draws": 2, "at": "m0@end"}.items()
    from safetensors.numpy import load_file

    arrays = load_file(tmp_path / document["examples_file"])
    assert arrays["resample loss"].shape == (ROWS, 2)
    mean = document["rows"][1]["mean"]["value"]
    assert mean == pytest.approx(arrays["resample loss"].mean())
    lines = found.write_csv(tmp_path / "found.csv").read_text().splitlines()
    assert lines[0].startswith("replacement,mean,mean low,mean high,effect")
    assert [line.split(",")[0] for line in lines[1:]] == ["zero", "resample"]


def test_the_batch_changes_no_figure() -> None:
    table = ("resample", "noise:1", "mean")
    some = [found_at("llama", "a0.h0", replacements=table, batch=n, draws=2) for n in (3, 64)]
    for name in table:
        one, other = (found.per_example[f"{name} loss"] for found in some)
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_bare_finding_has_no_table() -> None:
    with pytest.raises(NotImplementedError):
        Finding({}, {}).table()
