"""Two pretended CUDA devices for every test of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.devices.pretended import waits
from tests.devices.pretending import pretending


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Until the test is over, after which torch is as it was."""
    with pretending(monkeypatch):
        waits.clear()
        yield
    waits.clear()
