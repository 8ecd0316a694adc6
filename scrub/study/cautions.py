"""What a reader of the number should know before believing it, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scrub.data.features import EXACT
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.options import Partner, Replacement, Unimportant
from scrub.hypothesis.rules.features import label_is_fixed
from scrub.results.result import Means, NodeResult, NullResult, Recovered

MUCH_SELF = 0.2
CANCELS = 0.25  # a divergence this large, as a share of the gap, under means that nearly agree
NEARLY = 0.05


def cautions(
    claim: Claim,
    recovered: Recovered,
    means: Means,
    divergence: float,
    nodes: Sequence[NodeResult],
    null: NullResult | None,
) -> tuple[str, ...]:
    """All that applies, the gravest first."""
    return (
        *_refused(recovered),
        *_root(claim),
        *_vacuous(claim),
        *_conventions(claim),
        *_cancellation(means, divergence),
        *_self_donation(nodes),
        *_outside(recovered),
        *_null(recovered, null),
    )


def _refused(recovered: Recovered) -> Iterator[str]:
    if recovered.refusal:
        yield recovered.refusal


def _root(claim: Claim) -> Iterator[str]:
    if not label_is_fixed(claim):
        yield (
            "The sink's feature does not fix the label: outputs are scored against another "
            "example's answer, so even a wrong claim can recover much."
        )


def _vacuous(claim: Claim) -> Iterator[str]:
    features = {node.feature for node in claim.nodes.values()}
    if not any(claim.calls_some_unimportant.values()) and features == {EXACT}:
        yield "Every edge is named and every feature is EXACT: this recovers 1 and says nothing."
    elif features == {EXACT} and len(claim.nodes) > 1:
        yield "Every feature is EXACT: the claim says which paths matter, not what they carry."


def _conventions(claim: Claim) -> Iterator[str]:
    if claim.options.unimportant is Unimportant.KEPT:
        yield "Unimportant inputs are kept, not resampled: paths outside the graph still work."
    if claim.options.unimportant is Unimportant.SEPARATELY:
        yield (
            "Unimportant inputs are drawn separately: this depends on how finely the model is cut, "
            "and can halve the loss of a wrong claim."
        )
    resamples = claim.options.replacement is Replacement.RESAMPLE
    if isinstance(claim.options.unimportant, Partner) and not resamples:
        said = claim.options.as_dict()
        yield (
            f"Unimportant inputs are nobody's under replacement '{said['replacement']}': "
            f"'{said['unimportant']}' says nothing here."
        )


def cancels(means: Means, divergence: float) -> bool:
    """Whether single examples change far more than the means do."""
    return any(True for _ in _cancellation(means, divergence))


def _cancellation(means: Means, divergence: float) -> Iterator[str]:
    model, scrubbed, baseline = means.model.value, means.scrubbed.value, means.baseline.value
    assert model is not None  # raw means exist always
    assert scrubbed is not None
    assert baseline is not None
    gap = abs(model - baseline)
    if divergence > gap > 0:
        yield (
            f"Single examples change by {divergence:.3g} on average, more than the whole gap "
            f"between model and baseline ({gap:.3g}): whatever the means say, the claim does not "
            "reproduce the model example by example."
        )
    elif gap > 0 and abs(scrubbed - model) < NEARLY * gap and divergence > CANCELS * gap:
        yield (
            f"The means agree, but single examples change by {divergence:.3g} on average "
            f"({divergence / gap:.0%} of the gap): errors cancel."
        )


def _self_donation(nodes: Sequence[NodeResult]) -> Iterator[str]:
    for node in nodes:
        if node.feature != "EXACT" and node.self_share > MUCH_SELF:
            yield (
                f"Node '{node.name}': {node.self_share:.0%} of its draws are the reference itself, "
                "so they test nothing."
            )
        if node.frame_self_share is not None and node.frame_self_share > MUCH_SELF:
            yield (
                f"Node '{node.name}': in {node.frame_self_share:.0%} of its draws the unimportant "
                "inputs are the reference's own, so nothing is resampled there."
            )


def _outside(recovered: Recovered) -> Iterator[str]:
    low, high = recovered.low, recovered.high
    if low is not None and high is not None and high - low > 1:
        yield (
            "The interval is wider than the way from 0 to 1: score more references, or draw more "
            "often."
        )
    if recovered.value is not None and recovered.value > 1 + NEARLY:
        yield "Recovered is above 1: the scrubbed model does better than the model; look at why."
    if recovered.value is not None and recovered.value < 0:
        yield "Recovered is below 0: the scrubbed model does worse than random inputs."


def _null(recovered: Recovered, null: NullResult | None) -> Iterator[str]:
    if null is None or null.recovered is None or recovered.low is None or recovered.high is None:
        return
    if recovered.low <= null.recovered <= recovered.high:
        yield (
            "The same graph without its features recovers as much: the features carry nothing "
            "that the structure does not."
        )
