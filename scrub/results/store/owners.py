"""Who claims a job: a process of a machine, told so that it can be seen whether it still lives."""

from __future__ import annotations

import os
import platform
import uuid
from pathlib import Path


def owner() -> str:
    """A name for what this process is about to run, like no other.

    >>> is_alive(owner()), owner() == owner()
    (True, False)
    """
    pid = os.getpid()
    return "|".join([_machine(), str(pid), _born(pid), uuid.uuid4().hex[:12]])


def is_alive(name: str) -> bool:
    """Whether the process that made a name may still be running.

    Of another machine's that cannot be known; its claims lapse when they are not renewed.
    """
    machine, _, rest = name.partition("|")
    if machine != _machine():
        return True
    pid, born, *_ = rest.split("|")
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's, but there
        pass
    return _born(int(pid)) == born


def _machine() -> str:
    """The machine, and the world of process numbers within it, as containers have their own."""
    try:
        world = os.readlink("/proc/self/ns/pid")
    except OSError:
        world = ""
    return f"{platform.node()} {world}"


def _born(pid: int) -> str:
    """When a process was started: numbers are given again to others. Empty where it is unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state == "Z" else fields[18]  # killed, and not yet taken note of: gone
