"""What every benchmark needs: a clock, the peak of memory, and a description of the machine."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import re
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch


def seconds(device: torch.device, work: Callable[[], object]) -> float:
    """How long some work takes, what it queued on a GPU included."""
    _wait(device)
    start = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - start


def peak_bytes(device: torch.device) -> int:
    """The most memory that this process has held so far, weights and libraries included.

    On a GPU what torch has allocated there.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def added_bytes(device: torch.device, work: Callable[[], object]) -> int:
    """The most memory that some work adds to what this process holds when it begins.

    On a GPU what torch allocates there; else resident pages, whose peak Linux lets a process reset.
    Raises `OSError` where it does not.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return torch.cuda.max_memory_allocated(device) - before
    gc.collect()
    _trim()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    work()
    return _resident("VmHWM") - before


def machine(device: torch.device) -> str:
    """Processor or GPU, and how many cores.

    >>> " core" in machine(torch.device("cpu"))
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    host = f"{_processor()}, {cores} core{'' if cores == 1 else 's'}"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)}; {host}"
    return host


def slug(text: str) -> str:
    """
    >>> slug("Intel(R) Xeon(R) Processor, 2 cores")
    'intel-xeon-processor-2-cores'
    """
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\((r|tm)\)", "", text.lower())).strip("-")


def versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "transformers", "numpy")}
    return {"python": platform.python_version(), **packages, "system": platform.system()}


def here(device: torch.device) -> dict[str, Any]:
    """The machine as it is now, and what runs on it: the head of a report."""
    threads = torch.get_num_threads()
    return {"machine": machine(device), "threads": threads, "load": load(), "versions": versions()}


def load() -> float:
    """How busy the machine has been in the last minute, in processes that wanted to run."""
    return os.getloadavg()[0]


def insert(readme: Path, start: str, end: str, tables: Sequence[str]) -> None:
    """Put tables between two markers of a README."""
    before, _, rest = readme.read_text().partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"{readme} lacks the lines '{start}' and '{end}'")
    readme.write_text("\n\n".join([before + start, *tables, end]) + after)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _trim() -> None:
    """Give back what the C library keeps of freed memory: it would be used again unseen."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _resident(name: str) -> int:
    """Bytes of this process: resident now (VmRSS) or at the most (VmHWM)."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise OSError(f"/proc/self/status says nothing of {name}.")
    return int(found[1]) * 1024


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()
