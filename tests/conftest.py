"""One thread for torch (the models are tiny), and a cache folder that is not the user's."""

from __future__ import annotations

import os
import tempfile

import pytest
import torch

torch.set_num_threads(1)
os.environ["SCRUB_CACHE"] = tempfile.mkdtemp(prefix="scrub-test-cache-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that want a GPU skip themselves without one."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
