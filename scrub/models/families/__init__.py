"""The architectures that are covered, one small file of facts for each kind; adding one is a line.

Importing this pulls in neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Mapping

from scrub.errors import InputRefused, Problem
from scrub.models.families.base import Family
from scrub.models.families.gpt2 import GPT2
from scrub.models.families.llama import LLAMA, MISTRAL, QWEN2, QWEN3

FAMILIES: Mapping[str, Family] = {
    family.model_type: family for family in (GPT2, LLAMA, MISTRAL, QWEN2, QWEN3)
}


def family_of(model_type: object, where: str) -> Family:
    """The facts of an architecture, by the `model_type` of its config. Raises `InputRefused`."""
    if isinstance(model_type, str) and model_type in FAMILIES:
        return FAMILIES[model_type]
    covered = f"Covered: {', '.join(FAMILIES)}."
    if model_type is None:
        raise InputRefused(
            Problem(
                where, "the config has no 'model_type', so its architecture is unknown.", covered
            )
        )
    # no nearest name here: another architecture is never what was meant
    raise InputRefused(Problem(where, f"the architecture '{model_type}' is not covered.", covered))
