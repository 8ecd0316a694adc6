"""Numbers as a reader wants them: few digits, a unit, and never more precision than is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrub.results.result import Figure, Recovered

DASH = "–"
ABSENT = "none"


def number(value: float | None) -> str:
    """Four digits.

    >>> number(0.96237), number(12345.6), number(0.00001234), number(None)
    ('0.9624', '12,346', '1.234e-05', 'none')
    """
    if value is None:
        return ABSENT
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e4:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 1e4 and abs(value) < 1e9 else f"{value:.3e}"


def share(value: float | None) -> str:
    """A share as a percentage, exact at the ends only.

    >>> share(0.0), share(0.004), share(0.9996), share(1.0)
    ('0 %', '0.4 %', '99.9 %', '100 %')
    """
    if value is None:
        return ABSENT
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    text = f"{value * 100:.1f}"
    return {"0.0": "< 0.1", "100.0": "99.9"}.get(text, text) + " %"


def level(value: float) -> str:
    """A confidence level.

    >>> level(0.95), level(0.999)
    ('95 %', '99.9 %')
    """
    return f"{value * 100:.6g} %"


def ratio(value: float | None) -> str:
    """A share of the model's performance, to three decimals.

    >>> ratio(0.92), ratio(1.0), ratio(None)
    ('0.920', '1.000', 'none')
    """
    return ABSENT if value is None else f"{value:.3f}"


def ratio_interval(found: Recovered) -> str:
    return f"{ratio(found.low)} to {ratio(found.high)}"


def interval(low: float | None, high: float | None) -> str:
    """
    >>> interval(0.9, 1.1), interval(None, None)
    ('0.9 to 1.1', 'none')
    """
    return ABSENT if low is None or high is None else f"{number(low)} to {number(high)}"


def figure_interval(figure: Figure | Recovered) -> str:
    return interval(figure.low, figure.high)


def size(count: float) -> str:
    """Bytes.

    >>> size(999), size(5 * 2**20)
    ('999 B', '5.0 MiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def flops(count: float) -> str:
    """
    >>> flops(1.5e9), flops(20)
    ('1.50 GFLOP', '20 FLOP')
    """
    for unit in ("", "k", "M", "G", "T", "P"):
        if abs(count) < 1000:
            return f"{count:.0f} FLOP" if unit == "" else f"{count:.2f} {unit}FLOP"
        count /= 1000
    return f"{count:.2f} EFLOP"


def count(number_of: int, one: str, many: str = "") -> str:
    """
    >>> count(1, "node"), count(1200, "class", "classes")
    ('1 node', '1,200 classes')
    """
    return f"{number_of:,} {one if number_of == 1 else many or one + 's'}"
