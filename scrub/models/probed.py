"""Probed once: a model that has passed is remembered, by its weights and by the code that ran."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

from scrub.models.adapter import TransformersModel
from scrub.models.probe import probe


def cache_folder() -> Path:
    """Where passed probes are remembered: `SCRUB_CACHE`, else the user's cache folder."""
    if given := os.environ.get("SCRUB_CACHE"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "scrub"


def require_probed(model: TransformersModel) -> None:
    """Run the probe unless this model has passed it here before. Raises `ModelRefused`."""
    note = cache_folder() / "probes" / f"{_key(model)}.json"
    if note.is_file():
        return
    report = probe(model)
    report.require()
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        shown = {check.name: check.error for check in report.checks}
        note.write_text(json.dumps({"model": report.model, "errors": shown}, indent=2))
    except OSError:
        return  # a cache that cannot be written costs a second probe, and nothing else


def _key(model: TransformersModel) -> str:
    """The weights, and everything else that decides how they are run."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        code.update(path.read_bytes())
    parts = [
        model.fingerprint(),
        code.hexdigest(),
        version("torch"),
        version("transformers"),
        str(model.device.type),
        str(model.dtype),
        str(getattr(model.module.config, "_attn_implementation", "")),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
