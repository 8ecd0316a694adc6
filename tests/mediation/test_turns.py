"""What an evaluation of a circuit does, as it is worked out before any batch is seen."""

from __future__ import annotations

import torch

from scrub.engine.worlds import World
from scrub.graph.circuits import Edge, all_edges
from scrub.mediation.circuits import Keeping, Writers
from scrub.mediation.evaluator import Evaluator
from scrub.mediation.turns import Turn, turns_of
from scrub.models.adapter import TransformersModel
from scrub.models.base import Batch
from tests.mediation.hookloops import Loop
from tests.models.tiny import VOCABULARY

MODEL = TransformersModel(Loop.of("gpt2", dtype=torch.float64).module, "gpt2")
WRITERS = Writers(MODEL.graph)
CHAIN = [Edge("embed", "a0.h1", "v"), Edge("a0.h1", "m1", "in"), Edge("m1", "logits", "in")]


def turns(kept: list[Edge]) -> tuple[Turn, ...]:
    return turns_of(Keeping.of(kept, WRITERS), WRITERS)


def world(seed: int, rows: int) -> World:
    drawn = torch.randint(VOCABULARY, (rows, 5), generator=torch.Generator().manual_seed(seed))
    return World.plain(MODEL, Batch.of_tokens(drawn))


def test_members_that_no_edge_reaches_have_no_turn() -> None:
    members = [[part.component for part in turn.members] for turn in turns(CHAIN)]
    assert members == [["embed"], ["a0.h1"], ["m1"], ["logits"]]


def test_without_edges_the_output_reads_its_base_alone() -> None:
    source, output = turns([])
    assert not source.sums
    (sums,) = output.sums
    assert sums.weights is not None
    assert sums.weights.tolist() == [[[1.0, 0.0]]]  # the base, and nothing of embed


def test_ports_that_keep_the_same_share_a_sum() -> None:
    _, heads, *_ = turns(list(all_edges(MODEL.graph)))
    (sums,) = heads.sums
    assert sums.weights is not None
    assert len(sums.places) == 3 * len(heads.members)
    assert sums.weights[0, list(sums.which)].tolist() == [[1.0, 1.0]] * len(sums.places)
    assert sums.weights.shape[1] < len(sums.places)


def test_a_sum_that_is_begun_is_ended_with_what_was_written_since() -> None:
    """The embedding's part of m0's sum is made with those of the heads, whose part comes after."""
    _, heads, mlp, *_ = turns(list(all_edges(MODEL.graph)))
    (begins,), (ends,) = heads.sums, mlp.sums
    assert begins.weights is not None
    assert ends.weights is not None
    assert begins.begun is not None
    assert begins.weights[0, begins.begun].tolist() == [0.0, 1.0]
    assert ends.first == heads.slot
    assert ends.weights.tolist() == [[[1.0] * len(heads.members)]]


def test_turns_hold_for_any_number_of_batches() -> None:
    kept = Keeping.of(list(all_edges(MODEL.graph))[::2], WRITERS)
    once = turns_of(kept, WRITERS)
    for seed, rows in ((0, 2), (2, 3)):
        evaluator = Evaluator(world(seed, rows), world(seed + 1, rows), WRITERS)
        at = torch.full((rows, 1), 4)
        torch.testing.assert_close(evaluator.follow(once, at), evaluator.output(kept, at))
        own = evaluator.wild.output(at)
        assert (evaluator.follow(once, at) - own).abs().max() > 1e-6
