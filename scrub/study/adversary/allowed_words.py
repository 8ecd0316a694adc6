"""What the worst allowed sampling says of a hypothesis, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scrub.results.adversary import Choice, Harm, Sampled, Singletons
from scrub.study.cautions import CANCELS, NEARLY


def verdict(usual: Sampled, worst: Sampled, harm: Harm, choices: Sequence[Choice]) -> str:
    """One sentence: what a choice within the claim does to the score."""
    if not any(one.said for one in choices):
        return "No choice that was tried hurts: whatever the claim allows does equally well."
    if harm.recovered.value is None:
        return (
            f"The ratio is refused; the choice changes the metric by {_signed(harm.metric.value)}"
            f"{_between(harm.metric.low, harm.metric.high)}."
        )
    fall = f"from {usual.recovered.value:.3f} to {worst.recovered.value:.3f}"
    ends = _between(harm.recovered.low, harm.recovered.high)
    if harm.recovered.low is not None and harm.recovered.low > 0:
        return (
            f"A choice of donors that the claim allows lowers recovered {fall}, "
            f"by {harm.recovered.value:.3g}{ends}."
        )
    return (
        f"What hurt on the references of the search does not on others: recovered goes {fall}, "
        f"by {harm.recovered.value:.3g}{ends}."
    )


@dataclass(frozen=True)
class Pooled:
    """The usual sampling on both halves: means of the metric, and of |scrubbed − model|."""

    model: float
    scrubbed: float
    baseline: float
    divergence: float


def cautions(
    usual: Sampled,
    pooled: Pooled,
    harm: Harm,
    singletons: Sequence[Singletons],
    weighted: Sequence[str],
) -> tuple[str, ...]:
    """All that applies, the gravest first; `weighted` are nodes whose donors a kernel weights."""
    return (
        *_refused(usual),
        *_cancellation(pooled, harm),
        *_singletons(singletons),
        *(
            f"Node '{name}': a kernel weights its donors, and has no classes to choose within; "
            "they are drawn as usual."
            for name in weighted
        ),
    )


def _refused(usual: Sampled) -> Iterator[str]:
    if usual.recovered.refusal:
        yield usual.recovered.refusal


def _cancellation(found: Pooled, harm: Harm) -> Iterator[str]:
    gap = abs(found.model - found.baseline)
    if abs(found.scrubbed - found.model) < NEARLY * gap and found.divergence > CANCELS * gap:
        said = (
            f"Cancellation: under the usual sampling the means agree ({found.scrubbed:.4g} "
            f"scrubbed, {found.model:.4g} the model's), but single examples change by "
            f"{found.divergence:.3g} on average ({found.divergence / gap:.0%} of the gap)"
        )
        low = harm.recovered.low
        if low is not None and low > 0:
            said += "; the choice takes that apart"
        yield said + "."


def _singletons(singletons: Sequence[Singletons]) -> Iterator[str]:
    for one in singletons:
        yield (
            f"Singletons: node '{one.node}' has no other input to draw for {one.alone} references "
            f"({one.share:.0%}). They are never resampled there, and nothing can be chosen."
        )


def _signed(value: float | None) -> str:
    return "none" if value is None else f"{value:+.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
