"""scrub probe"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scrub.cli import options as o
from scrub.study.settings import Settings


def probe(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A model folder, the name of a shipped model, or a hub id.",
            show_default=False,
        ),
    ],
    device: o.Device = Settings.device,
    dtype: o.Dtype = Settings.dtype,
) -> None:
    """Load a model and measure whether scrub's view of it reproduces it.

    Its components must sum to its residual stream, a component run again must equal what was
    recorded, and a changed input must change the output. Exit code 3 where one of these fails;
    `scrub run` asks the same before it runs.
    """
    from scrub.hypothesis.loading import resolve_model_source
    from scrub.models.loading import load
    from scrub.models.probe import probe as measured
    from scrub.report.checks import checks
    from scrub.report.writing import show

    found = measured(load(resolve_model_source(model, Path.cwd()), dtype, device))
    show(checks(found))
    found.require()
