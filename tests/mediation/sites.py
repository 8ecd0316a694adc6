"""Sites of random models, and what a person would put there by hand, with passes and hooks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property

import numpy as np
import torch
from scipy.special import ndtri

from scrub import Dataset, Task
from scrub.engine.replacements import Draws, Noise, Replacement, replacement
from scrub.models.adapter import TransformersModel
from scrub.sampling.philox import key_of, uniform_unit, uniform_words
from tests.mediation.hookloops import SHAPES, Change, Loop
from tests.models.tiny import VOCABULARY

Tensor = torch.Tensor
ROWS, LENGTH, END = 8, 6, 5
SITES = ("a1.h1@end", "m0@end", "m0.n3-9@end", "a1.h1<q>@end", "resid.1@end")
CASES = [*itertools.product(SHAPES, SITES), ("gpt2", "a0.h0"), ("llama", "m1@1,3")]


def data() -> Dataset:
    """Examples of one length, with a column of three values and one that names a partner."""
    rng = np.random.default_rng(0)
    return Dataset.from_rows(
        [
            {
                "tokens": rng.integers(0, VOCABULARY, LENGTH).tolist(),
                "roles": {"end": END, "start": 0},
                "mood": ["sad", "glad", "odd"][row % 3],
                "partner": (row + 3) % ROWS,
                "answer": int(rng.integers(0, VOCABULARY)),
            }
            for row in range(ROWS)
        ]
    )


class Case:
    """A model of ours and the same by hand, on all rows of the data."""

    def __init__(self, shape: str) -> None:
        self.loop = Loop.of(shape, dtype=torch.float64)
        self.model = TransformersModel(self.loop.module, shape)
        self.task = Task(data(), at="end", name="moods")
        self.tokens = torch.from_numpy(np.stack(self.task.dataset.inputs))

    @cached_property
    def plain(self) -> dict[str, Tensor]:
        return self.loop.run(self.tokens)

    def loss(self, changes: Sequence[Change] = ()) -> np.ndarray:
        """Cross-entropy of the answer at the end, [row]."""
        log = self.loop.run(self.tokens, changes)["logits"][:, END].log_softmax(-1)
        answers = torch.tensor(self.task.dataset.columns["answer"])
        return -log[torch.arange(ROWS), answers].numpy()

    def at(self, site: str) -> Tensor | None:
        """A site's positions, [row, n]."""
        where = site.partition("@")[2]
        spots = {"": None, "end": [END], "start": [0]}.get(where, "indices")
        if spots == "indices":
            spots = [int(spot) for spot in where.split(",")]
        return None if spots is None else torch.tensor([spots] * ROWS)

    def read(self, site: str, seen: dict[str, Tensor] | None = None) -> Tensor:
        """What stands at a site in a pass, [row, n, width]."""
        name, seen, at = site.partition("@")[0], seen or self.plain, self.at(site)
        if found := re.fullmatch(r"m(\d)\.n(\d+)-(\d+)", name):
            value = self.loop.neurons(seen, *map(int, found.groups()))
        elif found := re.fullmatch(r"a(\d)\.h\d<\w>", name):
            value = seen[f"resid.{found[1]}"]
        else:
            value = seen[name]
        return value if at is None else value[torch.arange(ROWS)[:, None], at]

    def change(self, site: str, value: Callable[[Tensor], Tensor] | Tensor) -> Change:
        return Change(site.partition("@")[0], value, self.at(site))

    def put(self, site: str, written: str, seed: int = 0) -> Change:
        """What a replacement puts at a site, worked out by hand."""
        return self.change(site, self.value(site, replacement(written), seed))

    def value(self, site: str, new: Replacement, seed: int) -> Callable[[Tensor], Tensor]:
        own, name = self.read(site), str(new)
        moods = np.array(self.task.dataset.columns["mood"])
        if name == "zero":
            return torch.zeros_like
        if name == "mean":
            return lambda _: own.mean(0, keepdim=True).expand_as(own)
        if name == "mean_within:mood":
            means = [own[torch.from_numpy(moods == mood)].mean(0) for mood in moods]
            return lambda _: torch.stack(means)
        if name.startswith("scale:"):
            return lambda here: here * float(name.partition(":")[2])
        if name.startswith("blend:"):
            _, t, other = name.split(":", 2)
            theirs = self.value(site, replacement(other), seed)
            return lambda here: (1 - float(t)) * here + float(t) * theirs(here)
        if isinstance(new, Noise):
            everywhere = self.read(site.partition("@")[0])
            scale = new.scale * everywhere.std(correction=0)
            return lambda here: here + scale * normal(site, here.shape, seed)
        draws = Draws(np.arange(ROWS), np.zeros(ROWS, dtype=np.int64), seed)
        donors = new.donors(self.task.dataset, draws)
        assert donors is not None
        return lambda _: own[torch.from_numpy(donors)]


def normal(site: str, shape: torch.Size, seed: int) -> Tensor:
    """Standard normal numbers: one for each (row, position, channel)."""
    counters = np.arange(int(np.prod(shape[1:])))[None, :]
    words = uniform_words(np.arange(shape[0])[:, None], counters, key_of(seed, f"noise {site}"))
    return torch.from_numpy(ndtri(uniform_unit(words) + 2.0**-54).reshape(shape))


@cache
def case_of(shape: str) -> Case:
    return Case(shape)
