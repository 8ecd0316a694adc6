"""The verdict on a result in words, by rules that the page states beside it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from scrub.report.numbers import level, ratio, share
from scrub.report.page.tabular import kept_together, minus
from scrub.results.result import NodeResult, Result
from scrub.study.cautions import cancels

NEARLY_ALL = 0.9
HALF = 0.5


class Word(enum.Enum):
    """The verdicts, and how each is coloured: good, bad, mixed or none."""

    REFUSED = "No verdict"
    VACUOUS = "Vacuous"
    OPEN = "Undecided"
    LOST = "Not borne out"
    STRUCTURE = "No better than its null"
    AVERAGE = "Borne out on average only"
    HELD = "Borne out"
    PARTLY = "Partly borne out"

    @property
    def tone(self) -> str:
        tones = {Word.HELD: "good", Word.LOST: "bad", Word.REFUSED: "none", Word.OPEN: "none"}
        return tones.get(self, "mixed")


@dataclass(frozen=True)
class Verdict:
    """The word, why it is that one, and the number in a sentence."""

    word: Word
    why: str
    number: str


@dataclass(frozen=True)
class Rule:
    """A verdict and when it is given; the first rule that holds counts."""

    word: Word
    when: str
    holds: Callable[[Result], bool]


def _low(result: Result) -> float:
    low = result.recovered.low
    assert low is not None  # rules come in order: there is an interval by then
    return low


def vacuous(result: Result) -> bool:
    """Whether nothing was put in the place of anything: every draw is the reference itself.

    Naming every edge with EXACT features is such a claim, and so is one whose features tell every
    example from every other.
    """
    said = result.conventions
    replaced = said.get("replacement", "resample") != "resample"
    if replaced and said.get("unimportant") != "kept" and result.claims.unimportant > 0:
        return False
    return bool(result.nodes) and all(map(_idle, result.nodes))


def _idle(node: NodeResult) -> bool:
    own = node.self_share == 1 or node.draws == 0
    return own and node.frame_self_share in (None, 1)


def _beaten_by_null(result: Result) -> bool:
    null = result.null
    return null is not None and null.recovered is not None and null.recovered >= _low(result)


RULES = (
    Rule(
        Word.REFUSED,
        "there is no share recovered: the model is not told from the baseline",
        lambda r: r.recovered.value is None,
    ),
    Rule(
        Word.VACUOUS,
        "every draw is the reference itself, so that nothing was put to the test",
        vacuous,
    ),
    Rule(
        Word.OPEN,
        "there is no interval",
        lambda r: r.recovered.low is None or r.recovered.high is None,
    ),
    Rule(
        Word.LOST,
        "the whole interval lies below one half",
        lambda r: r.recovered.high is not None and r.recovered.high < HALF,
    ),
    Rule(
        Word.STRUCTURE,
        "the same graph with its features forgotten recovers as much as the lower end or more",
        _beaten_by_null,
    ),
    Rule(
        Word.AVERAGE,
        "single examples change by more than a quarter of the gap while the means agree, or by "
        "more than the whole gap; and the interval reaches one half",
        lambda r: cancels(r.means, r.divergence) and _low(r) >= HALF,
    ),
    Rule(
        Word.HELD,
        f"the whole interval lies at or above {NEARLY_ALL:g}",
        lambda r: _low(r) >= NEARLY_ALL,
    ),
    Rule(
        Word.PARTLY,
        "the whole interval lies at or above one half",
        lambda r: _low(r) >= HALF,
    ),
    Rule(Word.OPEN, "the interval holds one half", lambda r: True),
)


def verdict(result: Result) -> Verdict:
    """The first rule that holds."""
    rule = next(rule for rule in RULES if rule.holds(result))
    return Verdict(rule.word, rule.when, _number(result))


def _number(result: Result) -> str:
    """What is recovered, with its interval, and how much the claim says."""
    found = result.recovered
    if found.value is None:
        return found.refusal or "There is no share recovered to report."
    text = (
        "With everything resampled that the claim calls unimportant, "
        f"{minus(share(found.value))} of the way from the baseline to the model is kept"
    )
    if found.low is not None and found.high is not None:
        ends = minus(f"{ratio(found.low)} to {ratio(found.high)}")
        text += f" (recovered {minus(ratio(found.value))}, {level(found.level)} interval {ends})"
    claims = result.claims
    return kept_together(
        f"{text}. The claim declares {share(claims.unimportant)} of the model's "
        f"{claims.model_edges:,} edges unimportant."
    )
