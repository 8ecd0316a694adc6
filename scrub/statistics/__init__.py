"""From metric values and drawn rows to a figure with its interval: arrays in, numbers out."""

from scrub.statistics.bootstrap import Interval
from scrub.statistics.claims import bits, divergence
from scrub.statistics.recovered import Bounds, Estimand, Recovered, recovered
from scrub.statistics.sample import NOT_A_ROW, Sample

__all__ = [
    "NOT_A_ROW",
    "Bounds",
    "Estimand",
    "Interval",
    "Recovered",
    "Sample",
    "bits",
    "divergence",
    "recovered",
]
