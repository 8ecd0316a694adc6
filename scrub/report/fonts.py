"""What the installed fonts can draw, and how wide it becomes.

No text is ever read as mathematics: a token may hold `$`, `_` or a backslash.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.textpath import text_to_path

from scrub.report.lettering import prose, visible

FIRST = "DejaVu Sans"  # comes with matplotlib
OTHERS = (  # asked for what the first lacks, where they are installed
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Source Han Sans",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Noto Sans Devanagari",
    "Arial Unicode MS",
)


@cache
def families() -> tuple[str, ...]:
    """The fonts that text is drawn with, in the order in which they are asked."""
    installed = {font.name for font in fontManager.ttflist}
    return (FIRST, *(name for name in OTHERS if name in installed))


@cache
def _shapes() -> frozenset[int]:
    found: set[int] = set()
    for name in families():
        found |= set(get_font(findfont(name)).get_charmap())
    return frozenset(found)


def drawable(text: str) -> str:
    """The text, with the code point in place of each character that no font has.

    >>> drawable("a$b"), drawable("\\U000F1234")
    ('a$b', '⟨F1234⟩')
    """
    return "".join(c if ord(c) in _shapes() else f"⟨{ord(c):04X}⟩" for c in text)


@cache
def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is in inches, at a size in points."""
    weight = "bold" if bold else "normal"
    font = FontProperties(family=list(families()), size=size, weight=weight)
    points: float = text_to_path.get_text_width_height_descent(text, font, False)[0]
    return points / 72


def label(token: str, size: float, most: float) -> str:
    """A token or name, visible and drawable, cut to so many inches with … in place of the rest.

    >>> label(" the", 8, 2.0), label("x" * 400, 8, 0.5)
    ('␣the', 'xxxxx…')
    """
    return _cut(drawable(visible(token[:400])), size, most)


def _cut(text: str, size: float, most: float) -> str:
    if text_width(text, size) <= most:
        return text
    fits = bisect_right(range(len(text)), most, key=lambda n: text_width(f"{text[:n]}…", size))
    return f"{text[: max(0, fits - 1)]}…"


def lines(text: str, size: float, most: float, bold: bool = False) -> list[str]:
    """A sentence broken at its spaces, each line at most so many inches wide; words are cut."""
    found = [""]
    for word in drawable(prose(text)).split():
        longer = f"{found[-1]} {word}".strip()
        if text_width(longer, size, bold) <= most:
            found[-1] = longer
        else:
            found.append(_cut(word, size, most))
    return [line for line in found if line]
