"""The colours of a drawn claim: by the kind of component, and by what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from scrub.report.layers import Mark

# Okabe & Ito's colours, told apart by the colour-blind; the kinds differ in lightness too
INK = {
    "head": "#0072B2",
    "mlp": "#B86E00",
    "embed": "#4D4D4D",
    "output": "#8A3A6B",
    "other": "#00704F",
    "mixed": "#5E4FA2",
}
PAPER = {
    "head": "#E3F0F8",
    "mlp": "#FCEFD9",
    "embed": "#EDEDED",
    "output": "#F6E5EF",
    "other": "#DFF2EB",
    "mixed": "#EBE8F5",
}
KINDS = {
    "head": "attention head",
    "mlp": "MLP",
    "embed": "embedding",
    "output": "output",
    "other": "component",
    "mixed": "several kinds",
}
PORTS = {"q": "#0072B2", "k": "#C04A00", "v": "#00704F"}
GREY, FAINT, EDGE = "#6B6B6B", "#F5F6F8", "#5A5A5A"


@dataclass(frozen=True)
class Ink:
    """How a cell is drawn."""

    face: str
    edge: str
    text: str
    line: str = "solid"


def ink_of(kind: str, mark: Mark) -> Ink:
    """A cell of this kind: filled where it is named, tinted where it is left open, else white."""
    match mark:
        case Mark.NAMED:
            return Ink(INK[kind], INK[kind], "white")
        case Mark.OPEN:
            return Ink(PAPER[kind], INK[kind], INK[kind], line="dashed")
        case Mark.UNNAMED:
            return Ink("white", "#C4C8CE", "#8A8F98")
