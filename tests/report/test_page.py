"""The page says what was found, escapes every text, and asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from scrub.report.page import render
from scrub.report.page.axis import axis
from scrub.report.page.claim import picture
from scrub.report.page.controlled import worth
from scrub.report.page.front import front
from scrub.report.page.verdict import RULES, Word, verdict
from scrub.results.comparison import Comparison
from scrub.results.result import Figure, Means, Result
from tests.report.fixed import REFUSAL, RESULT, changed, refused
from tests.report.handed import (
    DRAWN,
    GRAPH,
    comparison,
    controls,
    refused_comparison,
    second,
    worst_allowed,
)

EVIL = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "</style></title><!--",
    "]]>&amp;\x00\u202e\ud800",
)


class Seen(HTMLParser):
    """What a browser would make of it: tags, ids, and text by the tag it stands in."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def said(self) -> str:
        return " ".join("".join(self.text).replace("\u00a0", " ").split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


PAGES: dict[str, dict[str, Any]] = {
    "one": {"results": [DRAWN], "controls": [controls()]},
    "plain": {"results": [RESULT]},
    "refused": {"results": [refused()]},
    "sparse": {"results": [changed(null=None, kl=None, worst=(), nodes=())]},
    "several": {"results": [DRAWN, second(), second("third"), second("fourth")]},
    "compared": {"results": [], "comparisons": [comparison()]},
    "compared, refused": {"results": [], "comparisons": [refused_comparison()]},
    "controls alone": {"results": [], "controls": [controls()]},
    "none": {"results": []},
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_well_formed_with_one_of_each_id(name: str) -> None:
    seen = Seen(render(**PAGES[name]))
    assert seen.open == []
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [str(a["href"]) for a in seen.all("a")]
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    labels = [str(a["aria-labelledby"]) for _, a in seen.tags if "aria-labelledby" in a]
    assert set(labels) <= set(ids)
    assert len(seen.all("h1")) == len(seen.all("main")) == len(seen.all("nav")) == 1


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_fetched_and_only_our_own_script_may_run(name: str) -> None:
    page = render(**PAGES[name])
    seen = Seen(page)
    assert not any({"src", "srcset", "style"} & set(attrs) for _, attrs in seen.tags)
    assert not seen.all("link")
    assert not re.search(r"https?://|url\(|@import", page)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.S)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    policy = next(m["content"] for m in seen.all("meta") if "http-equiv" in m)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for what, text in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{what}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("evil", EVIL)
def test_names_and_texts_are_shown_and_never_obeyed(evil: str) -> None:
    """In the name, the claim, nodes, features, tokens, conventions, cautions and versions."""
    graph = replace(
        GRAPH,
        nodes=tuple(replace(one, positions=evil, feature=evil) for one in GRAPH.nodes),
        layers=tuple(replace(one, label=evil, begins=evil) for one in GRAPH.layers),
    )
    donor = replace(DRAWN.worst[0].donors[0], node=evil, shown=evil, of=evil, marks=((0, 3),))
    result = replace(
        DRAWN,
        name=evil,
        claim=evil,
        model=evil,
        task=evil,
        metric=evil,
        graph=graph,
        nodes=tuple(replace(one, name=evil, feature=evil) for one in DRAWN.nodes),
        cautions=(evil,),
        worst=(replace(DRAWN.worst[0], shown=evil, marks=((1, 2),), donors=(donor,)),),
        conventions={**DRAWN.conventions, "scored_at": evil, evil: evil},
        fingerprints={evil: evil},
        versions={evil: evil},
    )
    found = comparison(evil, "naive")
    mine = replace(controls(evil), model=evil, metric=evil, fingerprints={evil: evil})
    page = render([result, second()], comparisons=[found], controls=[mine], title=evil)
    page.encode()  # no lone surrogate is left
    seen = Seen(page)
    assert seen.open == []
    assert len(seen.all("script")) == len(seen.all("style")) == 1
    assert not seen.all("img")
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
    shown = evil.replace("\x00", "\\x00").replace("\u202e", "\\u202e").replace("\ud800", "\\ud800")
    assert seen.said.count(shown) > 10
    assert "49" not in re.findall(r"\b49\b", seen.said)


def test_without_results_the_page_says_so() -> None:
    said = Seen(render([])).said
    assert "There are no results." in said
    assert "Nothing was given that could be reported on." in said


def test_the_page_of_a_result_holds_every_figure() -> None:
    said = Seen(render([DRAWN])).said
    for part in (
        "Borne out",
        "97.3 % of the way from the baseline to the model is kept",
        "recovered 0.973, 95 % interval 0.951 to 0.987",
        "75.9 % of the model's 29 edges unimportant",
        "Because the whole interval lies at or above 0.9.",
        RESULT.cautions[0],
        "0.2089 0.1402 to 0.3177",  # scrubbed
        "5.183 4.986 to 5.377",  # baseline
        "0.1571",  # divergence
        "0.0893",  # KL
        "recovers −0.022",  # null
        "embed @ query",
        "unimportant inputs, in place of the reference",
        "value, in place of induction's donor",
        "generated",
        "draw 3, the worst2.8",
        "current_token & next_token",
        "self_donation refused",
        "ab12" * 16,
        "2.13.0",
        "scrub run induction \\ --model induction-2l \\ --references 256",
    ):
        assert part in said, part


def test_tokens_that_are_read_are_marked() -> None:
    page = render([DRAWN])
    assert page.count("<mark>17</mark>") == 3
    assert "<mark>5</mark>" in page
    assert "9 2 &lt;b&gt;30&lt;/b&gt;" in page


def test_a_result_of_an_earlier_version_says_why_there_is_no_drawing() -> None:
    said = Seen(render([RESULT])).said
    assert "does not hold the claim's graph. Run it again to see it drawn." in said


def test_a_refused_ratio_is_no_verdict() -> None:
    said = Seen(render([refused()])).said
    assert "No verdict" in said
    assert f"There is no share recovered to draw: {REFUSAL}" in said


def means(model: float, scrubbed: float, baseline: float) -> Means:
    return Means(*(Figure(value, None, None) for value in (model, scrubbed, baseline)))


def with_ends(low: float | None, high: float | None, **values: Any) -> Result:
    share = replace(RESULT.recovered, low=low, high=high)
    return changed(**{"recovered": share, **values})


EXACT = tuple(
    replace(node, self_share=1.0, frame_self_share=None, feature="EXACT") for node in RESULT.nodes
)
SINGLE = tuple(replace(node, self_share=1.0, frame_self_share=1.0) for node in RESULT.nodes)
ZEROED = {**RESULT.conventions, "replacement": "zero"}
ALL = replace(RESULT.claims, unimportant=0.0)
VERDICTS: dict[str, tuple[Result, Word]] = {
    "held": (RESULT, Word.HELD),
    "refused": (refused(), Word.REFUSED),
    "every edge, EXACT": (changed(nodes=EXACT, claims=ALL), Word.VACUOUS),
    "features that tell all examples apart": (changed(nodes=SINGLE), Word.VACUOUS),
    "EXACT, but the rest is zeroed": (changed(nodes=EXACT, conventions=ZEROED), Word.HELD),
    "one node varies": (changed(nodes=(*EXACT, RESULT.nodes[1])), Word.HELD),
    "no interval": (with_ends(None, None), Word.OPEN),
    "below one half": (with_ends(0.2, 0.49), Word.LOST),
    "as its null": (
        changed(null=replace(RESULT.null, recovered=0.96) if RESULT.null else None),
        Word.STRUCTURE,
    ),
    "errors cancel": (
        changed(means=means(1.0, 1.01, 3.0), divergence=0.6, null=None),
        Word.AVERAGE,
    ),
    "from one half on": (with_ends(0.5, 0.89), Word.PARTLY),
    "across one half": (with_ends(0.4, 0.8), Word.OPEN),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_follows_the_rules(name: str) -> None:
    result, word = VERDICTS[name]
    assert verdict(result).word is word


def test_every_verdict_is_given_by_some_case_and_its_rule_is_on_the_page() -> None:
    assert {word for _, word in VERDICTS.values()} == set(Word) == {rule.word for rule in RULES}
    said = Seen(render([RESULT])).said
    for rule in RULES:
        assert f"{rule.word.value}: {rule.when}." in said


def test_controls_stand_beside_the_result_that_they_are_about() -> None:
    said = Seen(render([DRAWN, second()], controls=[controls()])).said
    assert said.count("Among hypotheses drawn at random") == 1
    assert "One claim is idle: current → induction." in said
    assert "No feature is a column." in said
    assert "Controls of" not in said


def test_controls_of_another_claim_stand_on_their_own() -> None:
    other = replace(controls(), fingerprints={"model": "another"})
    said = Seen(render([DRAWN], controls=[other])).said
    assert "Controls of induction" in said


def test_the_worst_allowed_stands_beside_the_mean() -> None:
    page = render([DRAWN], adversaries=[worst_allowed()])
    said = Seen(page).said
    for part in (
        "worst allowed 0.411 (0.355 to 0.470)",
        "The claim allows a sampling under which much less is recovered. Scored on 2 references, "
        "chosen on others.",
        "The worst allowed sampling recovers 0.411.",
        "donors with period 14 3 of 16 +0.562 0.490 to 0.630 +0.562 0.490 to 0.630 12",
        "nothing that hurts more than the usual draw 16 of 16 – – – – 9",
    ):
        assert part in said, part
    other = replace(worst_allowed(), name="another")
    assert "Worst allowed by another" in Seen(render([DRAWN], adversaries=[other])).said


def test_arrows_are_as_thick_as_their_edges_are_worth() -> None:
    drawing = picture(GRAPH, worth(controls(), GRAPH))
    by_edge = {arrow.says.split(" (")[0]: arrow for arrow in drawing.arrows}
    much, little = by_edge["previous → induction"], by_edge["current → induction"]
    assert much.label == "+0.77"
    assert much.width == 6.0
    assert 1.2 < little.width < 1.4
    assert little.says == "current → induction (q): worth +0.010, not told from 0"
    assert little.classes == "port-q idle"
    unknown = by_edge["induction → answer"]
    assert (unknown.width, unknown.label) == (1.2, "")
    assert unknown.says == "induction → answer (in): It is the sink's only parent."


def test_the_drawing_says_in_words_what_it_shows() -> None:
    assert picture(GRAPH).says == (
        "current is embed at query; previous is a0.h0 at after_match; induction is a1.h0 at query; "
        "answer is logits at query; induction reads current through q; induction reads previous "
        "through k; answer reads induction through in."
    )


def test_everything_drawn_lies_on_its_axis() -> None:
    found = axis(DRAWN, controls())
    assert found is not None
    assert [mark.name for mark in found.marks] == [
        "this claim",
        "features forgotten",
        "random claims",
        "labels permuted",
        "trivial",
    ]
    for mark in found.marks:
        assert all(0 < found.at(value) < 100 for value in (*mark.values, 0.0, 1.0))
    assert found.at(0.0) < found.at(0.9731) < found.at(1.0)
    assert axis(refused()) is None


def test_the_front_has_each_hypothesis_at_its_place() -> None:
    found = front(comparison())
    assert found is not None
    low, high = sorted(found.points, key=lambda point: point.x)
    assert (low.name, high.name) == ("naive", "induction")
    assert low.y < high.y  # from the top: it recovers more
    assert found.steps[0][:2] == (low.x, low.y)
    assert found.steps[-1][2:] == (high.x, high.y)
    assert front(refused_comparison()) is None


def test_a_comparison_is_set_side_by_side() -> None:
    said = Seen(render([], comparisons=[comparison()])).said
    for part in (
        "induction and naive: naive recovers more, by less than 0.05.",
        "induction refines naive: names 3 nodes and 6 edges more, says what feeds induction.",
        "−0.026 −0.036 to −0.016 0.01 0.02 0.003",
        "period 14 18 0.4",
        "scrub compare induction naive.py --model induction-2l",
    ):
        assert part in said.replace(" \\", ""), part


def test_results_of_a_comparison_that_are_given_too_are_shown_once() -> None:
    found: Comparison = comparison()
    again = replace(found.results[0], cost=replace(found.results[0].cost, chunk=9))
    assert render([again], comparisons=[found]).count('class="chapter"') == 2


def test_what_all_results_share_is_said_once() -> None:
    seen = Seen(render([DRAWN, second()]))
    titles = seen.said.partition("hypothesis verdict")[2]
    assert titles.startswith(" recovered interval null")
    other = replace(second(), metric="logit_diff")
    assert "hypothesis metric verdict" in Seen(render([DRAWN, other])).said
