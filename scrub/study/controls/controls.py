"""What a hypothesis is held against before it is believed: nulls, claims left out, anchors, swaps.

check → plan each control → load and probe once → record once → run what differs → statistics
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scrub.engine.progress import Progress, Silent
from scrub.engine.threads import threaded
from scrub.errors import InputRefused, Problem, nearest
from scrub.hypothesis.changed import Sameness
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.loading import load_hypothesis
from scrub.results.controls import Controls
from scrub.results.result import Means
from scrub.study.assemble import conventions_of, estimate_of, figure_of
from scrub.study.comparing.compare import comparing
from scrub.study.controls import cautions as said
from scrub.study.controls.anchors import AnchorPart
from scrub.study.controls.claims import DroppedPart, SwapPart
from scrub.study.controls.conventions import ConventionPart
from scrub.study.controls.ground import Base, Ground, Outcome, measure_all
from scrub.study.controls.groups import groups
from scrub.study.controls.nulls import NullPart
from scrub.study.experiment import open_model, probe_model, provenance_of
from scrub.study.measuring import Clock
from scrub.study.prepare import Plan, prepare
from scrub.study.settings import Settings, changed_settings

CONTROLS = ("nulls", "leave_one_out", "anchors", "swaps", "subgroups", "sensitivity")
NULLS = 20  # of each kind: the least p is then 1/21, below 0.05


def controls(
    hypothesis: Hypothesis | str | Path,
    settings: Settings | None = None,
    *,
    which: Sequence[str] = CONTROLS,
    nulls: int = NULLS,
    progress: Progress | None = None,
    **changed: Any,
) -> Controls:
    """Hold a hypothesis against its controls; `docs/howto/controls.md` says what each of them is.

    `which` names some of `CONTROLS`; `nulls` is how many hypotheses of each kind are drawn at
    random. All are scored on the same references, and draw the same donors on paths that they have
    in common. Further keywords are those of `Settings`; `until` counts for nothing here. Raises
    `InputRefused` and `ModelRefused` as `run`.

    >>> found = controls("induction_naive", which=["swaps"], references=32, draws=2)
    >>> [(swap.node, swap.breaks) for swap in found.swaps]
    [('induction', True)]
    """
    settings = changed_settings(settings or Settings(), changed)
    settings = replace(settings, null="none", until=None, most_references=None, most_draws=None)
    _require_known(which, nulls)
    if not isinstance(hypothesis, Hypothesis):
        hypothesis = load_hypothesis(hypothesis)
    progress, clock = progress or Silent(), Clock()
    with threaded(settings.threads):
        with clock("check"):
            ground = Ground(prepare(hypothesis, settings), comparing(settings), Sameness())
        with clock("draw hypotheses"):
            parts = _Parts.of(ground, which, nulls)
        with clock("load"):
            model = open_model(hypothesis, settings)
        with clock("probe"):
            fingerprint = model.fingerprint()
            probe_model(model, fingerprint)
        outcomes = measure_all(dict(parts.plans(ground)), model, progress, clock)
        start = time.perf_counter()
        found = parts.found(Base(ground, outcomes["claim"]), outcomes, "subgroups" in which)
    provenance = provenance_of(ground.plan, model, fingerprint)
    seconds = {**clock.seconds, "statistics": time.perf_counter() - start}
    return replace(
        found,
        model=provenance.model,
        conventions={**found.conventions, "nulls": nulls, "which": list(which)},
        fingerprints=provenance.fingerprints,
        versions=provenance.versions,
        seconds={name: round(value, 4) for name, value in seconds.items()},
    )


def _require_known(which: Sequence[str], nulls: int) -> None:
    problems = [
        Problem("option 'which'", f"'{name}' is no control.", nearest(name, CONTROLS))
        for name in ([which] if isinstance(which, str) else which)
        if name not in CONTROLS or isinstance(which, str)
    ]
    if not isinstance(nulls, int) or isinstance(nulls, bool) or nulls < 1:
        found = f"must be a whole number of at least 1, found {nulls!r}."
        problems.append(Problem("option 'nulls'", found, "Leave out 'nulls' of which= for none."))
    if problems:
        raise InputRefused(problems)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The controls that were asked for; None for the others."""

    nulls: NullPart | None
    dropped: DroppedPart | None
    swaps: SwapPart | None
    anchors: AnchorPart | None
    conventions: ConventionPart | None

    @staticmethod
    def of(ground: Ground, which: Sequence[str], nulls: int) -> _Parts:
        return _Parts(
            NullPart.of(ground, nulls) if "nulls" in which else None,
            DroppedPart.of(ground) if "leave_one_out" in which else None,
            SwapPart.of(ground) if "swaps" in which else None,
            AnchorPart.of(ground) if "anchors" in which else None,
            ConventionPart.of(ground) if "sensitivity" in which else None,
        )

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        """The claim first, other metrics last."""
        yield "claim", ground.plan
        for part in (self.nulls, self.dropped, self.swaps, self.anchors, self.conventions):
            if part is not None:
                yield from part.plans(ground)

    def found(self, base: Base, outcomes: Mapping[str, Outcome], grouped: bool) -> Controls:
        plan, share = base.ground.plan, base.outcome.recovered
        assert base.outcome.measured is not None  # the claim itself is not optional
        estimate = estimate_of(plan, base.outcome.measured)
        nulls = self.nulls.found(base, outcomes) if self.nulls else ()
        left_out, order = self.dropped.found(base, outcomes) if self.dropped else ([], [])
        swaps = self.swaps.found(base, outcomes) if self.swaps else []
        anchors = self.anchors.found(base, outcomes) if self.anchors else ()
        sensitivity = self.conventions.found(base, outcomes) if self.conventions else ()
        parts = groups(base) if grouped else ()
        alpha = base.ground.alpha
        means = Means(
            *(figure_of(b) for b in (estimate.model, estimate.scrubbed, estimate.baseline))
        )
        return Controls(
            name=plan.hypothesis.name,
            claim=plan.hypothesis.claim,
            task=plan.task.name,
            model="",
            metric=plan.task.metric_name,
            recovered=share,
            means=means,
            nulls=nulls,
            left_out=tuple(left_out),
            anchors=anchors,
            swaps=tuple(swaps),
            subgroups=parts,
            sensitivity=sensitivity,
            cautions=(
                *((share.refusal,) if share.refusal else ()),
                *said.vacuous(base, anchors),
                *said.cancelling(means, estimate.divergence),
                *said.below_nulls(nulls, share, alpha),
                *said.idle(left_out, alpha),
                *said.harmless(swaps),
                *said.uneven(parts, share, alpha),
                *said.fragile(sensitivity, share),
            ),
            conventions=conventions_of(plan),
            fingerprints={},
            versions={},
            seconds={},
            per_example=_per_example(base, outcomes, order, len(swaps)),
        )


def _per_example(
    base: Base, outcomes: Mapping[str, Outcome], order: Sequence[int], swaps: int
) -> dict[str, np.ndarray]:
    """Values of every reference and draw: what all have in common, then each by its number."""
    sample = base.outcome.sample
    found = {
        "references": sample.references,
        "model": sample.model,
        "baseline": sample.baseline,
        "scrubbed": sample.scrubbed,
    }
    named = [(f"without.{place}", f"without.{number}") for place, number in enumerate(order)]
    named += [(f"swap.{number}",) * 2 for number in range(swaps)]
    for name, planned in named:
        if planned in outcomes:
            found[name] = outcomes[planned].sample.scrubbed
    return found
