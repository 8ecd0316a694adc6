"""The rule about frames: what supplies unimportant inputs is mostly another example."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.errors import Problem
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.options import Partner, Replacement, SelfDonation, Unimportant
from scrub.hypothesis.rules.conventions import option_columns_exist
from scrub.hypothesis.rules.features import roles_placed
from scrub.hypothesis.unfold import frame_within_length

ACCEPTS = "self_donation='allowed' accepts it."


def frames_have_partners(claim: Claim) -> Iterator[Problem]:
    """Most examples have another one to take unimportant inputs from, or nothing is resampled."""
    options = claim.options
    if options.self_donation is SelfDonation.ALLOWED:
        return
    if options.replacement is not Replacement.RESAMPLE:
        return
    resampled = [name for name, some in claim.calls_some_unimportant.items() if some]
    if not resampled or any(option_columns_exist(claim)):
        return
    if isinstance(options.unimportant, Partner):
        yield from _partners(claim, options.unimportant.column)
    elif options.unimportant in (Unimportant.TOGETHER, Unimportant.SEPARATELY):
        yield from _lengths(claim, [n for n in resampled if frame_within_length(claim, n)])


def _partners(claim: Claim, column: str) -> Iterator[Problem]:
    distinct = claim.dataset.distinct
    partners = np.array(claim.dataset.columns[column], dtype=np.int64)
    same = float((distinct[partners] == distinct).mean())
    if same > 0.5:
        yield Problem(
            "option 'unimportant'",
            f"column '{column}' names the example itself, or one with the same input, in "
            f"{same:.0%} of the rows, so nothing would be resampled there.",
            f"Name other examples; {ACCEPTS}",
        )


def _lengths(claim: Claim, names: list[str]) -> Iterator[Problem]:
    """Where values cross by index, a frame has its reference's length."""
    data = claim.dataset
    for name in names:
        distinct = data.distinct_at(roles_placed(claim, name))
        sizes = np.bincount(np.unique(np.stack([data.frames, distinct]), axis=1)[0])
        alone = float((sizes[data.frames] == 1).mean())
        if alone > 0.5:
            yield Problem(
                f"node '{name}'",
                f"{alone:.0%} of the examples share their length with no other, and values cross "
                "here by index, so most unimportant inputs would be the reference's own.",
                f"Name roles, cut the data to equal lengths, or add more; {ACCEPTS}",
            )
