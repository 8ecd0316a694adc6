"""An example and its donors as sequences: tokens in columns, those that are read marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from scrub.report.numbers import number
from scrub.report.page.tabular import Table, columns, figure, minus, words
from scrub.results.result import Example, Result

MOST_CHARACTERS = 4000  # of one sequence


@dataclass(frozen=True)
class Piece:
    """A token, or a stretch of text; `marked`: the node reads it, or it is scored."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Row:
    """One row: whose it is, what it supplies, where it comes from, and its pieces."""

    who: str
    supplies: str
    row: str
    pieces: tuple[Piece, ...]
    tokens: bool
    reference: bool = False


@dataclass(frozen=True)
class Shown:
    """An example with its figures in words, and the sequences below one another."""

    row: int
    figures: tuple[tuple[str, str], ...]
    sequences: tuple[Row, ...]


def examples(result: Result) -> tuple[Shown, ...]:
    """The worst examples, each with its donors."""
    return tuple(_shown(one, result.metric) for one in result.worst)


def _shown(one: Example, metric: str) -> Shown:
    figures = [
        ("model", minus(number(one.model))),
        ("scrubbed, mean of its draws", minus(number(one.scrubbed))),
        ("mean change", minus(number(one.divergence))),
    ]
    if one.draw is not None:
        figures.append((f"draw {one.draw + 1}, the worst", minus(number(one.at_draw))))
    width = _width([one.shown, *(donor.shown for donor in one.donors)])
    own = _pieces(one.shown, one.marks, width)
    first = Row("reference", f"scored in {metric}", f"row {one.row}", *own, True)
    donors = [
        Row(
            donor.node,
            _supplies(donor.supplies, donor.of),
            "generated" if donor.row is None else f"row {donor.row}",
            *_pieces(donor.shown, donor.marks, width),
        )
        for donor in one.donors
    ]
    return Shown(one.row, tuple(figures), (first, *donors))


def _supplies(what: str, of: str) -> str:
    whom = f"of {of}'s donor" if of else "of the reference"
    return f"value, in place {whom}" if what == "value" else f"unimportant inputs, in place {whom}"


def _pieces(
    shown: str, marks: Sequence[tuple[int, int]], width: int
) -> tuple[tuple[Piece, ...], bool]:
    """Tokens in columns where the text is numbers alone, else stretches of it; cut if long."""
    cut = _cut(shown)
    if not _are_tokens(cut):
        return tuple(_stretches(cut, sorted(marks))), False
    starts = {start for start, _ in marks}
    return tuple(_tokens(cut.split(" "), starts, width)), True


def _cut(shown: str) -> str:
    return shown if len(shown) <= MOST_CHARACTERS else f"{shown[:MOST_CHARACTERS]} …"


def _are_tokens(text: str) -> bool:
    return all(word.isdigit() or word in ("|", "…") for word in text.split(" "))


def _width(texts: Iterable[str]) -> int:
    """Of a column of tokens: that of the longest, among all sequences of an example."""
    words = [word for text in texts if _are_tokens(_cut(text)) for word in _cut(text).split(" ")]
    return max(map(len, words), default=1)


def _tokens(words: Sequence[str], starts: set[int], width: int) -> Iterator[Piece]:
    """
    >>> [(p.text, p.marked) for p in _tokens(["4", "17", "5"], {2}, 2)]
    [(' 4 ', False), ('17', True), ('  5', False)]
    """
    at, plain = 0, ""
    for i, word in enumerate(words):
        plain += " " * (width - len(word) + (i > 0))
        if at in starts:
            if plain:
                yield Piece(plain, False)
            yield Piece(word, True)
            plain = ""
        else:
            plain += word
        at += len(word) + 1
    if plain:
        yield Piece(plain, False)


def _stretches(text: str, marks: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """
    >>> [(p.text, p.marked) for p in _stretches("one two", [(4, 7)])]
    [('one ', False), ('two', True)]
    """
    at = 0
    for start, end in marks:
        if start < at or end > len(text):
            continue
        if start > at:
            yield Piece(text[at:start], False)
        yield Piece(text[start:end], True)
        at = end
    if at < len(text) or not text:
        yield Piece(text[at:], False)


def listed(result: Result) -> Table:
    """The worst examples in a table, without their donors."""
    rows = [
        (
            figure(one.row, str(one.row)),
            figure(one.model),
            figure(one.scrubbed),
            figure(one.divergence),
            words(one.shown),
        )
        for one in result.worst
    ]
    titles = columns(">row", ">model", ">scrubbed", ">change", "example")
    return Table(f"Worst examples, in {result.metric}", titles, tuple(rows))
