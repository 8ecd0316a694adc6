"""The architectures that are covered: every `Family` that a file of this folder defines.

Adding one is a file here and a line of test. Importing this pulls in neither torch nor
transformers.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from scrub.errors import InputRefused, Problem
from scrub.models.families.base import Family


def _families() -> Iterator[Family]:
    """Those of every file, in the order of the files' names and of what they define."""
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        yield from (value for value in vars(module).values() if isinstance(value, Family))


def _by_type() -> Mapping[str, tuple[Family, ...]]:
    found: dict[str, tuple[Family, ...]] = {}
    for family in _families():
        found[family.model_type] = (*found.get(family.model_type, ()), family)
    return found


KINDS = _by_type()  # several where classes of one model type differ
LISTED = "scrub models lists those that are."
FAMILIES: Mapping[str, Family] = {model_type: kinds[0] for model_type, kinds in KINDS.items()}


class UnknownArchitecture(InputRefused):
    """No family has these facts; a loaded model may show them."""


def family_of(model_type: object, where: str, architecture: str = "") -> Family:
    """The facts of an architecture, by the `model_type` of its config and the name of its class.

    Where no class is known it is the first. Raises `UnknownArchitecture`, or `InputRefused`.
    """
    if isinstance(model_type, str) and model_type in KINDS:
        return _of_class(KINDS[model_type], where, architecture)
    found = f"the architecture '{model_type}' is not covered."
    if model_type is None:
        found = "the config has no 'model_type', so its architecture is unknown."
    # no nearest name here: another architecture is never what was meant
    raise UnknownArchitecture(Problem(where, found, LISTED))


def _of_class(kinds: tuple[Family, ...], where: str, architecture: str) -> Family:
    """The one that names the class, else the one that names none."""
    named = [family for family in kinds if architecture in family.classes]
    others = [family for family in kinds if not family.classes]
    if named or others or not architecture:
        return (named or others or kinds)[0]
    covered = ", ".join(name for family in kinds for name in family.classes)
    found = f"the class '{architecture}' of '{kinds[0].model_type}' is not covered."
    raise InputRefused(Problem(where, found, f"Covered: {covered}."))
