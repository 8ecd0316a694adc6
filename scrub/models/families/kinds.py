"""What kind of model a family's facts describe, in a word."""

from __future__ import annotations

from scrub.graph import IMAGE, TOKENS
from scrub.models.families.base import Family

KINDS = ("decoder", "encoder", "encoder-decoder", "vision", "vision-language")


def kind_of(family: Family) -> str:
    """Decoder, encoder, encoder-decoder, vision, or vision-language.

    >>> from scrub.models.families import FAMILIES
    >>> kind_of(FAMILIES["llama"]), kind_of(FAMILIES["bert"]), kind_of(FAMILIES["t5"])
    ('decoder', 'encoder', 'encoder-decoder')
    """
    spaces = {stack.space for stack in family.stacks}
    if family.bridge is not None or family.parts is not None or spaces > {IMAGE}:
        return "vision-language"
    if spaces == {IMAGE}:
        return "vision"
    if len(family.stacks) > 1:
        return "encoder-decoder"
    return "decoder" if family.stacks[0].causal and spaces == {TOKENS} else "encoder"
