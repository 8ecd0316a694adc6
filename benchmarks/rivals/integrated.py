"""Edge attribution with gradients at five points between the inputs (EAP-IG): what does it cost?

The points are those of the published code: k/5 of the way from the corrupted to the clean
embedding, for k from 0 to 4. Hanna et al. 2024, arXiv 2403.17806.
"""

from __future__ import annotations

from benchmarks.rivals import attribution
from benchmarks.rivals.contest import REFEREE, Entry, Environment, Question, ours

STEPS = 5
POINTS = tuple(step / STEPS for step in range(STEPS))


class Hooks(attribution.Hooks):
    points = POINTS


class LensHooks(attribution.LensHooks):
    points = POINTS


QUESTION = Question(
    title=f"edge attribution with integrated gradients, {STEPS} points, all edges",
    unit="sweep",
    units=["all edges"],
    bar="",
    entries={
        REFEREE: Entry(Environment.TWO, Hooks, timed=None),
        "scrub": Entry(Environment.ONE, ours("Integrated")),
        "TransformerLens 2.18 hooks": Entry(Environment.TWO, LensHooks),
    },
    baseline=lambda case: 0.0,
    slow=True,
)
