"""Means of recorded activations, position by position: over the data, or within a column's values.

What is recorded is linear in what it stands for (a head's output in its `z`), so the mean of the
recording serves as the recording of the mean. An expert is not linear in what it reads, and what it
adds is recorded itself.
"""

from __future__ import annotations

import numpy as np
import torch

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import class_numbers
from scrub.graph import Site
from scrub.models.recording import Recording


class Means:
    """Averages made on first use, one `Recording` for each column (None: over all rows).

    Only the first `members` rows are averaged: generated donors, which follow, are not data.
    """

    def __init__(self, recording: Recording, dataset: Dataset, members: int) -> None:
        self._recording, self._dataset, self._members = recording, dataset, members
        self._made: dict[str | None, Recording] = {}
        self._classes: dict[str | None, Ints] = {}

    def classes(self, column: str | None) -> Ints:
        """The class number of every row."""
        if column not in self._classes:
            self._classes[column] = (
                np.zeros(len(self._dataset), dtype=np.int64)
                if column is None
                else class_numbers(list(self._dataset.columns[column]))
            )
        return self._classes[column]

    def over(self, site: Site, column: str | None) -> Recording:
        """A recording whose inputs are classes: [class, length, stored width]."""
        source = self._recording
        made = self._made.setdefault(
            column, Recording({}, source.device, source.place, source.longest)
        )
        if site not in made.values:
            made.values[site] = self._average(site, self.classes(column))
        return made

    def _average(self, site: Site, classes: Ints) -> torch.Tensor:
        """Weighted by rows: an input that several examples share counts as often.

        Over no rows it is NaN, so that it cannot pass for a value; generated donors without a
        class among the data are refused when they are made.
        """
        value = self._recording.values[site]  # [input, length, width]
        counts = np.zeros((int(classes.max()) + 1, value.shape[0]))
        rows = slice(self._members)
        np.add.at(counts, (classes[rows], self._dataset.sequence[rows]), 1.0)
        totals = counts.sum(axis=1, keepdims=True)
        weights = torch.from_numpy(counts / np.where(totals, totals, np.nan))
        wide = torch.promote_types(value.dtype, torch.float32)
        flat = value.reshape(value.shape[0], -1).to(wide)
        averaged = weights.to(flat.device, wide) @ flat  # [class, length · width]
        return averaged.view(-1, *value.shape[1:]).to(self._recording.device)
