"""Interchange interventions: does a model compute what a hypothesis says its nodes compute?

A node's components are given what they put out on another example, its source, in the midst of a
run on the base; the claim's own computation is given the node's value there. Interchange-
intervention accuracy is the share of pairs on which the two then agree (Geiger et al. 2021,
"Causal abstractions of neural networks", NeurIPS; 2022, "Inducing causal structure for
interpretable neural networks", ICML). All of the model that follows runs as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from scrub.data.dataset import Ints
from scrub.engine.edits import Edit
from scrub.engine.flow import edited
from scrub.engine.progress import Progress, Silent
from scrub.engine.worlds import World, picked, reading
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import Role
from scrub.hypothesis.causal import CausalModel
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.hypothesis import Hypothesis
from scrub.hypothesis.predicted import as_tuple
from scrub.mediation.attribute import named
from scrub.mediation.budget import world_bytes
from scrub.mediation.measuring import Setting
from scrub.mediation.places import Place
from scrub.mediation.scene import Scene, Value
from scrub.sampling.philox import key_of, uniform_index, uniform_words
from scrub.study.check import checked_values
from scrub.study.interchanging.answering import Answering, Rule
from scrub.study.interchanging.interchanged import Interchange, judged

Nodes = tuple[str, ...]


def interchange(
    hypothesis: Hypothesis,
    *,
    nodes: Iterable[str | Sequence[str]] | None = None,
    answers: str | Rule | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Interchange:
    """Interchange-intervention accuracy of a hypothesis whose nodes carry `value=`.

    `nodes`: names, or several in one, `("left", "right")` or "left, right", which are put in
    together, each from a source of its own; every node that has a value and is not the sink, if
    None. `answers`: how the model's answer is read (answers, vocabulary, number); numbers where
    the output is one, else the largest logit among the answers' tokens. Options: references,
    draws (4 sources for each base), seed, batch, dtype, device, folder, level, interval,
    replicates. Raises `InputRefused` with all that is wrong.

    >>> from scrub.hypothesis.loading import load_hypothesis
    >>> found = interchange(load_hypothesis("induction_naive"), references=32, draws=2)
    >>> found.sets, found.accuracy[0].value > 0.9
    ((('induction',),), True)
    """
    claim, model = checked_values(hypothesis)
    sets = _sets(nodes, model)
    rule = None if answers is None else named("answers", answers, Rule)
    options = {"draws": 4, "folder": hypothesis.folder, **options}
    setting = Setting.of(hypothesis.model, claim.task, options)
    plan = Plan(setting, claim, model, sets)
    plan.require_places()
    return judged(setting, plan.measure(rule, progress or Silent()))


@dataclass(frozen=True, eq=False)
class Measured:
    """What came out, for each set of nodes [set, base, draw], and the plain runs [base].

    - `correct`: the model's answer is the predicted one.
    - `same`: neither the model's answer nor the prediction differs from the base's.
    - `idle`: the model's answer is what the claim predicts for the base, nothing put in.
    - `sources` [set] [node, base, draw]; `classes` [set]: which rows they were drawn from [row].
    """

    sets: tuple[Nodes, ...]
    correct: np.ndarray[Any, Any]
    same: np.ndarray[Any, Any]
    idle: np.ndarray[Any, Any]
    plain: np.ndarray[Any, Any]
    labelled: np.ndarray[Any, Any] | None
    sources: Sequence[Ints]
    classes: Sequence[Ints]
    rule: Rule


@dataclass(frozen=True, eq=False)
class Plan:
    """Interchange interventions that have been checked against the hypothesis."""

    setting: Setting
    claim: Claim
    model: CausalModel
    sets: tuple[Nodes, ...]
    _drawn: dict[str, Ints] = field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[str, tuple[Place, ...]]:
        """Where each node's value is put in."""
        subject = self.setting.subject
        for name, basis in self.claim.bases.items():
            subject.bases[name] = torch.from_numpy(basis).to(subject.model.device)
        nodes = {name: self.claim.nodes[name] for some in self.sets for name in some}
        return {
            name: subject.places([Place(part, node.positions) for part in node.parts])
            for name, node in nodes.items()
        }

    def require_places(self) -> None:
        """Refuse places that the data do not have in every example. Raises `InputRefused`."""
        assert self.places.keys() == {name for some in self.sets for name in some}

    def classes(self, nodes: Nodes) -> Ints:
        """Rows that can be sources for one another [row]: all, or where a node moves by index
        those of one length."""
        dataset = self.setting.subject.task.dataset
        by_role = all(isinstance(self.claim.nodes[name].positions, Role) for name in nodes)
        return np.zeros(len(dataset), dtype=np.int64) if by_role else dataset.frames

    def sources(self, nodes: Nodes, scene: Scene) -> dict[str, Ints]:
        """A source for each node and item, uniform: by the seed, the node, the row and the draw."""
        classes, draws = self.classes(nodes), scene.draws
        order = np.argsort(classes, kind="stable")
        sizes = np.bincount(classes)
        first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        own = classes[draws.rows]
        found = {}
        for name in nodes:
            key = key_of(draws.seed, "interchange", self.claim.nodes[name].label)
            words = uniform_words(draws.rows, draws.draw, key)
            found[name] = order[first[own] + uniform_index(words, sizes[own])].astype(np.int64)
        return found

    def predicted(self, scene: Scene, sources: Mapping[str, Ints]) -> list[Any]:
        """What the claim predicts for each item, these nodes' values put in."""
        plain = self.model.plain
        return [
            self.model.answer(
                int(row), {name: plain[int(rows[i])][name] for name, rows in sources.items()}
            )
            for i, row in enumerate(scene.rows)
        ]

    def world(self, scene: Scene, sources: Mapping[str, Ints]) -> World:
        """The model on the bases, these nodes' components as they are on the sources."""
        subject, edits = self.setting.subject, []
        for name, rows in sources.items():
            other = scene.world(rows)
            for place in self.places[name]:
                there = scene.at(place.at, rows)
                value = picked(reading(other, place.what, subject.bases), there)
                edits.append(Edit(place.what, _put_in(value), scene.at(place.at)))
        return edited(scene.wild, edits, subject.bases)

    def measure(self, rule: Rule | None, told: Progress) -> Measured:
        """Every set on every base and source. Raises `InputRefused` where a value cannot be had."""
        subject = self.setting.subject
        most = max(map(len, self.sets))
        scenes = list(subject.scenes(besides=lambda *sizes: most * world_bytes(*sizes)))
        drawn = [[self.sources(nodes, scene) for scene in scenes] for nodes in self.sets]
        expected = [
            [self.predicted(scene, some) for scene, some in zip(scenes, each, strict=True)]
            for each in drawn
        ]
        listed = [v for each in expected for values in each for v in values]
        answering = Answering.of(
            rule, subject.task, subject.model.graph, [*self.model.answers, *listed]
        )
        told.start("interchanges", len(self.sets) * subject.items)
        columns: list[np.ndarray[Any, Any]] = []
        plain: list[np.ndarray[Any, Any]] = []
        for number, drawn_before in enumerate(scenes):
            scene = Scene(subject, drawn_before.draws)  # whose worlds are let go with it
            base = answering.read(scene.own)
            claimed = [self.model.answers[row] for row in scene.rows]
            plain.append(answering.same(base, claimed))
            found = []
            for each, values in zip(drawn, expected, strict=True):
                given = answering.read(scene.output(self.world(scene, each[number])))
                kept = answering.same(given, base) & answering.same(values[number], claimed)
                right = answering.same(given, values[number])
                found.append(np.stack([right, kept, answering.same(given, claimed)]))
                told.advance(len(scene.rows))
            columns.append(np.stack(found, axis=1))  # [kind, set, item]
        return self._gathered(np.concatenate(columns, axis=2), plain, drawn, answering.rule)

    def _gathered(
        self,
        columns: np.ndarray[Any, Any],
        plain: Sequence[np.ndarray[Any, Any]],
        drawn: Sequence[Sequence[Mapping[str, Ints]]],
        rule: Rule,
    ) -> Measured:
        subject = self.setting.subject
        shape = len(subject.rows), subject.draws
        correct, same, idle = columns.reshape(3, len(self.sets), *shape).astype(np.float64)
        sources = [
            np.stack([np.concatenate([s[n] for s in each]).reshape(shape) for n in nodes])
            for nodes, each in zip(self.sets, drawn, strict=True)
        ]
        labels, labelled = subject.task.dataset.columns.get(subject.task.answer), None
        if labels is not None:
            answers = self.model.answers
            labelled = np.array(
                [as_tuple(answers[row]) == as_tuple(labels[row]) for row in subject.rows]
            ).astype(np.float64)
        return Measured(
            sets=self.sets,
            correct=correct,
            same=same,
            idle=idle,
            plain=np.concatenate(plain).reshape(shape)[:, 0].astype(np.float64),
            labelled=labelled,
            sources=sources,
            classes=[self.classes(nodes) for nodes in self.sets],
            rule=rule,
        )


def _put_in(value: torch.Tensor) -> Value:
    return lambda _: value


def _sets(nodes: Iterable[str | Sequence[str]] | None, model: CausalModel) -> tuple[Nodes, ...]:
    """The sets of nodes to put in. Raises `InputRefused` for those that have no value."""
    if nodes is None:
        found: tuple[Nodes, ...] = tuple((name,) for name in model.inner)
    else:
        listed = [nodes] if isinstance(nodes, str) else list(nodes)
        found = tuple(dict.fromkeys(_set(some, model) for some in listed))
    problems = [
        Problem(f"node '{name}'", *_refused(name, model))
        for name in dict.fromkeys(name for some in found for name in some)
        if name not in model.inner
    ]
    if not found and not problems:
        fix = "Give a value to a node that feeds it."
        problems = [Problem("hypothesis", "no node but the sink says a value.", fix)]
    if problems:
        raise InputRefused(problems)
    return found


def _set(written: str | Sequence[str], model: CausalModel) -> Nodes:
    """Names, or one text of several with commas between them, unless it is a name itself."""
    if not isinstance(written, str):
        return tuple(dict.fromkeys(written))
    if written in model.mechanisms:
        return (written,)
    return tuple(dict.fromkeys(piece.strip() for piece in written.split(",")))


def _refused(name: str, model: CausalModel) -> tuple[str, str]:
    if name == model.sink:
        return "is the sink: its value is read, not put in.", "Name what feeds it."
    return "says no value, or does not exist.", nearest(name, model.inner)
