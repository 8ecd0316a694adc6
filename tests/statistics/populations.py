"""Populations whose share recovered is known exactly, and scrubs of datasets drawn from them.

A row has a class c (uniform over `classes`), an effect x as a reference, effects e_1 … e_V as a
donor, skewed, correlated with each other and with the class. With u = d_1, the unrestricted draw
that scrubbed and baseline share, and the other draws restricted to the reference's class:

    model(r)        = 2 + x_r
    baseline(r, u)  = -x_r / 2 + e_u + x_r · e_u / 2
    scrubbed(r, d)  = 1.3 + own · x_r + Σ_k w · (e_k,d_k + interaction · x_r · e_k,d_k)

so that the population's means are 2, 0 and 1.3 + interaction · w · Σ_{k>1} E[x̄_c ē_k,c].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scrub.statistics import Sample
from scrub.statistics.sample import Floats, Integers


@dataclass(frozen=True, eq=False)
class Data:
    """Rows: effects x [N] as references, e [V, N] as donors, and their classes [N]."""

    x: Floats
    e: Floats
    kind: Integers

    def draw(
        self, kinds: Integers | None, shape: tuple[int, int], rng: np.random.Generator
    ) -> Integers:
        """Donors [R, T], uniform over all rows, or over those of the class in kinds [R, 1]."""
        if kinds is None:
            return rng.integers(0, len(self.x), shape)
        by_class = np.argsort(self.kind, kind="stable")
        size = np.bincount(self.kind)
        first = np.cumsum(size) - size
        pick = (rng.random(shape) * size[kinds]).astype(np.int64)
        drawn: Integers = by_class[first[kinds] + pick]
        return drawn


@dataclass(frozen=True)
class Population:
    """What a dataset is drawn from, and how it is scrubbed.

    `alike`: how far the effects of one row agree across the draws, 0 (not at all) to 1.
    `role`: the covariance of a row's effects in its two roles.
    `strength`: the standard deviation of all donors' effects on one value, if not alike.
    """

    rows: int = 200
    references: int = 200
    variables: int = 1
    draws: int = 1
    classes: int = 1
    own: float = 0.6
    strength: float = 1.0
    interaction: float = 0.5
    alike: float = 0.0
    role: float = 0.3

    def __str__(self) -> str:
        return (
            f"N={self.rows} R={self.references} V={self.variables} T={self.draws} "
            f"classes={self.classes} alike={self.alike} role={self.role}"
        )

    @property
    def weight(self) -> float:
        """Of each draw, such that independent effects of all have variance `strength`²."""
        return self.strength / float(np.sqrt(self.variables))

    @property
    def true_share(self) -> float:
        """The share recovered in the population."""
        x, e = self._class_means()
        restricted = self.variables - 1
        return float(1.3 + self.interaction * self.weight * restricted * np.mean(x * e)) / 2

    def _class_means(self) -> tuple[Floats, Floats]:
        if self.classes == 1:
            return np.zeros(1), np.zeros(1)
        place = np.linspace(-1, 1, self.classes)
        return 0.5 * place, 0.8 * place / np.sqrt(self.variables)

    def dataset(self, rng: np.random.Generator) -> Data:
        """Rows drawn from the population."""
        kind = rng.integers(0, self.classes, self.rows)
        mean_x, mean_e = self._class_means()
        x = rng.exponential(size=self.rows) - 1
        common = self.role * x + np.sqrt(1 - self.role**2) * rng.normal(size=self.rows)
        apart = rng.normal(size=(self.variables, self.rows))
        if self.variables == 1:
            e = common[None]
        else:
            e = np.sqrt(self.alike) * common + np.sqrt(1 - self.alike) * apart
        return Data(mean_x[kind] + x, mean_e[kind] + e, kind)

    def scrub(self, seed: int) -> Sample:
        """One dataset, its references and its draws."""
        rng = np.random.default_rng(seed)
        return self.scrub_data(self.dataset(rng), rng)

    def scrub_data(self, data: Data, rng: np.random.Generator) -> Sample:
        """References and draws from this dataset."""
        references = rng.permutation(self.rows)[: self.references]
        own_kind = data.kind[references][:, None]
        donors = np.stack(
            [
                data.draw(own_kind if k else None, (self.references, self.draws), rng)
                for k in range(self.variables)
            ]
        )
        x = data.x[references][:, None]
        given = np.stack([e[drawn] for e, drawn in zip(data.e, donors, strict=True)])  # [V, R, T]
        moved = self.weight * (given * (1 + self.interaction * x)).sum(axis=0)
        classes = np.tile(data.kind, (self.variables, 1))
        classes[0] = 0
        return Sample(
            rows=self.rows,
            references=references,
            scrubbed=1.3 + self.own * x + moved,
            baseline=-x / 2 + given[0] + x * given[0] / 2,
            model=2 + data.x[references],
            donors=donors,
            baseline_donors=donors[:1],
            classes=classes,
            baseline_classes=classes[:1],
        )

    def share_in(self, data: Data) -> float:
        """The share recovered in this dataset, over all its rows and all possible draws."""
        within = np.stack([data.e[:, data.kind == c].mean(axis=1) for c in range(self.classes)])
        expected = within[data.kind]  # [N, V]
        expected[:, 0] = data.e[0].mean()
        x = data.x
        moved = self.weight * (expected * (1 + self.interaction * x[:, None])).sum(axis=1)
        scrubbed = (1.3 + self.own * x + moved).mean()
        baseline = (-x / 2 + expected[:, 0] * (1 + x / 2)).mean()
        return float((scrubbed - baseline) / ((2 + x).mean() - baseline))
