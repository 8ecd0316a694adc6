"""Running a suite: recordings are shared, what is done stays done, and no error costs another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scrub.errors import InputRefused
from scrub.results.store.owners import owner
from scrub.results.store.store import Entry, Store, StoreFailed
from scrub.sampling.donors import draw_donors
from scrub.study.experiment import run
from scrub.study.suites import driving, working
from scrub.study.suites.driving import Unwatched
from scrub.study.suites.jobs import Job, Reader
from scrub.study.suites.messages import Began, Finished, Message, Stage
from scrub.study.suites.planning import State, forecast, jobs_of
from scrub.study.suites.suite import Suite
from scrub.study.suites.suites import Became, run_suite
from tests.study.suites.conftest import TOY, Write, starts, suite_of, table


class Heard(Unwatched):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.found: list[Job] = []

    def hears(self, message: Message, job: Job | None) -> None:
        self.messages.append(message)

    def finds(self, job: Job) -> None:
        self.found.append(job)

    def count(self, kind: type) -> int:
        return sum(isinstance(message, kind) for message in self.messages)

    def stages(self, name: str) -> int:
        return sum(isinstance(m, Stage) and m.name == name for m in self.messages)


def test_jobs_of_one_model_and_data_set_share_a_recording(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = Heard()
    suite = toy_suite(seeds=range(2), conventions={"unimportant": ["together", "one"]})
    ran = run_suite(suite, tmp_path / "store", watch=heard)
    assert len(ran.parts) == 4
    assert not ran.failed
    assert heard.stages("recording") == 1
    assert heard.count(Began) == heard.count(Finished) == 4
    monkeypatch.setattr("scrub.study.suites.shards.SIZE", 2)
    other = Heard()
    run_suite(toy_suite(seeds=range(3, 6)), tmp_path / "store", watch=other)
    assert other.stages("recording") == 2  # one for each shard


def test_a_job_comes_out_as_a_run_alone(toy_suite: Write, tmp_path: Path) -> None:
    suite = toy_suite(seeds=[3, 5], conventions={"unimportant": ["together", "one"]})
    ran = run_suite(suite, tmp_path / "store")
    for part, found in zip(ran.parts, ran.results(), strict=True):
        alone = run(Reader().hypothesis(part.job), part.job.settings)
        assert found.recovered == alone.recovered
        assert found.fingerprints == alone.fingerprints
        for name, value in vars(alone.per_example).items():
            assert (value is None) == (getattr(found.per_example, name) is None)
            if value is not None:
                np.testing.assert_array_equal(getattr(found.per_example, name), value)


def test_what_is_finished_is_not_run_again(toy_suite: Write, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run_suite(toy_suite(seeds=[0, 1]), store)
    before = table(store)
    ran = run_suite(toy_suite(seeds=[0, 1, 2]), store)
    assert [part.became for part in ran.parts] == [Became.FOUND, Became.FOUND, Became.DONE]
    assert len(starts(store)) == 3
    assert {key: row for key, row in table(store).items() if key in before} == before


def test_the_address_tells_what_numbers_depend_on_and_nothing_else(tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = suite_of(tmp_path / "a", seeds=[0])
    run_suite(first, store)
    same = suite_of(tmp_path / "b", seeds=[0], settings={"replicates": 100, "batch": 4})
    (tmp_path / "b" / "toy.py").rename(tmp_path / "b" / "renamed.py")
    renamed = Suite(**{**vars(same), "hypotheses": ["renamed.py"]})
    assert [part.became for part in run_suite(renamed, store).parts] == [Became.FOUND]
    for changed in (
        {"seeds": [1]},
        {"draws": 3},
        {"references": 9},
        {"conventions": {"baseline": "zero"}},
        {"settings": {"replicates": 101}},
        {"settings": {"replicates": 100, "level": 0.9}},
    ):
        ran = run_suite(suite_of(tmp_path / "a", **changed), store)
        assert [part.became for part in ran.parts] == [Became.DONE], changed
    path = tmp_path / "a" / "toy.py"
    for old, new in (("default_rng(0)", "default_rng(1)"), ("2 * x0", "2 * x0 + 1")):
        path.write_text(TOY.replace(old, new))
        ran = run_suite(first, store)  # other data, other weights
        assert [part.became for part in ran.parts] == [Became.DONE], new


def test_a_result_found_under_another_name_is_called_as_asked(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, hypotheses=["toy.py", "twin.py"])
    assert suite.hypotheses
    ran = run_suite(suite, tmp_path / "store")
    assert [part.became for part in ran.parts] == [Became.DONE, Became.DONE]
    assert [result.name for result in ran.results()] == ["toy", "twin"]
    assert len(starts(tmp_path / "store")) == 1


@pytest.fixture(autouse=True)
def _twin(tmp_path: Path) -> None:
    (tmp_path / "twin.py").write_text(TOY)


def test_a_job_that_cannot_be_planned_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(TOY.replace('component="A"', 'component="A9"'))
    (tmp_path / "raises.py").write_text(TOY + "\nraise KeyError('mine')\n")
    suite = suite_of(tmp_path, hypotheses=["wrong.py", "toy.py", "raises.py"], seeds=[0, 1])
    ran = run_suite(suite, tmp_path / "store")
    became = [(part.job.name, part.became.value) for part in ran.parts]
    assert became == [("wrong", "failed"), ("toy", "done"), ("raises", "failed")] * 2
    assert "'A9'" in ran.failed[0].why
    assert ran.failed[1].why.startswith("raises.py, line ")
    assert len(ran.results()) == 2


def _failing(monkeypatch: pytest.MonkeyPatch, seeds: set[int], after: int = 0) -> None:
    """Jobs with these seeds raise: in their own run, once so many others have been done."""
    real = working._outcome

    def outcome(plan: Any, *args: Any) -> Any:
        if plan.settings.seed in seeds:
            raise RuntimeError(f"seed {plan.settings.seed}\nis unlucky")
        return real(plan, *args)

    monkeypatch.setattr(working, "_outcome", outcome)


def test_a_job_that_raises_is_kept_as_failed_and_tried_again(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, suite = tmp_path / "store", toy_suite(seeds=range(6))
    undisturbed = tmp_path / "undisturbed"
    run_suite(suite, undisturbed)
    _failing(monkeypatch, {0, 3})
    ran = run_suite(suite, store)
    assert [part.became.value for part in ran.parts] == [
        *("failed", "done", "done"),
        *("failed", "done", "done"),
    ]
    assert ran.parts[0].why == "RuntimeError: seed 0 is unlucky"
    with Store.reading(store) as kept:
        messages = [row.message for row in kept.rows() if not row.is_done]
    assert messages == ["RuntimeError: seed 0 is unlucky", "RuntimeError: seed 3 is unlucky"]
    monkeypatch.undo()
    again = run_suite(suite, store)
    assert not again.failed
    assert [part.became.value for part in again.parts].count("found") == 4
    assert table(store) == table(undisturbed)


def test_a_job_whose_draws_fail_costs_no_other(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawing is for all jobs of a recording: the culprit is found by running each alone."""
    real = draw_donors

    def draw(tree: Any, references: Any, draws: int, seed: int, dataset: Any) -> Any:
        if seed == 2:
            raise MemoryError("no room for donors")
        return real(tree, references, draws, seed, dataset)

    suite = toy_suite(seeds=range(4))
    run_suite(suite, tmp_path / "undisturbed")
    monkeypatch.setattr("scrub.study.measuring.draw_donors", draw)
    ran = run_suite(suite, tmp_path / "store")
    assert [part.became.value for part in ran.parts] == ["done", "done", "failed", "done"]
    assert ran.failed[0].why == "MemoryError: no room for donors"
    whole, left = table(tmp_path / "undisturbed"), table(tmp_path / "store")
    assert all(left[key] == whole[key] for key in left if left[key][0].value == "done")


def test_a_file_that_changes_while_the_suite_runs_is_found_out(
    toy_suite: Write, tmp_path: Path
) -> None:
    class Changing(Unwatched):
        def starts(self, jobs: int, done: int) -> None:
            (tmp_path / "toy.py").write_text(TOY.replace("3 * x1", "4 * x1"))

    suite = toy_suite(seeds=[0])
    ran = _run_apart(suite, tmp_path / "store", Changing())
    assert [part.why for part in ran.failed] == [working.CHANGED]


def _run_apart(suite: Suite, store: Path, watch: Any) -> Any:
    """As another process would: with a reader of its own."""
    from scrub.study.suites import engines
    from scrub.study.suites import suites as front

    class Apart(engines.Here):
        def run(self, driver: driving.Driver) -> None:
            engines.Here(working.Workshop()).run(driver)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "engine_of", lambda *_: Apart())
        return run_suite(suite, store, watch=watch)


def test_a_full_disk_stops_the_suite_and_blames_no_job(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, suite = tmp_path / "store", toy_suite(seeds=range(4))
    real, count = Store.finish, []

    def finish(self: Store, key: str, entry: Entry) -> None:
        count.append(key)
        if len(count) > 2:
            raise StoreFailed("no room")
        real(self, key, entry)

    monkeypatch.setattr(Store, "finish", finish)
    with pytest.raises(StoreFailed, match="no room"):
        run_suite(suite, store)
    monkeypatch.undo()
    with Store.reading(store) as kept:
        assert [row.status.value for row in kept.rows()] == ["done", "done"]
        assert kept.claim(["anything"], owner()).mine  # nothing is left locked
    ran = run_suite(suite, store)
    assert [part.became.value for part in ran.parts] == ["found", "found", "done", "done"]


def test_the_forecast_tells_what_is_done_without_running_anything(
    toy_suite: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    (tmp_path / "wrong.py").write_text(TOY.replace('component="A"', 'component="A9"'))
    _failing(monkeypatch, {1})
    run_suite(toy_suite(seeds=[0, 1]), store)
    suite = toy_suite(hypotheses=["toy.py", "wrong.py"], seeds=[0, 1, 2])
    with Store.reading(store) as kept:
        found = forecast(suite, kept)
    by_name = {(one.job.name, one.job.settings.seed): one.state for one in found}
    assert by_name == {
        ("toy", 0): State.DONE,
        ("toy", 1): State.FAILED,
        ("toy", 2): State.TO_DO,
        **{("wrong", seed): State.REFUSED for seed in range(3)},
    }
    assert all(one.flops > 0 for one in found if one.state is not State.REFUSED)
    assert [one.state for one in forecast(suite, None)].count(State.TO_DO) == 3


def test_only_runs_what_matches(toy_suite: Write, tmp_path: Path) -> None:
    suite = toy_suite(seeds=range(12), conventions={"nodes": ["joint", "independent"]})
    assert len(jobs_of(suite, "seed=3 ")) == 2
    assert len(run_suite(suite, tmp_path / "b", only="toy*seed=1? nodes=joint").parts) == 2
    with pytest.raises(InputRefused) as raised:
        run_suite(suite, tmp_path / "c", only="seed=99")
    label = "toy references=8 draws=2 seed"
    assert str(raised.value) == (
        "option 'only': 'seed=99' matches none of 24. Jobs are called, for example: "
        f"{label}=0 nodes=joint; {label}=0 nodes=independent; {label}=1 nodes=joint."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"engine": "rey"}, "option 'engine': 'rey' is none. Did you mean ray?"),
        ({"workers": 0}, "option 'workers': must be at least 1, found 0."),
        (
            {"address": "ray://x:1"},
            "option 'address': is that of a Ray cluster, and the engine is local. Add --engine "
            "ray.",
        ),
    ],
)
def test_options_are_refused_in_words(
    toy_suite: Write, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputRefused) as raised:
        run_suite(toy_suite(), tmp_path / "store", **options)
    assert str(raised.value) == said
    assert not (tmp_path / "store").exists()


def test_what_is_in_memory_is_not_for_other_processes(tmp_path: Path) -> None:
    in_memory = Reader().hypothesis(suite_of(tmp_path).jobs()[0])
    suite = suite_of(tmp_path, hypotheses=[in_memory])
    with pytest.raises(InputRefused) as raised:
        run_suite(suite, tmp_path / "store", workers=2)
    assert str(raised.value) == (
        "hypothesis 'toy': is in memory, or its model or data are, and other processes read them "
        "from files. Write it into a file, or use one worker of the local engine."
    )
    assert not run_suite(suite, tmp_path / "store").failed
