"""One thread for torch (the models are tiny), and a cache folder that is not the user's.

Models that the user has fetched are seen through it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
import torch

from scrub.data.fetched import cache_folder

torch.set_num_threads(1)
_cache = Path(tempfile.mkdtemp(prefix="scrub-test-cache-"))
(_cache / "models").symlink_to(cache_folder() / "models")
os.environ["SCRUB_CACHE"] = str(_cache)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that want a GPU skip themselves without one."""
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))
