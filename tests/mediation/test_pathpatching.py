"""Path patching through the public function, held to whole forward passes with hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from scrub import InputRefused, path_patch
from scrub.mediation.pathpatching import PathPatch
from tests.mediation.hookloops import SHAPES, Change
from tests.mediation.partners import CORRUPT, QUICK, Partners, partners
from tests.mediation.sites import END
from tests.mediation.slow import Slow

every_shape = pytest.mark.parametrize("shape", SHAPES)
WAYS = ("noise", "denoise")


def patched(shape: str, *paths: str, **more: Any) -> PathPatch:
    case = partners(shape)
    return path_patch(case.model, case.task, paths=paths, corrupt=CORRUPT, **QUICK | more)


def slow_of(case: Partners, way: str) -> Slow:
    """The run that is patched, and the other that the sources come from."""
    return case.slow if way == "noise" else case.back


@every_shape
@pytest.mark.parametrize("way", WAYS)
def test_one_edge_is_patched_as_by_hooks(shape: str, way: str) -> None:
    """The reader reads the feeder's difference besides, and all after it follows."""
    case = partners(shape)
    slow = slow_of(case, way)
    reader, port = ("a1.h1", "k") if shape != "bert" else ("an0", "in")
    delta = slow.other["a0.h1"] - slow.wild["a0.h1"]
    change = Change(slow.place(reader, port), lambda own: own + delta)
    found = patched(shape, f"a0.h1 -> {reader}<{port}>", direction=way)
    theirs = case.patched(slow, [change])
    np.testing.assert_allclose(found.per_example[way][0], theirs, atol=1e-6)
    start = found.per_example["wild" if way == "noise" else "corrupted"]
    effect = found[way].effects.bounds(0).value
    assert effect == pytest.approx((theirs - start).mean(), rel=1e-5, abs=1e-8)


@every_shape
@pytest.mark.parametrize("way", WAYS)
def test_a_path_of_several_hops_with_roles_is_followed_as_by_hooks(shape: str, way: str) -> None:
    """From the source at the end alone, component by component, and into the output."""
    case = partners(shape)
    slow = slow_of(case, way)
    hops = ("m0", "logits") if shape != "bert" else ("an0", "m0", "mn0", "a1.h0<v>", "an1")
    delta = slow.other["a0.h1"] - slow.wild["a0.h1"]
    delta[:, [i for i in range(delta.shape[1]) if i != END]] = 0
    for hop in hops[:-1]:
        name, _, port = hop.rstrip(">").partition("<")
        ports = {p: slow.read(slow.tokens, name, p) for p in case.model.graph[name].port_names}
        ports[port or "in"] = ports[port or "in"] + delta
        delta = slow.ran(name, ports) - slow.wild[name]
    change = Change(slow.place(hops[-1], "in"), lambda own: own + delta)
    found = patched(shape, " -> ".join(("a0.h1@end", *hops)), direction=way)
    np.testing.assert_allclose(found.per_example[way][0], case.patched(slow, [change]), atol=1e-6)


@every_shape
def test_all_that_leaves_the_embedding_gives_the_other_run(shape: str) -> None:
    """Noise and denoise along every edge of it are each other's complement."""
    case = partners(shape)
    paths = leaving(case)
    found = patched(shape, *paths)
    np.testing.assert_allclose(
        found.per_example["noise"][-1], found.per_example["corrupted"], atol=1e-8
    )
    np.testing.assert_allclose(
        found.per_example["denoise"][-1], found.per_example["wild"], atol=1e-8
    )
    assert found.names[-1] == "all together"
    if found["noise"].shares.share is not None:
        assert found["noise"].shares.share[-1] == pytest.approx(1)


def leaving(case: Partners) -> Sequence[str]:
    """A path for each component that reads the embedding."""
    readers = [
        (c.name, [p.name for p in c.ports if "embed" in p.feeders])
        for c in case.model.graph.components
    ]
    return [f"embed -> {name}<{','.join(ports)}>" for name, ports in readers if ports]


def test_a_source_that_names_several_components_is_as_many_paths() -> None:
    found = patched("gpt2", "a0.h0-1 -> m0 -> logits", "a0.h0 -> m0 -> logits", direction="noise")
    assert found.paths == ("a0.h0 -> m0 -> logits", "a0.h1 -> m0 -> logits")
    assert [one.direction for one in found.carried] == ["noise"]
    assert [row["path"] for row in found.table()] == [*found.paths, "all together"]
    with pytest.raises(KeyError):
        found["denoise"]


def test_a_source_without_a_difference_changes_nothing() -> None:
    case = partners("gpt2")
    found = path_patch(
        case.model, case.task, paths="a0.h0 -> logits", corrupt="m0=zero", direction="noise",
        **QUICK,
    )  # fmt: skip
    np.testing.assert_allclose(found.per_example["noise"][0], found.per_example["wild"], atol=1e-12)


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "all at once": (
        {
            "paths": ["a1.h0 -> a0.h0<q>", "a0.h0@nowhere -> logits", "x -> logits"],
            "corrupt": "embed=partner:nobody",
        },
        "path 'a1.h0 -> a0.h0<q>': a1.h0 does not feed port q of a0.h0. Known: embed.\n"
        "path 'a0.h0@nowhere -> logits': no role 'nowhere'. Known: end, start.\n"
        "path 'x -> logits': 'x' is no component and no stream. Known: embed, a0.h0, a0.h1, a0.h2, "
        "a0.h3, m0, a1.h0, a1.h1, … (17 in all).\n",
    ),
    "hop position": (
        {"paths": "a0.h0 -> m0@9 -> logits"},
        "path 'a0.h0 -> m0@9 -> logits': the shortest example has 6 positions. Count from 0.",
    ),
    "none": ({"paths": []}, "paths: there are none. Write a0.h1 -> a5.h1<q> -> logits."),
    "direction": (
        {"paths": "a0.h0 -> logits", "direction": "denoising"},
        "option 'direction': 'denoising' is no value of it. Did you mean denoise or noise?",
    ),
    "corrupted hop": (
        {"paths": "a0.h0 -> m0 -> logits", "corrupt": "m0=zero"},
        "path 'a0.h0 -> m0 -> logits': passes m0, which m0=zero replaces. Corrupt what comes "
        "before the path, or take noise alone.",
    ),
    "state": (
        {"paths": "a0.h0 -> logits", "corrupt": "resid.1=zero"},
        "path 'a0.h0 -> logits': cannot be followed in a run that resid.1=zero corrupts. Corrupt a "
        "component, or take noise alone.",
    ),
}


@pytest.mark.parametrize("which", REFUSALS)
def test_what_cannot_be_followed_is_refused(which: str) -> None:
    given, text = REFUSALS[which]
    case = partners("gpt2")
    with pytest.raises(InputRefused) as refused:
        path_patch(case.model, case.task, **{"corrupt": CORRUPT, **QUICK, **given})
    said = str(refused.value)
    assert said == text or (text.endswith("\n") and said.startswith(text))
