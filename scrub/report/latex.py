"""The tables of a report as LaTeX, to be taken into a document with \\input.

They ask for the packages booktabs and array. Every text is escaped; letters beyond Latin want
XeLaTeX or LuaLaTeX.
"""

from __future__ import annotations

from collections.abc import Iterator

from scrub.report.lettering import prose
from scrub.report.page.parts import NOTHING, TITLE, Given, Part, parts
from scrub.report.page.tabular import Column, Table

LONG = 34  # characters; columns with longer cells are set as paragraphs
WIDTH = 0.3  # of the line, of such a column
WRITTEN = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "−": r"$-$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≠": r"$\neq$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\ldots{}",
    "\u00a0": "~",
    "∅": r"$\emptyset$",
}


def document(given: Given, title: str = "") -> str:
    """All tables, each a float with its caption; headings stand in comments.

    >>> print(document(Given()))
    % scrub report
    % Needs \\usepackage{booktabs,array,textcomp}
    % There are no results.
    <BLANKLINE>
    """
    head = [f"% {prose(title or TITLE)}", r"% Needs \usepackage{booktabs,array,textcomp}"]
    blocks = [text for part in parts(given) for text in _blocks(part)]
    return "\n".join([*head, *(blocks or [f"% {NOTHING}"])]) + "\n"


def _blocks(part: Part) -> Iterator[str]:
    for one in part.tables:
        yield f"\n% {prose(part.heading)}" if part.heading else ""
        yield table(one, part.heading)


def table(one: Table, of: str = "") -> str:
    """A float: rules above, below and under the titles; figures to the right."""
    caption = f"{escaped(of)}: {escaped(one.caption)}" if of else escaped(one.caption)
    form = "".join(_form(one, i, column) for i, column in enumerate(one.columns))
    rows = [_row([cell.text for cell in row]) for row in one.rows]
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{@{{}}{form}@{{}}}}",
        r"\toprule",
        _row([column.title for column in one.columns]),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _form(one: Table, i: int, column: Column) -> str:
    if column.figures:
        return "r"
    longest = max((len(row[i].text) for row in one.rows), default=0)
    paragraph = rf">{{\raggedright\arraybackslash}}p{{{WIDTH}\linewidth}}"
    return paragraph if longest > LONG else "l"


def _row(cells: list[str]) -> str:
    """The first cell is kept from being read as an option of the rule above it."""
    return "{}" + " & ".join(map(escaped, cells)) + r" \\"


def escaped(text: str) -> str:
    """One line in which nothing is a command.

    >>> escaped("a_b & 50 % of {x}")
    'a\\\\_b \\\\& 50 \\\\% of \\\\{x\\\\}'
    """
    kept = prose(text.replace("\u00a0", "\ue000")).replace("\\ue000", "\u00a0")
    return "".join(WRITTEN.get(character, character) for character in kept)
