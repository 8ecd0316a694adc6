"""What the page says of one result and of one comparison, ready to be set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scrub.mediation.findings import Finding
from scrub.report.comparing import refinements_in_words
from scrub.report.numbers import count, share
from scrub.report.page import contrasts, controlled, scores
from scrub.report.page.again import caveats, compare_again, run_again
from scrub.report.page.axis import Axis, axis
from scrub.report.page.claim import Drawing, picture
from scrub.report.page.front import Front, front
from scrub.report.page.sequences import Shown, examples
from scrub.report.page.tabular import Table, kept_together, minus
from scrub.report.page.verdict import Verdict, verdict
from scrub.results.adversary import WorstAllowed
from scrub.results.comparison import Comparison
from scrub.results.controls import Controls
from scrub.results.result import Result

if TYPE_CHECKING:
    from scrub.mediation.tested import CircuitTests
    from scrub.study.interchanging.interchanged import Interchange


@dataclass(frozen=True)
class Chapter:
    """One result: its verdict, its figures and its tables."""

    id: str
    called: str
    result: Result
    verdict: Verdict
    cautions: tuple[str, ...]
    scored: str
    scored_at: str
    drawing: Drawing | None
    says_much: str
    claimed: Table
    axis: Axis | None
    measured: Table
    stopped: Table | None
    controls: tuple[Table, ...]
    control_cautions: tuple[str, ...]
    adversary: Table | None
    adversary_says: str
    examples: tuple[Shown, ...]
    nodes: Table
    conventions: Table
    provenance: Table
    again: str
    caveats: tuple[str, ...]


@dataclass(frozen=True)
class Versus:
    """One comparison: its plot, its tables, and what they say in words."""

    id: str
    found: Comparison
    scored: str
    verdicts: tuple[str, ...]
    front: Front | None
    tables: tuple[Table, ...]
    refinements: tuple[str, ...]
    again: str


@dataclass(frozen=True)
class Alone:
    """What stands by itself: controls, or a worst sampling, whose result was not given; the tests
    of a circuit; interchange interventions."""

    id: str
    title: str
    says: str
    cautions: tuple[str, ...]
    tables: tuple[Table, ...]


def chapter(
    result: Result,
    id_: str,
    name: str,
    controls: Controls | None,
    adversary: WorstAllowed | None,
) -> Chapter:
    """Everything that the page says of a result."""
    said = result.conventions
    return Chapter(
        id=id_,
        called=name,
        result=result,
        verdict=verdict(result),
        cautions=tuple(c for c in result.cautions if c != result.recovered.refusal),
        scored=_scored(said),
        scored_at=str(said.get("scored_at", "")),
        drawing=_drawing(result, controls),
        says_much=_says_much(result),
        claimed=scores.claimed(result),
        axis=axis(result, controls, adversary),
        measured=scores.measured(result),
        stopped=scores.stopped(result),
        controls=() if controls is None else tuple(controlled.tables(controls)),
        control_cautions=tuple(c for a in (controls, adversary) if a for c in a.cautions),
        adversary=None if adversary is None else controlled.chosen(adversary),
        adversary_says="" if adversary is None else worst_in_words(adversary),
        examples=examples(result),
        nodes=scores.nodes(result.nodes),
        conventions=scores.conventions(result),
        provenance=scores.provenance(result),
        again=run_again(result),
        caveats=caveats(result),
    )


def _drawing(result: Result, controls: Controls | None) -> Drawing | None:
    if result.graph is None:
        return None
    return picture(result.graph, controlled.worth(controls, result.graph))


def _scored(said: Mapping[str, Any]) -> str:
    if not said.get("references") or not said.get("draws"):
        return ""
    rows = f" of {said['rows']:,} rows" if said.get("rows") else ""
    scored = f"{count(said['references'], 'reference')}{rows} × {count(said['draws'], 'draw')}"
    return f"{scored}, seed {said['seed']}" if "seed" in said else scored


def _says_much(result: Result) -> str:
    claims = result.claims
    return kept_together(
        f"{count(claims.nodes, 'node')} and {count(claims.edges, 'edge')} over the layers of "
        f"{result.model}, input at the bottom. {share(claims.unimportant)} of the model's "
        f"{claims.model_edges:,} edges are claimed not to matter."
    )


def worst_in_words(found: WorstAllowed) -> str:
    """What the least favourable sampling that the claim allows recovers, beside the usual one."""
    halves = f"Scored on {count(len(found.per_example.references), 'reference')}, chosen on others."
    return f"{minus(found.verdict)} {halves}"


def versus(found: Comparison, id_: str) -> Versus:
    """Everything that the page says of a comparison, but for its results."""
    return Versus(
        id=id_,
        found=found,
        scored=_scored(found.conventions),
        verdicts=tuple(f"{p.first} and {p.second}: {p.verdict}." for p in found.pairs),
        front=front(found),
        tables=tuple(contrasts.tables(found)),
        refinements=refinements_in_words(found),
        again=compare_again(found),
    )


def gathered(results: Sequence[Result], comparisons: Sequence[Comparison]) -> list[Result]:
    """The results, then those of the comparisons that are not among them."""
    found = list(results)
    for comparison in comparisons:
        found += [one for one in comparison.results if not any(same(one, r) for r in found)]
    return found


def same(one: Result, other: Result) -> bool:
    """Whether two results say the same, whatever it cost."""
    told = one.as_dict() | {"cost": None}
    return one is other or told == other.as_dict() | {"cost": None}


def about(result: Result, found: Controls | WorstAllowed) -> bool:
    """Whether controls are those of a result: the same claim, model, data and metric."""
    mine = (result.name, result.model, result.metric, dict(result.fingerprints))
    return mine == (found.name, found.model, found.metric, dict(found.fingerprints))


def alone(found: Controls | WorstAllowed | CircuitTests | Interchange, id_: str) -> Alone:
    """What there is to say of one that stands by itself."""
    if isinstance(found, Finding):
        from scrub.report.page import findings  # brings torch

        title, says = findings.title(found), findings.says(found)
        return Alone(id_, title, says, tuple(found.notes), findings.tables(found))
    if isinstance(found, Controls):
        tables = tuple(controlled.tables(found))
        return Alone(id_, f"Controls of {found.name}", "", found.cautions, tables)
    title, says = f"Worst allowed by {found.name}", worst_in_words(found)
    return Alone(id_, title, says, found.cautions, (controlled.chosen(found),))


def tally(chapters: Sequence[Chapter]) -> str:
    """How many results, and how many of each verdict."""
    words = Counter(one.verdict.word.value for one in chapters)
    each = "; ".join(f"{word.lower()}: {number}" for word, number in words.most_common())
    return f"{count(len(chapters), 'result')}. Verdicts: {each}."


def numbered(stem: str, many: int) -> Iterator[str]:
    """Ids of sections: no name of a hypothesis is part of one."""
    yield from (f"{stem}-{number + 1}" for number in range(many))
