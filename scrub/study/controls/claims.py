"""Claims left out one by one, donors that differ on a feature, and the two anchors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from scrub.data.features import ANY, Extent, Unlike
from scrub.errors import InputRefused
from scrub.hypothesis.changed import problem_of
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.dropping import Dropped, without_edge, without_node
from scrub.results.comparison import Apart
from scrub.results.controls import LeftOut, Swap
from scrub.sampling.samplers import Differing, sampler_of
from scrub.statistics.comparison import ShareDifference
from scrub.statistics.multiplicity import holm
from scrub.study.controls.ground import Base, Ground, Outcome, apart
from scrub.study.prepare import Plan


@dataclass(frozen=True, eq=False)
class DroppedPart:
    """Every node but the sink, and every edge, left out; an edge that is all that its parent
    gives is left out with its parent."""

    entries: Sequence[LeftOut]
    claims: Sequence[Claim | None]  # None where it cannot be left out

    @staticmethod
    def of(ground: Ground) -> DroppedPart:
        claim, seen = ground.claim, set()
        entries, claims = [], []
        for what, name, dropped in _dropped(claim):
            key = ground.same.key(dropped.claim)
            if what == "edge" and key in seen:
                continue
            seen.add(key)
            problem = problem_of(dropped.claim)
            entries.append(
                LeftOut(
                    what=what,
                    name=name,
                    gone=dropped.gone,
                    forgotten=bool(dropped.forgotten),
                    refusal=str(problem) if problem else None,
                )
            )
            claims.append(None if problem else dropped.claim)
        return DroppedPart(entries, claims)

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        yield from _plans("without", self.claims, ground)

    def found(self, base: Base, outcomes: Mapping[str, Outcome]) -> tuple[list[LeftOut], list[int]]:
        """The worthiest first, and where each stood among those that were planned."""
        told = list(self.entries)
        for number, mean, worth in _against("without", self.claims, base, outcomes):
            told[number] = replace(
                told[number],
                recovered=base.share(mean),
                mean=mean,
                worth=worth,
                idle=worth is not None and not _above(worth, base.ground.alpha),
            )
        order = sorted(range(len(told)), key=lambda n: -_value(told[n].worth))
        return [told[n] for n in order], order


def _dropped(claim: Claim) -> Iterator[tuple[str, str, Dropped]]:
    for name in claim.nodes:
        if name != claim.sink:
            yield "node", name, without_node(claim, name)
    for edge in claim.edges:
        yield "edge", f"{edge.parent} → {edge.child}", without_edge(claim, edge)


@dataclass(frozen=True, eq=False)
class SwapPart:
    """Every node but the sink with donors that differ on its feature."""

    entries: Sequence[Swap]
    claims: Sequence[Claim | None]

    @staticmethod
    def of(ground: Ground) -> SwapPart:
        claim = ground.claim
        names = [name for name in claim.nodes if name != claim.sink]
        found = [_swapped(claim, claim.nodes[name]) for name in names]
        return SwapPart([entry for entry, _ in found], [swapped for _, swapped in found])

    def plans(self, ground: Ground) -> Iterator[tuple[str, Plan]]:
        yield from _plans("swap", self.claims, ground)

    def found(self, base: Base, outcomes: Mapping[str, Outcome]) -> list[Swap]:
        told = list(self.entries)
        for number, mean, hurt in _against("swap", self.claims, base, outcomes):
            told[number] = replace(
                told[number],
                recovered=base.share(mean),
                mean=mean,
                hurt=hurt,
                breaks=hurt is not None and _above(hurt, base.ground.alpha),
            )
        return told


def _swapped(claim: Claim, node: Node) -> tuple[Swap, Claim | None]:
    """The claim with a node's donors swapped; None with the reason where they cannot be."""
    written = node.feature.value if isinstance(node.feature, Extent) else str(node.feature)
    entry = Swap(node.name, written)
    if node.feature is ANY:
        return replace(entry, refusal="it is said to carry nothing."), None
    assert not isinstance(node.feature, Unlike)  # no hypothesis carries it
    other = replace(node, feature=Unlike(node.feature))
    swapped = replace(claim, nodes={**claim.nodes, node.name: other})
    try:
        sampler = sampler_of(other, claim.dataset, len(claim.dataset), claim.by_length(node.name))
    except InputRefused as refused:
        return replace(entry, refusal=str(refused)), None
    assert isinstance(sampler, Differing)
    if alone := sampler.without:
        found = f"{alone} of {len(claim.dataset)} examples agree on it with all that they could be "
        return replace(entry, refusal=f"{found}swapped with."), None
    if (size := count_occurrences(swapped)) > claim.options.limit:
        found = f"it would unfold to {size:,} nodes, and the limit is {claim.options.limit:,}."
        return replace(entry, refusal=found), None
    return entry, swapped


def _plans(name: str, claims: Sequence[Claim | None], ground: Ground) -> Iterator[tuple[str, Plan]]:
    for number, claim in enumerate(claims):
        if claim is not None:
            yield f"{name}.{number}", ground.under(claim)


def _against(
    name: str, claims: Sequence[Claim | None], base: Base, outcomes: Mapping[str, Outcome]
) -> Iterator[tuple[int, float | None, Apart | None]]:
    """Of each that was planned: its number, its mean, and how far the claim is ahead of it."""
    kept = [n for n, claim in enumerate(claims) if claim is not None]
    others = [outcomes[f"{name}.{n}"] for n in kept]
    for number, other, ahead in zip(kept, others, _ahead(base, others), strict=True):
        yield number, other.mean, ahead


def _ahead(base: Base, others: Sequence[Outcome]) -> list[Apart | None]:
    """What the claim recovers beyond each, with p-values adjusted for all of them."""
    found: list[ShareDifference | None] = [base.ahead(other) for other in others]
    told = [one for one in found if one is not None]
    adjusted = iter(holm(np.array([one.p for one in told])).tolist() if told else [])
    return [None if one is None else apart(one, next(adjusted)) for one in found]


def _above(found: Apart, alpha: float) -> bool:
    return found.value > 0 and found.holm <= alpha


def _value(found: Apart | None) -> float:
    return -np.inf if found is None else found.value
