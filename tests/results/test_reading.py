"""Files come back as what was written; what is damaged, foreign or alone is refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from scrub.errors import InputRefused
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.reading import read_any, read_result, read_worst_allowed
from scrub.results.result import Example, Result
from scrub.results.schema import schema
from tests.report.fixed import RESULT, changed, refused
from tests.report.handed import DRAWN, comparison, controls, refused_comparison, worst_allowed

RESULTS = {
    "plain": RESULT,
    "drawn": DRAWN,
    "refused": refused(),
    "sparse": changed(null=None, kl=None, worst=(), nodes=()),
    "without kl": changed(per_example=replace(RESULT.per_example, kl=None)),
}


def same_values(one: Result, other: Result) -> None:
    for name, value in vars(one.per_example).items():
        np.testing.assert_array_equal(
            getattr(other.per_example, name), value, strict=value is not None
        )


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    found = Result.read_json(RESULTS[name].write_json(tmp_path / "r.json"))
    assert found.as_dict() == RESULTS[name].as_dict()
    assert type(found.worst) is tuple
    assert all(type(one) is Example for one in found.worst)
    same_values(RESULTS[name], found)


@pytest.mark.parametrize("make", [comparison, refused_comparison])
def test_a_comparison_comes_back_with_the_values_of_each(
    make: Callable[[], Comparison], tmp_path: Path
) -> None:
    written = make()
    found = Comparison.read_json(written.write_json(tmp_path / "c.json"))
    assert found.as_dict() == written.as_dict()
    for one, other in zip(written.results, found.results, strict=True):
        np.testing.assert_array_equal(one.per_example.scrubbed, other.per_example.scrubbed)


def test_the_schema_says_which_value_is_read(tmp_path: Path) -> None:
    paths = [
        DRAWN.write_json(tmp_path / "r.json"),
        comparison().write_json(tmp_path / "c.json"),
        controls().write_json(tmp_path / "o.json"),
        worst_allowed().write_json(tmp_path / "w.json"),
    ]
    kinds = [Result, Comparison, Controls, WorstAllowed]
    assert [type(read_any(path)) for path in paths] == kinds


def test_a_worst_sampling_comes_back_as_it_was(tmp_path: Path) -> None:
    written = worst_allowed()
    found = read_worst_allowed(written.write_json(tmp_path / "w.json"))
    assert found.as_dict() == written.as_dict()
    np.testing.assert_array_equal(found.per_example.worst, written.per_example.worst)


def test_what_was_not_finite_is_not_a_number_again(tmp_path: Path) -> None:
    odd = changed(divergence=float("inf"))
    assert np.isnan(read_result(odd.write_json(tmp_path / "r.json")).divergence)


def test_a_file_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Without the graph, the donors and the marks, which were added to the format later."""
    path = DRAWN.write_json(tmp_path / "r.json")
    document = json.loads(path.read_text())
    for name in ("graph", "stopping", "variance"):
        document.pop(name, None)
    for one in document["worst"]:
        for name in ("marks", "draw", "at_draw", "donors"):
            del one[name]
    jsonschema.Draft202012Validator(schema()).validate(document)
    path.write_text(json.dumps(document))
    found = read_result(path)
    assert found.graph is None
    assert found.worst[0].donors == ()
    assert found.worst[0].draw is None


def test_what_a_drawn_result_writes_is_in_the_schema() -> None:
    jsonschema.Draft202012Validator(schema()).validate(DRAWN.as_dict())


def broken(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {**document, **changes}


def without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: {k: v for k, v in document.items() if k != name}


RESULT_OR = "scrub-result/1"
DAMAGED = "It may be damaged: write it again."
REFUSALS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another schema": (
        broken(schema="scrub-trace/1"),
        f"its schema is 'scrub-trace/1'; what can be read is {RESULT_OR}. Another version of "
        "scrub, or another command, wrote it.",
    ),
    "no schema": (
        without("schema"),
        f"names no schema; {RESULT_OR} can be read. Give what `scrub run --json` or "
        "`scrub compare --json` wrote.",
    ),
    "no object": (
        lambda document: [1, 2],
        f"names no schema; {RESULT_OR} can be read. Give what `scrub run --json` or "
        "`scrub compare --json` wrote.",
    ),
    "a field missing": (without("means"), f"means: is missing. {DAMAGED}"),
    "a field unknown": (broken(surprise=1), f"surprise: is not known. {DAMAGED}"),
    "a text for a number": (
        broken(divergence="much"),
        f'divergence: must be a number, found "much". {DAMAGED}',
    ),
    "a number for a text": (broken(name=3), f"name: must be a text, found 3. {DAMAGED}"),
    "a list for an object": (
        broken(claims=[]),
        f"claims: must be an object, found []. {DAMAGED}",
    ),
    "too few of three": (
        lambda d: {**d, "nodes": [{**d["nodes"][0], "class_sizes": [1, 2]}]},
        f"nodes[0].class_sizes: must be a list of 3, found [1, 2]. {DAMAGED}",
    ),
    "a file elsewhere": (
        broken(examples_file="../r.examples.safetensors"),
        f"examples_file: must name the file beside it that holds the per-example values. {DAMAGED}",
    ),
    "a file that is gone": (
        broken(examples_file="gone.safetensors"),
        "its per-example values are in 'gone.safetensors', which is not beside it. Copy both "
        "files together.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_damaged_file_is_refused_with_its_place(name: str, tmp_path: Path) -> None:
    change, said = REFUSALS[name]
    path = RESULT.write_json(tmp_path / "r.json")
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputRefused) as problem:
        read_result(path)
    assert str(problem.value) == f"'{path}': {said}"


def test_all_fields_that_do_not_fit_are_named_at_once(tmp_path: Path) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "name": 1, "claim": 2}))
    with pytest.raises(InputRefused) as problem:
        read_result(path)
    assert [one.found for one in problem.value.problems] == [
        "name: must be a text, found 1.",
        "claim: must be a text, found 2.",
    ]


def test_half_a_file_and_no_file_are_refused(tmp_path: Path) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputRefused, match=r"is no JSON \("):
        read_any(path)
    with pytest.raises(InputRefused) as problem:
        read_any(tmp_path / "none.json")
    assert str(problem.value).endswith("cannot be read: no such file or directory.")


def test_damaged_values_are_refused(tmp_path: Path) -> None:
    path = RESULT.write_json(tmp_path / "r.json")
    beside = tmp_path / "r.examples.safetensors"
    whole = beside.read_bytes()
    beside.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputRefused) as problem:
        read_result(path)
    assert str(problem.value) == f"'{beside}': is no safetensors file. {DAMAGED}"


def test_values_that_do_not_fit_one_another_are_refused(tmp_path: Path) -> None:
    odd = changed(per_example=replace(RESULT.per_example, model=np.array([0.1])))
    path = odd.write_json(tmp_path / "r.json")
    with pytest.raises(InputRefused) as problem:
        read_result(path)
    assert str(problem.value) == (
        f"'{path}': its per-example values do not fit: model is [1], scrubbed [2, 3]. {DAMAGED}"
    )


def test_a_comparison_that_speaks_of_others_is_refused(tmp_path: Path) -> None:
    path = comparison().write_json(tmp_path / "c.json")
    path.write_text(path.read_text().replace('"first": "induction"', '"first": "someone"'))
    with pytest.raises(InputRefused) as problem:
        read_any(path)
    assert str(problem.value) == (
        f"'{path}': speaks of 'someone', of which it holds no result. {DAMAGED}"
    )
