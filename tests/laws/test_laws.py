"""The laws of a scrub, on random model graphs, random data and random hypotheses."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scrub import Hypothesis
from scrub.compiler import compile_tree
from scrub.engine.executor import Executor
from scrub.graph import Kind, Site
from scrub.hypothesis.counting import count_occurrences
from scrub.hypothesis.options import Options, Unimportant
from scrub.hypothesis.resolve import resolve
from scrub.hypothesis.unfold import DrawKind, unfold
from scrub.models.batches import Inputs
from scrub.models.recording import Place, record
from scrub.sampling.donors import draw_donors
from scrub.study.prepare import sink_alone
from tests.laws.cases import full_graph, random_case, random_data, two_space_case
from tests.laws.running import draw, engine, flat, plain, reference

seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
quick = settings(max_examples=40, deadline=None)
CLOSE = {"rtol": 1e-9, "atol": 1e-9}


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_law_3_the_engine_agrees_with_the_reference(rng):
    _require_agreement(random_case(rng))


@given(seeds)
@quick
def test_law_3_with_two_position_spaces(rng):
    _require_agreement(two_space_case(rng))


def _require_agreement(case):
    some = slice(0, 10)
    expected = reference(case.model, case.claim, some)
    torch.testing.assert_close(engine(case.model, case.claim)[some], expected, **CLOSE)


@given(seeds, st.sampled_from([random_case, two_space_case]))
@quick
def test_law_1_every_edge_named_and_exact_is_the_model_itself(rng, made):
    case = made(rng)
    hypothesis = Hypothesis(full_graph(case.model), task=case.claim.task, model=case.model)
    claim = resolve(hypothesis, case.model.graph, case.claim.task)
    tree = unfold(claim)
    assert [draw.kind for draw in tree.draws] == [DrawKind.REFERENCE], "nothing is drawn"
    assert len(tree.occurrences) == len(claim.nodes), "equal subtrees that draw nothing are shared"
    rows = flat(draw(tree))
    torch.testing.assert_close(
        engine(case.model, claim), plain(case.model, claim, rows[0]), **CLOSE
    )


@given(
    seeds,
    st.sampled_from([Unimportant.TOGETHER, Unimportant.ONE]),
    st.sampled_from([random_case, two_space_case]),
)
@quick
def test_law_2_the_sink_alone_is_the_baseline_draw_for_draw(rng, unimportant, made):
    case = made(rng)
    hidden = sink_alone(case.claim)
    claim = replace(hidden, options=Options(unimportant=unimportant))
    tree = unfold(claim)
    donors = draw(tree)
    frames = flat(donors)[tree.root.frame]
    torch.testing.assert_close(engine(case.model, claim), plain(case.model, claim, frames), **CLOSE)
    together = unfold(replace(hidden, options=Options()))
    assert (flat(draw(together))[together.root.frame] == frames).all()


@given(seeds, st.sampled_from([1, 3, 7]), st.sampled_from([1, 2, 16]), st.sampled_from(list(Place)))
@quick
def test_law_4_chunks_batches_and_the_place_of_the_recording_change_nothing(
    rng, chunk, width, place
):
    case = random_case(rng)
    tree = unfold(case.claim)
    rows = flat(draw(tree))
    schedule = compile_tree(tree, width)
    with record(
        case.model,
        Inputs.of(case.claim.dataset, case.model.graph),
        schedule.sites(),
        batch=chunk,
        place=place,
    ) as made:
        executor = Executor(schedule, case.model, made, case.claim.dataset, len(case.claim.dataset))
        pieces = [executor(rows[:, i : i + chunk]) for i in range(0, rows.shape[1], chunk)]
    torch.testing.assert_close(torch.cat(pieces), engine(case.model, case.claim), **CLOSE)


@given(seeds)
@quick
def test_law_5_a_draw_agrees_with_its_reference_on_the_feature(rng):
    case = random_case(rng)
    tree = unfold(case.claim)
    donors = draw(tree)
    for i, variable in enumerate(tree.draws):
        ours, theirs = donors.rows[i], donors.rows[variable.of]
        if variable.kind is DrawKind.DONOR:
            feature = case.claim.nodes[variable.node].feature
            for name in getattr(feature, "names", ()):
                column = np.array(case.claim.dataset.columns[name])
                assert (column[ours] == column[theirs]).all()
        if variable.within_length:
            lengths = case.claim.dataset.lengths
            assert (lengths[ours] == lengths[theirs]).all()


@given(seeds)
@quick
def test_law_5_a_draw_does_not_depend_on_the_other_references_or_on_how_many_draws(rng):
    tree = unfold(random_case(rng).claim)
    many = draw_donors(tree, [0, 3, 5, 9], draws=4, seed=7)
    few = draw_donors(tree, [5, 0], draws=2, seed=7)
    assert (few.rows == many.rows[:, [2, 0], :2]).all()


@given(seeds)
@quick
def test_law_5_two_hypotheses_that_agree_on_a_path_share_its_draws(rng):
    case = random_case(rng)
    graph = case.hypothesis.graph.copy()
    leaves = [n for n in graph if graph.in_degree(n) == 0 and n != "sink"]
    if not leaves or case.claim.options.nodes.value == "joint":
        return
    graph.remove_node(leaves[0])
    ends = [n for n in graph if graph.out_degree(n) == 0 and n != "sink"]
    if ends:
        return
    smaller = resolve(case.hypothesis.with_graph(graph), case.model.graph, case.claim.task)
    ours, theirs = unfold(case.claim), unfold(smaller)
    keyed = {(d.kind, d.path, d.feeder): i for i, d in enumerate(ours.draws)}
    rows, other = draw(ours).rows, draw(theirs).rows
    for i, variable in enumerate(theirs.draws):
        j = keyed.get((variable.kind, variable.path, variable.feeder))
        within = j is not None and ours.draws[j].within_length == variable.within_length
        if within and (rows[ours.draws[j].of] == other[variable.of]).all():
            assert (rows[j] == other[i]).all()


@given(seeds)
@quick
def test_law_7_renaming_and_reordering_nodes_change_nothing(rng):
    case = random_case(rng)
    graph = case.hypothesis.graph
    order = rng.permutation(len(graph))
    names = {name: f"z{order[i]}" for i, name in enumerate(graph)}
    shuffled = nx.DiGraph()
    for name in sorted(graph, key=names.get):
        shuffled.add_node(names[name], **graph.nodes[name])
    for parent, child in sorted(graph.edges, key=lambda edge: names[edge[0]]):
        shuffled.add_edge(names[parent], names[child], **graph.edges[parent, child])
    claim = resolve(case.hypothesis.with_graph(shuffled), case.model.graph, case.claim.task)
    torch.testing.assert_close(engine(case.model, claim), engine(case.model, case.claim), **CLOSE)


@given(seeds)
@quick
def test_the_count_before_unfolding_is_never_below_what_is_built(rng):
    claim = random_case(rng).claim
    assert len(unfold(claim).occurrences) <= count_occurrences(claim)


@given(seeds)
@quick
def test_law_8_padding_changes_nothing(rng):
    """The same rows padded left, right or not at all are the same data set."""
    data = random_data(rng, equal=False)
    longest = data.length
    rows = {"left": [], "right": []}
    for i in range(len(data)):
        tokens = data.tokens(i).tolist()
        gap = longest - len(tokens)
        spots = {name: list(where[i]) for name, where in data.roles.items()}
        moved = {name: [s + gap for s in where] for name, where in spots.items()}
        columns = {name: values[i] for name, values in data.columns.items()}
        mask = [1] * len(tokens)
        left = {"tokens": [9] * gap + tokens, "attention_mask": [0] * gap + mask, "roles": moved}
        right = {"tokens": tokens + [9] * gap, "attention_mask": mask + [0] * gap, "roles": spots}
        rows["left"].append({**left, **columns})
        rows["right"].append({**right, **columns})
    for padded in rows.values():
        assert type(data).from_rows(padded).fingerprint() == data.fingerprint()


@given(seeds)
@quick
def test_law_8_padding_of_one_space_changes_nothing_in_another(rng):
    """Rows recorded among longer ones, in either space, are as they are alone and unpadded."""
    case = two_space_case(rng)
    inputs = Inputs.of(case.claim.dataset, case.model.graph)
    sites = [Site(Kind.OUTPUT, c.name) for c in case.model.graph.components]
    with record(case.model, inputs, sites, batch=4) as made:
        for i in range(len(inputs)):
            bare = case.model.record(inputs.some([i]).batch([0], case.model.device), sites)
            for site in sites:
                length = bare[site].shape[1]
                torch.testing.assert_close(made.values[site][i : i + 1, :length], bare[site])


def test_random_cases_of_two_spaces_cover_what_they_should():
    rng, seen = np.random.default_rng(2), set()
    for _ in range(100):
        claim = two_space_case(rng).claim
        nodes = claim.nodes.values()
        seen |= {(claim.space_of(node).name, str(node.positions)) for node in nodes}
        seen |= {"uneven"} if len(set(claim.dataset.frames.tolist())) > 1 else set()
        seen |= {
            "crosses"
            for edge in claim.edges
            if claim.space_of(claim.nodes[edge.parent]) != claim.space_of(claim.nodes[edge.child])
        }
    assert {"uneven", "crosses", ("tokens", "read"), ("tokens", "all"), ("tokens", "0")} <= seen
    assert {("decoder_tokens", "here"), ("decoder_tokens", "all")} <= seen


def test_the_reference_check_can_fail():
    """A meta-test: an engine that drops one explained input is caught."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(20):
        case = random_case(rng)
        tree = unfold(case.claim)
        terms = [term for one in compile_tree(tree).sums() for term in one.terms]
        if not terms:
            continue
        graph = case.hypothesis.graph.copy()
        leaf = next(n for n in graph if graph.in_degree(n) == 0)
        if leaf == "sink" or graph.out_degree(leaf) != 1:
            continue
        graph.remove_node(leaf)
        if [n for n in graph if graph.out_degree(n) == 0] != ["sink"]:
            continue
        less = resolve(case.hypothesis.with_graph(graph), case.model.graph, case.claim.task)
        difference = engine(case.model, less) - engine(case.model, case.claim)
        wrong += bool(difference.abs().max() > 1e-6)
    assert wrong >= 3


def test_random_cases_cover_what_they_should():
    """Options, roles, several parents, merged nodes and repeated paths all occur."""
    rng = np.random.default_rng(1)
    seen: set[str] = set()
    for _ in range(150):
        claim = random_case(rng).claim
        seen |= {f"{k}={v}" for k, v in claim.options.as_dict().items()}
        seen |= {f"feature={node.feature}" for node in claim.nodes.values()}
        seen |= {
            f"merged {node.inner.value}" for node in claim.nodes.values() if len(node.parts) > 1
        }
        tree = unfold(claim)
        seen |= {"repeated"} if len(tree.occurrences) > len(claim.nodes) else set()
        seen |= {"chain"} if any(len(d.path.split("/")) > 2 for d in tree.draws) else set()
        seen |= {"lengths"} if claim.dataset.lengths.min() < claim.dataset.lengths.max() else set()
    assert {"repeated", "chain", "lengths", "merged merged", "merged cut"} <= seen
    assert {"unimportant=separately", "unimportant=partner:partner", "nodes=joint"} <= seen
    assert {"replacement=zero", "replacement=mean", "replacement=mean_within:f"} <= seen
