"""Rules about inputs: the data has what the model reads, inside the model's bounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scrub.data.fields import TYPES
from scrub.data.task import unequal_answers
from scrub.errors import Problem
from scrub.graph import IMAGE, TOKENS, Everywhere, Space
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.rules.spaces import unit

HOLDS = {
    "decoder_tokens": "Give each row 'decoder_tokens', a list of token ids.",
    IMAGE: "Give each row an 'image', an array [channel, height, width].",
}


def missing_fields(claim: Claim) -> Iterator[Problem]:
    """What no position of the model could be counted without."""
    for space in claim.graph.spaces:
        if space.given and space.name not in claim.dataset.fields:
            fix = HOLDS.get(space.name, f"Give each row '{space.name}'.")
            yield Problem("data", f"has no '{space.name}', which the model reads.", fix)


def inputs_fit_the_model(claim: Claim) -> Iterator[Problem]:
    """Rows hold what the model reads and nothing else, in its vocabulary, positions and shape."""
    read = [space.name for space in claim.graph.spaces]
    for name in claim.dataset.fields:
        if name not in read and (name != TYPES or TOKENS not in read):
            found = f"has '{name}', which the model does not read."
            shown = " and ".join(f"'{space.name}'" for space in claim.graph.spaces if space.given)
            yield Problem("data", found, f"Leave it out: the model reads {shown}.")
    for space in claim.graph.spaces:
        if space.name in claim.dataset.fields:
            yield from _bounds(claim, space)
            yield from _shape(claim, space)
    yield from _answers(claim)


def _bounds(claim: Claim, space: Space) -> Iterator[Problem]:
    data = claim.dataset
    if space.vocabulary:
        most = np.array([x.max() for x in data.fields[space.name]])[data.sequence]
        if most.max() >= space.vocabulary:
            row = int(most.argmax())
            several = sum(bool(other.vocabulary) for other in claim.graph.spaces) > 1
            field = f" of '{space.name}'" if several else ""
            known = f"is not in the model's vocabulary of {space.vocabulary}."
            fix = "Was another tokenizer used?"
            yield Problem(f"data, row {row}", f"token {int(most[row])}{field} {known}", fix)
    if space.placeholders:
        yield from _places(claim, space)
    lengths = data.lengths_in(space)
    if space.longest and lengths.max() > space.longest:
        row = int(lengths.argmax())
        found = f"has {lengths[row]} {unit(space)}, and the model has {space.longest} positions."
        yield Problem(f"data, row {row}", found, "Shorten the examples.")


def _places(claim: Claim, space: Space) -> Iterator[Problem]:
    """Where the features of an image go."""
    data = claim.dataset
    counts = np.array([(x == space.placeholder).sum() for x in data.fields[space.name]])
    wrong = np.nonzero(counts[data.sequence] != space.placeholders)[0]
    if len(wrong):
        row = int(wrong[0])
        found = f"has {counts[data.sequence[row]]} of token {space.placeholder}, in whose places "
        fix = f"Give each row {space.placeholders}."
        yield Problem(f"data, row {row}", f"{found}its image goes.", fix)


def _shape(claim: Claim, space: Space) -> Iterator[Problem]:
    """All images of the data have one shape."""
    found = claim.dataset.fields[space.name][0].shape
    if space.shape and found != space.shape:
        ours, theirs = (" × ".join(map(str, shape)) for shape in (space.shape, found))
        fix = "Resize them: channel, height and width are the model's."
        yield Problem("data", f"has images of {theirs}, and the model reads {ours}.", fix)


def _answers(claim: Claim) -> Iterator[Problem]:
    """An answer is one of the output's units: a token, or a class."""
    task, width = claim.task, claim.graph[claim.graph.output].width
    if not isinstance(task.metric, str) or task.metric == "kl":
        return
    known = {space.vocabulary for space in claim.graph.spaces}
    if width == 1 and not any(known):
        return  # a hand-made model that declares no width is looked at when it is scored
    wrong = f"is no class of the model, which has {width}."
    if width in known:
        wrong = f"is not in the model's vocabulary of {width}."
    fix = "" if width in known else "Classes count from 0."
    for column in [task.answer] if task.wrong is None else [task.answer, task.wrong]:
        for row, value in enumerate(claim.dataset.columns[column]):
            largest = max(value) if isinstance(value, tuple) else value
            if not 0 <= largest < width:
                yield Problem(f"data, row {row}", f"{column} {largest} {wrong}", fix)
                return


def answers_fit_the_output(claim: Claim) -> Iterator[Problem]:
    """Where all positions are scored, an answer is one token for each of them."""
    task, sink = claim.task, claim.nodes[claim.sink]
    lengths = claim.dataset.lengths_in(claim.space_of(sink))
    if not isinstance(task.metric, str) or task.metric == "kl":
        return
    if not isinstance(task.positions, Everywhere) or lengths.min() < lengths.max():
        return
    scored = int(lengths[0])
    for column in [task.answer] if task.wrong is None else [task.answer, task.wrong]:
        for row, value in enumerate(claim.dataset.columns[column]):
            given = len(value) if isinstance(value, tuple) else 1
            if given != scored:
                yield unequal_answers(f"task '{task.name}'", scored, column, given, row)
                return
