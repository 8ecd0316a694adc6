"""What transformers' own tables say of its classes: which are bare trunks, and which have a head.

Importing transformers takes seconds: these are asked only of a class that is about to be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scrub.models.families import FAMILIES

Table = Mapping[str, str | Sequence[str]]  # class names, by model_type

TASKS = (  # by which a model can be scored, the one that it was mostly trained for first
    "SEQ_TO_SEQ_CAUSAL_LM",
    "MASKED_LM",
    "CAUSAL_LM",
    "IMAGE_TEXT_TO_TEXT",
    "IMAGE_CLASSIFICATION",
)


def is_trunk(name: str) -> bool:
    """Whether a class of transformers is one that AutoModel makes: blocks without a head.

    >>> is_trunk("BertModel"), is_trunk("BertForMaskedLM")
    (True, False)
    """
    return any(name in _several(entry) for entry in _table("MODEL_MAPPING_NAMES").values())


def with_head(model_type: object) -> str:
    """The class of an architecture that can be scored, "" where transformers lists none.

    >>> with_head("bert"), with_head("vit")
    ('BertForMaskedLM', 'ViTForImageClassification')
    """
    tables = (_table(f"MODEL_FOR_{task}_MAPPING_NAMES") for task in TASKS)
    named = (table[str(model_type)] for table in tables if model_type in table)
    return next((_several(entry)[0] for entry in named), "")


def usual_class(model_type: object) -> str:
    """What is loaded where a config names no class, "" where nothing is known to have a head.

    It is the one that `scrub check` reads such a config as: the first that the facts name.

    >>> usual_class("llama"), usual_class("bart")
    ('LlamaForCausalLM', 'BartForConditionalGeneration')
    """
    family = FAMILIES.get(str(model_type))
    named = family.classes if family is not None else ()
    return named[0] if named else with_head(model_type)


def _table(name: str) -> Table:
    from transformers.models.auto import modeling_auto

    found: Table = getattr(modeling_auto, name, {})
    return found


def _several(entry: str | Sequence[str]) -> Sequence[str]:
    """What a table holds for a model: one class or several."""
    return (entry,) if isinstance(entry, str) else entry
