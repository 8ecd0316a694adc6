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
from scrub.statistics.sample import Floats


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
        return self.strength / np.sqrt(self.variables)

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

    def dataset(self, rng: np.random.Generator) -> tuple[Floats, Floats, np.ndarray]:
        """Rows drawn from the population: x [N], e [V, N] and the class [N]."""
        kind = rng.integers(0, self.classes, self.rows)
        mean_x, mean_e = self._class_means()
        x = rng.exponential(size=self.rows) - 1
        common = self.role * x + np.sqrt(1 - self.role**2) * rng.normal(size=self.rows)
        apart = rng.normal(size=(self.variables, self.rows))
        if self.variables == 1:
            e = common[None]
        else:
            e = np.sqrt(self.alike) * common + np.sqrt(1 - self.alike) * apart
        return mean_x[kind] + x, mean_e[kind] + e, kind

    def scrub(self, seed: int) -> Sample:
        """One dataset, its references and its draws."""
        rng = np.random.default_rng(seed)
        x, e, kind = self.dataset(rng)
        references = rng.permutation(self.rows)[: self.references]
        shape = (self.references, self.draws)
        donors = np.empty((self.variables, *shape), dtype=np.int64)
        donors[0] = rng.integers(0, self.rows, shape)
        by_class = np.argsort(kind, kind="stable")
        size = np.bincount(kind, minlength=self.classes)
        first = np.concatenate([[0], np.cumsum(size)[:-1]])
        own_kind = kind[references][:, None]
        for k in range(1, self.variables):
            pick = (rng.random(shape) * size[own_kind]).astype(np.int64)
            donors[k] = by_class[first[own_kind] + pick]
        x_r = x[references][:, None]
        given = np.stack([e[k][donors[k]] for k in range(self.variables)])  # [V, R, T]
        moved = self.weight * (given * (1 + self.interaction * x_r)).sum(axis=0)
        classes = np.tile(kind, (self.variables, 1))
        classes[0] = 0
        return Sample(
            rows=self.rows,
            references=references,
            scrubbed=1.3 + self.own * x_r + moved,
            baseline=-x_r / 2 + given[0] + x_r * given[0] / 2,
            model=2 + x[references],
            donors=donors,
            baseline_donors=donors[:1],
            classes=classes,
            baseline_classes=classes[:1],
        )
