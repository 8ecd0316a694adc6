"""Donors: every draw of a tree as a table of rows, and what the draws say about the hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scrub.data.dataset import Dataset, Ints
from scrub.data.features import ANY, EXACT, Unlike
from scrub.errors import InputRefused, Problem
from scrub.graph import Role
from scrub.hypothesis.claim import Claim, Node
from scrub.hypothesis.options import Donors as DonorSource
from scrub.hypothesis.options import Nodes, Partner
from scrub.hypothesis.rules.features import roles_below, roles_placed
from scrub.hypothesis.unfold import Draw, DrawKind, Tree
from scrub.sampling.chosen import Strategy, chosen
from scrub.sampling.generated import make_row, require_usable
from scrub.sampling.philox import key_of, uniform_words
from scrub.sampling.samplers import ByClass, Sampler, sampler_of, uniform_sampler

MOST_ENTRIES = 2**29  # of the table of donors: 4 GiB
UNIMPORTANT = (DrawKind.FRAME, DrawKind.FEEDER)  # what supplies unimportant inputs by chance
ANEW = 2**32  # draw indices from here on are no draws of a run


@dataclass(frozen=True, eq=False)
class Donors:
    """`rows[draw, reference, i]`: the row of `dataset` that a variable takes in the i-th draw.

    `dataset` is the task's, followed by generated donors if there are any.
    """

    rows: Ints  # [variable, reference, draw]
    dataset: Dataset

    @property
    def references(self) -> Ints:
        return self.rows[0, :, 0]


def draw_donors(
    tree: Tree,
    references: Sequence[int],
    draws: int,
    seed: int,
    dataset: Dataset | None = None,
    strategy: Strategy | None = None,
) -> Donors:
    """Draw every variable of a tree, for each reference and draw.

    A draw is a function of (seed, path, kind of draw, reference row, index of the draw) alone.
    Generated donors are appended to `dataset`: the task's, or one that another tree has extended.
    A `strategy` narrows what some nodes draw from, within their classes.
    """
    _require_room(tree, len(references), draws)
    rows_drawn = np.asarray(references, dtype=np.int64)
    drawer = _Drawer(tree.claim, rows_drawn, draws, seed, dataset or tree.claim.dataset)
    drawer.strategy = strategy or {}
    rows = np.empty((len(tree.draws), len(references), draws), dtype=np.int64)
    for i, draw in enumerate(tree.draws):
        rows[i] = drawer.draw(draw, rows[draw.of])
    return Donors(rows, drawer.dataset)


def redraw_unimportant(tree: Tree, donors: Donors, seed: int) -> Donors:
    """The same draws with the same donors, their unimportant inputs drawn anew.

    No run of whatever length draws these: they have indices of their own.
    """
    references, draws = donors.references, donors.rows.shape[2]
    drawer = _Drawer(tree.claim, references, draws, seed, donors.dataset, first=ANEW)
    rows = donors.rows.copy()
    for i, draw in enumerate(tree.draws):
        if draw.kind in UNIMPORTANT:
            rows[i] = drawer.draw(draw, rows[draw.of])
    return Donors(rows, donors.dataset)


def _require_room(tree: Tree, references: int, draws: int) -> None:
    """Refuse a table of donors that would fill the memory before anything has run."""
    entries = len(tree.draws) * references * draws
    if entries > MOST_ENTRIES:
        raise InputRefused(
            Problem(
                "option 'draws'",
                f"{len(tree.draws)} variables of the tree × {references:,} references × {draws:,} "
                f"draws are {entries:,} donors, and the most are {MOST_ENTRIES:,}.",
                "Draw less often, or score fewer references.",
            )
        )


class _Drawer:
    """Keeps samplers, which are made once per node, and the data, which generation extends."""

    def __init__(
        self,
        claim: Claim,
        references: Ints,
        draws: int,
        seed: int,
        dataset: Dataset,
        first: int = 0,
    ) -> None:
        self.claim, self.seed = claim, seed
        self.indices = first + np.arange(draws, dtype=np.int64)
        self.dataset = dataset
        self.members = len(claim.dataset)
        self.references, self.draws = references, draws
        self.strategy: Strategy = {}
        self._samplers: dict[tuple[str, bool, int], Sampler] = {}

    def draw(self, draw: Draw, of: Ints) -> Ints:
        if draw.kind is DrawKind.REFERENCE:
            return np.repeat(self.references[:, None], self.draws, axis=1)
        if draw.kind is DrawKind.PARTNER:
            return self._partners(of)
        if draw.kind is DrawKind.DONOR and self._generates(draw):
            return self._generate(draw, of)
        words = uniform_words(*self._counters(of), self._key(draw))
        sampler, rule = self._sampler(draw), self.strategy.get((draw.node, draw.kind))
        return (sampler if rule is None else chosen(sampler, rule)).draw(of, words)

    def _counters(self, of: Ints) -> tuple[Ints, Ints]:
        """The scored example counts a draw; under `joint` the reference handed to the node."""
        joint = self.claim.options.nodes is Nodes.JOINT
        examples = (
            self._known_by(of) if joint else np.repeat(self.references[:, None], self.draws, axis=1)
        )
        return examples, np.broadcast_to(self.indices, examples.shape)

    def _known_by(self, rows: Ints) -> Ints:
        """A row of the data is known by its number, a generated one by a hash of its content.

        The number of a generated row depends on which other references there are.
        """
        unique, which = np.unique(rows, return_inverse=True)
        known = [
            row if row < self.members else self.dataset.content_number(row)
            for row in unique.tolist()
        ]
        return np.array(known, dtype=np.int64)[which].reshape(rows.shape)

    def _key(self, draw: Draw) -> tuple[int, int]:
        return key_of(self.seed, draw.path, draw.kind.value, draw.feeder)

    def _sampler(self, draw: Draw) -> Sampler:
        name = draw.node if draw.kind is DrawKind.DONOR else ""
        key = (name, draw.within_length, len(self.dataset))
        if key not in self._samplers:
            self._samplers[key] = (
                sampler_of(self.claim.nodes[name], self.dataset, self.members, draw.within_length)
                if name
                else uniform_sampler(self.dataset, self.members, draw.within_length)
            )
        return self._samplers[key]

    def _partners(self, of: Ints) -> Ints:
        option = self.claim.options.unimportant
        assert isinstance(option, Partner)  # only that option makes partner draws
        return np.array(self.dataset.columns[option.column], dtype=np.int64)[of]

    def _generates(self, draw: Draw) -> bool:
        feature = self.claim.nodes[draw.node].feature
        made = self.claim.options.donors is DonorSource.GENERATED
        return made and feature is not ANY and not isinstance(feature, Unlike)

    def _generate(self, draw: Draw, of: Ints) -> Ints:
        """One fresh row for each (reference, draw), from a generator seeded by the draw's key."""
        node, generator = self.claim.nodes[draw.node], self.claim.task.generator
        assert generator is not None  # held by the rules
        examples, draws = self._counters(of)
        made = []
        for (i, j), row in np.ndenumerate(of):
            counter = f"{examples[i, j]},{draws[i, j]}"
            words = key_of(self.seed, draw.path, draw.kind.value, counter)
            rng = np.random.Generator(np.random.PCG64([*words]))
            made.append(make_row(generator, self.dataset.example(int(row)), node, rng))
        first = len(self.dataset)
        extended = self.dataset.extended(made, f"node '{node.name}', generated donors")
        require_usable(self.claim, node, extended, of.ravel())
        self.dataset = extended
        return first + np.arange(of.size, dtype=np.int64).reshape(of.shape)


def draw_classes(tree: Tree) -> Ints:
    """The class that each draw is uniform within, [draw, row]: what reweighting has to respect.

    Draws by tolerance or kernel, and partners, count as drawn from all rows.
    """
    claim = tree.claim
    everything = np.zeros(len(claim.dataset), dtype=np.int64)
    by_node: dict[tuple[str, bool], Ints] = {}
    found = []
    for draw in tree.draws:
        key = (draw.node if draw.kind is DrawKind.DONOR else "", draw.within_length)
        if draw.kind in (DrawKind.REFERENCE, DrawKind.PARTNER):
            found.append(everything)
            continue
        if key not in by_node:
            by_node[key] = _classes(claim, *key)
        found.append(by_node[key])
    return np.stack(found)


def _classes(claim: Claim, name: str, within_length: bool) -> Ints:
    members = len(claim.dataset)
    sampler = (
        sampler_of(claim.nodes[name], claim.dataset, members, within_length)
        if name
        else uniform_sampler(claim.dataset, members, within_length)
    )
    return sampler.of if isinstance(sampler, ByClass) else np.zeros(members, dtype=np.int64)


@dataclass(frozen=True)
class NodeDraws:
    """What the draws of one node were like.

    `self_share` is the share of its donor draws that landed on the reference's own input, and
    `frame_self_share` that of the draws for its unimportant inputs; class sizes are in distinct
    inputs, and `bits` is log2 of the class size, averaged over rows.

    Inputs are distinct to a donor draw where their sequences differ, or the positions of a role
    that the node or one below it names: `scrub(node, x)` reads nothing else of x. A frame is read
    at the roles of the node and of its parents, whose values are placed in it.
    """

    node: str
    feature: str
    occurrences: int
    draws: int
    self_share: float
    frame_self_share: float | None
    classes: int
    smallest: float
    median: float
    largest: float
    bits: float


def diagnose(tree: Tree, donors: Donors) -> tuple[NodeDraws, ...]:
    """Classes, their sizes and the share of draws that changed nothing, for each node (law 6)."""
    below = roles_below(tree.claim)
    return tuple(_diagnose(tree, donors, name, below[name]) for name in tree.claim.topological)


def _diagnose(tree: Tree, donors: Donors, name: str, below: frozenset[Role]) -> NodeDraws:
    claim = tree.claim
    node = claim.nodes[name]
    mine = [o for o in tree.occurrences if o.node == name]
    indices = {o.reference for o in mine}
    drawn = [
        i for i in indices if tree.draws[i].kind is DrawKind.DONOR and tree.draws[i].node == name
    ]
    frames = {o.frame for o in mine if o.frame != o.reference}
    distinct = donors.dataset.distinct_at(below)
    framed = donors.dataset.distinct_at(roles_placed(claim, name))
    sizes = _class_sizes(node, claim, distinct)
    return NodeDraws(
        node=name,
        feature=node.feature.value if node.feature in (EXACT, ANY) else str(node.feature),
        occurrences=len(mine),
        draws=sum(donors.rows[i].size for i in drawn),
        self_share=_same(tree, donors, distinct, drawn) if drawn else 1.0,
        frame_self_share=_same(tree, donors, framed, list(frames)) if frames else None,
        classes=_count_classes(node, claim, distinct),
        smallest=float(sizes.min()),
        median=float(np.median(sizes)),
        largest=float(sizes.max()),
        bits=float(np.log2(sizes).mean()),
    )


def _same(tree: Tree, donors: Donors, distinct: Ints, draws: Sequence[int]) -> float:
    rows = donors.rows
    return float(np.mean([distinct[rows[i]] == distinct[rows[tree.draws[i].of]] for i in draws]))


def _class_sizes(node: Node, claim: Claim, distinct: Ints) -> np.ndarray:
    """Distinct inputs that may stand in for each row: one where the whole input matters."""
    if node.feature is EXACT:
        return np.ones(len(claim.dataset))
    sampler = sampler_of(node, claim.dataset, len(claim.dataset), claim.by_length(node.name))
    return sampler.class_size(distinct)


def _count_classes(node: Node, claim: Claim, distinct: Ints) -> int:
    """As many as there are values of the feature; distinct inputs where the whole input matters."""
    if node.feature is EXACT:
        return int(distinct[: len(claim.dataset)].max()) + 1
    sampler = sampler_of(node, claim.dataset, len(claim.dataset), claim.by_length(node.name))
    return len(sampler.size) if isinstance(sampler, ByClass) else 0
