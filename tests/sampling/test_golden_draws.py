"""What a seed means is kept from version to version: texts of paths, and the rows they give."""

from __future__ import annotations

import numpy as np

from scrub.hypothesis.loading import load_hypothesis
from scrub.hypothesis.unfold import unfold
from scrub.sampling.donors import draw_donors
from scrub.study.check import check

PATHS = [
    ("", "reference"),
    ("logits@query", "frame"),
    ("logits@query/in:a1.h0@query", "donor"),
    ("logits@query/in:a1.h0@query", "frame"),
    ("logits@query/in:a1.h0@query/k:a0.h0@after_match", "donor"),
    ("logits@query/in:a1.h0@query/q:embed@query", "donor"),
    ("logits@query/in:a1.h0@query/v:embed@after_match", "donor"),
]
ROWS = [
    [0, 1, 2],
    [229, 464, 349],
    [0, 376, 236],
    [309, 387, 217],
    [347, 389, 101],
    [441, 272, 365],
    [423, 299, 410],
]


def test_the_paths_of_a_shipped_claim():
    tree = unfold(check(load_hypothesis("induction_chain")))
    assert [(draw.path, draw.kind.value) for draw in tree.draws] == PATHS


def test_the_draws_of_a_shipped_claim():
    tree = unfold(check(load_hypothesis("induction_chain")))
    rows = draw_donors(tree, [0, 1, 2], draws=1, seed=0).rows[:, :, 0]
    assert np.array_equal(rows, ROWS)
