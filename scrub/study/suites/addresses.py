"""The address of a job: a hash of everything that its numbers depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from scrub import __version__
from scrub.hypothesis.options import Donors
from scrub.mediation.journal import code
from scrub.models.code import code_text
from scrub.results import adversary, controls, result
from scrub.study.identity import fingerprint_of_claim, said_of_task
from scrub.study.prepare import Plan
from scrub.study.suites.jobs import Job, Kind

SCHEMAS = {
    Kind.SCRUB: result.SCHEMA,
    Kind.CONTROLS: controls.SCHEMA,
    Kind.ADVERSARY: adversary.SCHEMA,
}
# How the work is cut and where it is done; a number may change in its last bits, and no draw does.
NOT_TOLD = ("batch", "memory", "threads", "device")


def address(job: Job, plan: Plan, weights: str) -> str:
    """sha256 over what is run, the claim and its conventions, the data and the metric, the weights,
    the settings, the schema of the result, and scrub's own code and what that stands on.

    Where the hypothesis' file lies and what it is called are no part of it.
    """
    return hashlib.sha256(
        json.dumps(_said(job, plan, weights), sort_keys=True).encode()
    ).hexdigest()


def _said(job: Job, plan: Plan, weights: str) -> Mapping[str, Any]:
    claim, task = plan.claim.tree.claim, plan.task
    settings = plan.settings.as_dict()
    return {
        "kind": job.kind.value,
        "hypothesis": fingerprint_of_claim(claim, plan.hypothesis.source),
        "conventions": claim.options.as_dict(),
        "task": dict(said_of_task(task)),
        "generator": code_text(task.generator) if claim.options.donors is Donors.GENERATED else "",
        "weights": weights,
        "settings": {name: value for name, value in settings.items() if name not in NOT_TOLD},
        "device": job.settings.device.partition(":")[0],
        "schema": SCHEMAS[job.kind],
        "code": [__version__, code()],
    }


def said_of(job: Job, plan: Plan | None) -> dict[str, Any]:
    """What was asked for, as it is kept in the store and shown: by name, plain values."""
    hypothesis = job.hypothesis if isinstance(job.hypothesis, str) else job.name
    found: dict[str, Any] = {
        "hypothesis": hypothesis,
        "model": None if job.model is None else str(job.model),
        "data": None if job.data is None else str(job.data),
        "metric": job.metric,
        "conventions": {name: str(value) for name, value in job.conventions},
        **job.settings.as_dict(),
        "version": __version__,
    }
    if plan is not None:
        found |= {
            "model": plan.claim.tree.claim.graph.name,
            "task": plan.task.name,
            "metric": plan.task.metric_name,
            "references": len(plan.references),
            "conventions": plan.hypothesis.options.as_dict(),
        }
    return found
