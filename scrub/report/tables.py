"""The few shapes that all reports share: a section's title, names with what they are, a table.

Rich's own tables cut every column when space is short; here figures are never cut, and only the
longest words are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

GAP = 2
LEAST = 8  # what is left of a column of words, however short space is

Cell = str | Text


def heading(text: str, aside: str = "") -> Padding:
    """A section's title, with a blank line above."""
    line = Text(text, style="bold blue")
    if aside:
        line.append(f"  {aside}", style="not bold dim")
    return Padding(line, (1, 0, 0, 0))


def grid() -> Table:
    """Names on the left, what they are on the right, wrapped inside its own column."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table


@dataclass
class Listing:
    """A table without rules; a title that starts with `>` makes a column of figures."""

    titles: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        self.rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        widths = self._widths(options.max_width)
        titles = [Text(title.removeprefix(">"), style="dim") for title in self.titles]
        yield self._line(titles, widths)
        for row in self.rows:
            cells = [cell.copy() if isinstance(cell, Text) else Text(cell) for cell in row]
            yield self._line(cells, widths)

    def _widths(self, most: int) -> list[int]:
        """As wide as the widest cell; while that is too much, the widest words give way."""
        table = [[title.removeprefix(">") for title in self.titles], *self.rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(self.titles))]
        words = [i for i, title in enumerate(self.titles) if not title.startswith(">")]
        while sum(widths) + GAP * (len(widths) - 1) > most:
            longest = max(words, key=lambda i: widths[i], default=0)
            if not words or widths[longest] <= LEAST:
                break
            widths[longest] -= 1
        return widths

    def _line(self, cells: Sequence[Text], widths: Sequence[int]) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis")
        for number, (cell, width, title) in enumerate(zip(cells, widths, self.titles, strict=True)):
            cell.truncate(width, overflow="ellipsis")
            space = width - len(cell)
            right = title.startswith(">")
            line.append(" " * (space if right else 0))
            line.append_text(cell)
            last = number == len(widths) - 1
            line.append(" " * ((0 if right or last else space) + (0 if last else GAP)))
        return line
