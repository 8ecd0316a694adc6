"""A table as a value: what the page sorts, and what Markdown and LaTeX are written from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scrub.report.numbers import ABSENT, DASH, number, ratio

Sortable = float | str | None


@dataclass(frozen=True)
class Column:
    """A title, whether its cells are figures, and what it means where the title is not enough."""

    title: str
    figures: bool = False
    means: str = ""


@dataclass(frozen=True)
class Cell:
    """A text, and what it is sorted by; None sorts last. `link` is the id of a section."""

    text: str
    key: Sortable = None
    link: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under titled columns; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), self.caption


def without_empty(table: Table) -> Table:
    """The table without columns in which nothing stands.

    >>> one = Table("t", columns("a", "note"), ((words("x"), words("")),))
    >>> [column.title for column in without_empty(one).columns]
    ['a']
    """
    kept = [i for i in range(len(table.columns)) if any(row[i].text for row in table.rows)]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.caption, tuple(table.columns[i] for i in kept), rows)


def columns(*titles: str | Column) -> tuple[Column, ...]:
    """Columns by title; one that starts with `>` holds figures.

    >>> columns("node", ">bits")[1]
    Column(title='bits', figures=True, means='')
    """
    return tuple(
        one if isinstance(one, Column) else Column(one.removeprefix(">"), one.startswith(">"))
        for one in titles
    )


def words(text: object) -> Cell:
    """Text, sorted by itself without regard to case."""
    return Cell(str(text), str(text).casefold())


def figure(value: float | None, shown: str | None = None) -> Cell:
    """A number of four digits, or as it is shown elsewhere; what is not finite says so.

    >>> figure(0.96237).text, figure(None).text, figure(float("nan")).text
    ('0.9624', '–', 'not finite')
    """
    if value is None:
        return Cell(DASH)
    if not math.isfinite(value):
        return Cell("not finite")
    return Cell(minus(number(value)) if shown is None else shown, float(value))


def recovery(value: float | None) -> Cell:
    """A share recovered, to three decimals."""
    return Cell("refused") if value is None else figure(value, minus(ratio(value)))


def between(low: float | None, high: float | None, decimals: bool = True) -> Cell:
    """An interval, sorted by its lower end: to three decimals, or to four digits."""
    if low is None or high is None:
        return Cell(ABSENT)
    ends = (ratio(low), ratio(high)) if decimals else (number(low), number(high))
    return Cell(minus(" to ".join(ends)), low)


def minus(text: str) -> str:
    """The sign as it is set: − where a hyphen was typed before a digit.

    >>> minus("-0.02 to 1e-05")
    '−0.02 to 1e−05'
    """
    return "".join(
        "−" if here == "-" and after.isdigit() else here
        for here, after in zip(text, [*text[1:], ""], strict=True)
    )


def named(rows: Sequence[tuple[str, Cell]], caption: str, first: str, second: str) -> Table:
    """Two columns: names and what they are."""
    return Table(caption, columns(first, second), tuple((words(name), cell) for name, cell in rows))


def kept_together(text: str) -> str:
    """A sentence in which no line begins with its % sign.

    >>> kept_together("92 % of it")
    '92\\xa0% of it'
    """
    return text.replace(" %", "\u00a0%")
