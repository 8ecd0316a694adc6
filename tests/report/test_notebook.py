"""What a notebook shows: the figures, with everything that came from data escaped."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

import scrub.report.notebook as notebook  # registers itself
from tests.report.fixed import REFUSAL, RESULT, changed, node, refused

VOID = {"br", "hr", "img"}


class Balanced(HTMLParser):
    """Fails on a tag that is not closed where it must be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_notebook_shows_the_figures() -> None:
    shown = RESULT._repr_html_()
    for words in ("0.973", "0.951 to 0.987", "0.2089", "5.183", "-0.022", "27.3 %", "a1.h0"):
        assert words in shown


def test_the_html_is_whole_and_loads_nothing() -> None:
    parser = Balanced()
    parser.feed(notebook.render(RESULT))
    assert parser.open == []
    assert not parser.tags & {"script", "link", "img", "style"}


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", "<img src=x onerror='x()'>", "a & b"]
)
def test_names_and_sentences_are_escaped(evil: str) -> None:
    bad = replace(node(evil, evil, evil, evil, 0.1))
    shown = notebook.render(
        changed(name=evil, claim=evil, model=evil, task=evil, metric=evil, cautions=(evil,),
                nodes=(bad,))
    )  # fmt: skip
    assert evil not in shown
    assert "&lt;" in shown or "&amp;" in shown


def test_a_refusal_is_shown() -> None:
    shown = notebook.render(refused())
    assert "recovered: refused" in shown
    assert REFUSAL in shown


def test_the_default_shows_something_without_the_report() -> None:
    from scrub.results import result

    assert "&lt;" in result._renderers[0](changed(name="<b>"))
