"""Which transformers the facts were taken from, and what else holds in older ones.

Where an older one lays a model out otherwise, `Family.older` says how.
"""

from __future__ import annotations

from importlib.metadata import version

from scrub.models.families import FAMILIES
from scrub.models.families.base import Config

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


def attention_for(config: Config) -> dict[str, str]:
    """How a model is loaded where this transformers' sdpa leaves out what its config says.

    Empty where it does not: what is taken then is transformers' choice.
    """
    family = FAMILIES.get(str(config.get("model_type")))
    said = family.eager if family is not None and older(version("transformers")) else {}
    eager = any(bool(config[key]) is value for key, value in said.items() if key in config)
    return {"attn_implementation": "eager"} if eager else {}
