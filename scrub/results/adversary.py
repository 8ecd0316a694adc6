"""What the least favourable sampling that a hypothesis allows makes of it, beside the usual one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scrub.results.documents import document_of, write_document
from scrub.results.result import Figure, Floats, Means, Precision, Recovered

SCHEMA = "scrub-adversary/1"


@dataclass(frozen=True)
class Sampled:
    """What one way of sampling gives on the references that are scored.

    `divergence` is the mean of |scrubbed − model| over references and draws; `kl` in nats, None
    where there are no logits.
    """

    recovered: Recovered
    means: Means
    divergence: float
    kl: float | None


@dataclass(frozen=True)
class Harm:
    """By how much a choice hurts: `recovered` is usual − chosen, `metric` is chosen − usual.

    The value of `recovered` is None where the ratio is refused.
    """

    recovered: Figure
    metric: Figure


@dataclass(frozen=True)
class Searched:
    """The half of the references on which the choice was made.

    `usual` and `worst` are the shares recovered there (None where the ratio is refused);
    `optimism` is how much larger the drop is there than on the half that is scored.
    """

    references: int
    usual: float | None
    worst: float | None
    optimism: float | None
    evaluations: int
    rounds: int


@dataclass(frozen=True)
class Taken:
    """One line of a rule: where `given` holds (always, if empty), what is drawn is `takes`."""

    given: str
    takes: str


@dataclass(frozen=True)
class Choice:
    """What was chosen at one node: for its "donors", its "unimportant inputs" (drawn together), or
    "each unimportant input" (drawn separately).

    `said` is the rule in words, `rule` its lines; both are empty where nothing that was tried
    hurts more than the usual draw. `rows` is how many rows the rule leaves to a draw, of
    `rows_claimed` that the claim allows, both averaged over draws. `alone` is the harm of this
    rule with all other draws as usual, `added` what it adds to all the other rules; both are None
    where there is no rule. `tried` counts refinements.
    """

    node: str
    of: str
    feature: str
    said: str
    rule: tuple[Taken, ...]
    rows: float
    rows_claimed: float
    alone: Harm | None
    added: Harm | None
    tried: int


@dataclass(frozen=True)
class Singletons:
    """References (`alone`, and as a share) that have no partner at a node: never resampled."""

    node: str
    alone: int
    share: float


@dataclass(frozen=True, eq=False)
class PerExample:
    """Values of every reference that is scored, and draw, kept in a file beside the JSON."""

    references: NDArray[np.int64]
    model: Floats  # [reference]
    baseline: Floats  # [reference, draw]
    usual: Floats  # [reference, draw]
    worst: Floats  # [reference, draw]
    donors: NDArray[np.int64]  # [variable, reference, draw] under the worst choice


@dataclass(frozen=True, eq=False, repr=False)
class WorstAllowed:
    """The worst sampling that was found within a claim, scored on references it was not made on."""

    name: str
    claim: str
    metric: str
    task: str
    model: str
    verdict: str
    usual: Sampled
    worst: Sampled
    harm: Harm
    searched: Searched
    choices: tuple[Choice, ...]
    singletons: tuple[Singletons, ...]
    cautions: tuple[str, ...]
    conventions: Mapping[str, Any]
    seconds: Mapping[str, float]
    fingerprints: Mapping[str, str]
    versions: Mapping[str, str]
    per_example: PerExample = field(repr=False)
    precision: Precision | None = None  # that of the usual draws; None in files of earlier versions
    schema: str = SCHEMA

    def __repr__(self) -> str:
        """One line: what is recovered as usual, and at worst."""
        usual, worst = self.usual.recovered.value, self.worst.recovered.value
        if usual is None or worst is None:
            return f"<WorstAllowed {self.name} on {self.model}: recovered refused>"
        return f"<WorstAllowed {self.name} on {self.model}: {usual:.3f}, at worst {worst:.3f}>"

    def choice(self, node: str, of: str = "donors") -> Choice:
        """What was chosen at a node. Raises KeyError for what is not drawn."""
        found = {(one.node, one.of): one for one in self.choices}
        if (node, of) not in found:
            known = "; ".join(", ".join(key) for key in found)
            raise KeyError(f"no '{node}, {of}'. There are: {known}")
        return found[node, of]

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; per-example values are not in it."""
        return document_of(self, without="per_example")

    def write_json(self, path: str | Path) -> Path:
        """Write the JSON form, and the per-example values beside it as safetensors.

        Both files are complete or absent: each is written under another name and then moved.
        """
        return write_document(path, self.as_dict(), vars(self.per_example))

    @staticmethod
    def read_json(path: str | Path) -> WorstAllowed:
        """What `write_json` wrote. Raises `InputRefused` for another or a damaged file."""
        from scrub.results.reading import read_worst_allowed  # which imports this module

        return read_worst_allowed(path)
