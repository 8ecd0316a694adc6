"""Results as one self-contained HTML page: nothing is fetched, and every text is escaped.

results, comparisons, controls → chapters (words, tables, places in drawings) → templates → HTML

The templates lie in `templates/`. The page's own style and script stand in it, and its content
security policy names them by their hashes: no other script could run, whatever a name holds.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import scrub
from scrub.report.numbers import count, level
from scrub.report.page.axis import forest
from scrub.report.page.called import called
from scrub.report.page.chapters import (
    Alone,
    Chapter,
    Versus,
    about,
    alone,
    chapter,
    gathered,
    numbered,
    tally,
    versus,
)
from scrub.report.page.scores import common, overview
from scrub.report.page.tabular import minus
from scrub.report.page.verdict import RULES
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.result import Result

if TYPE_CHECKING:
    from jinja2 import Environment

    from scrub.mediation.tested import CircuitTests
    from scrub.study.interchanging.interchanged import Interchange

UNFOLDED = 3  # results that are shown open; with more, each is folded under its name
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}  # characters with no shape, or that turn the writing


@dataclass(frozen=True)
class Link:
    """A place on the page, and those within it."""

    id: str
    text: str
    inner: tuple[Link, ...] = ()


def render(
    results: Sequence[Result],
    *,
    comparisons: Sequence[Comparison] = (),
    controls: Sequence[Controls] = (),
    adversaries: Sequence[WorstAllowed] = (),
    findings: Sequence[CircuitTests | Interchange] = (),
    title: str = "",
) -> str:
    """The page, as text.

    Results of the comparisons that are not among `results` are shown too. Controls and worst
    samplings stand with the result that they are about, or else on their own, as `findings` do: the
    tests of a circuit, and interchange interventions. Without anything the page says so.

    >>> "There are no results." in render([])
    True
    """
    found = gathered(results, comparisons)
    chapters = [
        chapter(
            one,
            id_,
            name,
            next((c for c in controls if about(one, c)), None),
            next((a for a in adversaries if about(one, a)), None),
        )
        for one, id_, name in zip(found, numbered("result", len(found)), called(found), strict=True)
    ]
    against = [
        versus(one, id_)
        for one, id_ in zip(comparisons, numbered("comparison", len(comparisons)), strict=True)
    ]
    against_all: list[Controls | WorstAllowed] = [*controls, *adversaries]
    left = [a for a in against_all if not any(about(one, a) for one in found)]
    apart = (*left, *findings)
    ids = numbered("other", len(apart))
    others = [alone(one, id_) for one, id_ in zip(apart, ids, strict=True)]
    single = len(chapters) == 1 and not against and not others
    several = len(chapters) > 1
    page = _environment().get_template("page.html.jinja")
    return page.render(
        title=title or _title(chapters, against, others),
        version=scrub.__version__,
        style=_style().text,
        style_hash=_style().hash,
        script=_script().text,
        script_hash=_script().hash,
        chapters=chapters,
        comparisons=against,
        alone=others,
        single=single,
        open=len(chapters) <= UNFOLDED,
        overview=overview(found, [one.id for one in chapters]) if several else None,
        common=common(found),
        forest=forest(found),
        forest_level=" or ".join(sorted({level(one.recovered.level) for one in found})),
        tally=tally(chapters),
        contents=_contents(chapters, against, single, [Link(o.id, o.title) for o in others]),
        rules=RULES,
    )


def _title(chapters: Sequence[Chapter], against: Sequence[Versus], others: Sequence[Alone]) -> str:
    if len(chapters) == 1:
        return chapters[0].result.name
    if not chapters:
        if against:
            return "Comparison"
        if others:
            return others[0].title if len(others) == 1 else f"{len(others)} sections"
        return "Nothing to report"
    models = {one.result.model for one in chapters}
    where = f"on {models.pop()}" if len(models) == 1 else f"on {len(models)} models"
    names = {one.result.name for one in chapters}
    return f"{count(len(names), 'hypothesis', 'hypotheses')} {where}"


SECTIONS = (
    ("verdict", "Verdict"),
    ("claim", "The claim"),
    ("scores", "Scores"),
    ("controls", "Controls"),
    ("examples", "Worst examples"),
    ("nodes", "Nodes"),
    ("how", "How it was measured"),
    ("again", "Run it again"),
)


def _contents(
    chapters: Sequence[Chapter], against: Sequence[Versus], single: bool, others: Sequence[Link]
) -> list[Link]:
    """The sections of a single result; else comparisons and results by name."""
    if single:
        one = chapters[0]
        some = bool(one.controls or one.adversary)
        return [Link(f"{one.id}-{k}", t) for k, t in SECTIONS if k != "controls" or some]
    links = [Link("overview", "All results")] if len(chapters) > 1 else []
    for pair in against:
        links.append(Link(pair.id, "Comparison", (Link(f"{pair.id}-front", "Pareto plot"),)))
    return [*links, *(Link(c.id, c.called) for c in chapters), *others]


@dataclass(frozen=True)
class _Own:
    """A part of the page that is ours, and its hash for the security policy."""

    text: Any
    hash: str


@cache
def _style() -> _Own:
    return _own("style.css")


@cache
def _script() -> _Own:
    return _own("script.js")


def _own(name: str) -> _Own:
    from importlib.resources import files

    from markupsafe import Markup

    text = (files(__name__) / "templates" / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Own(Markup(text), f"sha256-{digest}")


@cache
def _environment() -> Environment:
    """Everything that a template writes out is escaped, and spelled out where it has no shape."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(__name__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=seen,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(minus=minus, level=level)
    return made


def seen(value: Any) -> Any:
    """A text without characters that have no shape; anything else as it is.

    >>> seen("a\\x00b\\u202ec"), seen("two\\nlines"), seen(3)
    ('a\\\\x00b\\\\u202ec', 'two\\nlines', 3)
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    if value.isascii() and value.isprintable():
        return value
    return "".join(
        c.encode("unicode_escape").decode("ascii")
        if c not in "\n\t" and unicodedata.category(c) in UNSEEN
        else c
        for c in value
    )
