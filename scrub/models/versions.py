"""Which transformers the facts were taken from: older ones lay some models out otherwise."""

from __future__ import annotations

from importlib.metadata import version

FACTS_FROM = (5, 23)


def advice() -> str:
    """What to do where a model is not as its facts say and transformers is older than they are.

    Empty where it is not.

    >>> older("5.0.0"), older("5.23.0.dev1"), older("6.0")
    (True, False, False)
    """
    held = version("transformers")
    if not older(held):
        return ""
    first = ".".join(map(str, FACTS_FROM))
    return f"Its facts are those of transformers {first}, and this is {held}: update transformers."


def older(held: str) -> bool:
    """Whether a version is older than the facts."""
    return tuple(int(piece) for piece in held.split(".")[:2]) < FACTS_FROM
