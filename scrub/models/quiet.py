"""Transformers kept quiet while it loads: what it would say comes out in our own sentences."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

from scrub.models.substitute import silent


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, log lines or warnings inside; as before afterwards."""
    from transformers.utils import logging as transformers_logging

    theirs: Any = transformers_logging
    bars = theirs.is_progress_bar_enabled()
    theirs.disable_progress_bar()
    try:
        # the bar of its GGUF reader cannot be switched off
        with silent(), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if bars:
            theirs.enable_progress_bar()
