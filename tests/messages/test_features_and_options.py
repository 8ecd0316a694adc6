"""Messages about features, and about what options need of the data and the graph."""

from __future__ import annotations

from typing import Any

import pytest

from scrub import ANY, EXACT, Dataset, Task, near
from scrub.data.dataset import require_rows
from scrub.hypothesis.unfold import unfold
from scrub.sampling.donors import draw_donors
from tests.messages.tables import (
    Case,
    changed,
    check,
    claim_of,
    node,
    ragged,
    rows,
)

END = {"positions": "end"}
NOTHING = {"feature": ANY}


def carries(feature: Any, **more: Any) -> object:
    """A claim whose one head carries this feature."""
    return claim_of({"head": node("m0", feature, **END)}, **more)


def stairs() -> list[dict[str, Any]]:
    """Rows of 3, 4, 5 … tokens."""
    return [
        {**row, "tokens": [i, *range(1, i + 3)], "roles": {"end": -1}}
        for i, row in enumerate(rows())
    ]


def odd_length(row: Any) -> Any:
    return len(row["name"]) % 2


def of_no_column(row: Any) -> Any:
    return row["nam"]


FEATURES = [
    Case(
        "a token that the model does not know",
        lambda: claim_of({}, data=changed(3, tokens=[1, 2, 3, 4, 5, 600])),
        "data, row 3: token 600 is not in the model's vocabulary of 50. "
        "Was another tokenizer used?",
    ),
    Case(
        "an answer that the model does not know",
        lambda: claim_of({}, data=changed(2, answer=50)),
        "data, row 2: answer 50 is not in the model's vocabulary of 50.",
    ),
    Case(
        "an example longer than the model",
        lambda: claim_of({}, data=changed(1, tokens=[*range(40)], roles={"end": 39})),
        "data, row 1: has 40 tokens, and the model has 32 positions. Shorten the examples.",
    ),
    Case(
        "unknown column", lambda: carries("nam"), "node 'head': no column 'nam'. Did you mean name?"
    ),
    Case(
        "unknown column of a tuple",
        lambda: carries(("name", "numbers")),
        "node 'head': no column 'numbers'. Did you mean number or name?",
    ),
    Case(
        "everything that is misspelt in one node",
        lambda: claim_of({"head": node("a0.h9", "nam", positions="ends")}),
        "node 'head': component 'a0.h9' does not exist. Did you mean a0.h1 or a0.h0 or a1.h1?\n"
        "node 'head': the data has no role 'ends'. Did you mean end?\n"
        "node 'head': no column 'nam'. Did you mean name?",
    ),
    Case(
        "function raises",
        lambda: carries(lambda row: row["tokens"][row["number"]]),
        "node 'head': the feature function raised IndexError on row 6: tuple index out of range",
    ),
    Case(
        "function reads no column",
        lambda: carries(of_no_column),
        "node 'head': the feature function raised KeyError on row 0: no column 'nam'; "
        "an example has name, number, answer, partner, tokens, roles",
    ),
    Case(
        "function of too much",
        lambda: carries(lambda row, position: 0),
        "node 'head': the feature function raised TypeError on row 0: "
        "<lambda>.<locals>.<lambda>() missing 1 required positional argument: "
        "'position'. It is called with the example alone, and at each(...) with a "
        "position too.",
    ),
    Case(
        "function returns a list",
        lambda: carries(lambda row: [row["name"]]),
        "node 'head': the feature's value on row 0 is a list, which cannot be hashed. "
        "Values that can be compared are numbers, texts and tuples of these.",
    ),
    Case(
        "function returns NaN",
        lambda: carries(lambda row: float("nan")),
        "node 'head': the feature's value on row 0 is NaN, which equals nothing, not "
        "even itself. Give missing values a value of their own, such as None.",
    ),
    Case(
        "NaN in a tuple",
        lambda: carries(("name", "x"), data=_with(x=float("nan"))),
        "node 'head': the feature's value on row 0 is NaN, which equals nothing, not "
        "even itself. Give missing values a value of their own, such as None.",
    ),
    Case(
        "column of objects",
        lambda: carries("x", data=_with(x={"a": 1})),
        "node 'head': the feature's value on row 0 is a dict, which cannot be hashed. "
        "Values that can be compared are numbers, texts and tuples of these.",
    ),
    Case(
        "near a text",
        lambda: carries(near("name", tolerance=1)),
        "node 'head': near() needs finite numbers, and the feature's value on row 0 is 'a'.",
    ),
    Case(
        "near infinity",
        lambda: carries(near("x", tolerance=1), data=_with(x=1e999)),
        "node 'head': near() needs finite numbers, and the feature's value on row 0 is inf.",
    ),
    Case(
        "mostly alone",
        lambda: carries("number"),
        "node 'head': 100% of the examples share 'number' with no other, so most draws "
        "would be the reference itself. Use a coarser feature, more data, or "
        "donors='generated'; self_donation='allowed' accepts it.",
    ),
    Case(
        "mostly far apart",
        lambda: carries(near("number", tolerance=0.5)),
        "node 'head': 100% of the examples share 'number (±0.5)' with no other, so "
        "most draws would be the reference itself. Use a coarser feature, more data, "
        "or donors='generated'; self_donation='allowed' accepts it.",
    ),
    Case(
        "label not fixed",
        lambda: claim_of({}, answer=NOTHING),
        "node 'answer': the sink's feature 'ANY' does not fix the label, so an output "
        "could be scored against another example's answer. Use EXACT, or allow it with "
        "root='free' (the result is flagged).",
    ),
    Case(
        "label not named",
        lambda: claim_of({}, answer=NOTHING, task=_custom()),
        "node 'answer': the sink's feature 'ANY' does not fix the label, so an output "
        "could be scored against another example's answer. Use EXACT, name the columns "
        "that are the label with Task(label=...), or allow it with root='free' (the "
        "result is flagged).",
    ),
    Case(
        "one example",
        lambda: require_rows(Dataset.from_rows(rows(1))),
        "data: a scrub needs at least 2 examples, found 1. With fewer, every draw is "
        "the reference itself. Add examples.",
    ),
]


def _with(**columns: Any) -> list[dict[str, Any]]:
    return [{**row, **columns} for row in rows()]


def _custom() -> Task:
    return Task(Dataset.from_rows(rows()), metric=lambda output, columns: output, at="end")


def _kinds(option: str) -> Any:
    """A hypothesis with an unknown value for an option."""
    value: Any = {option: "sideways"}
    return lambda: claim_of({}, **value)


HEAD = {"head": node("m0", **END)}
EVERYWHERE = {"head": node("a0.h0"), "reader": node("a1.h0", **END)}
THROUGH = [("head", "reader", {"port": "k"}), ("reader", "answer")]

OPTIONS = [
    Case(
        "unknown option",
        lambda: claim_of({}, unimportent="one"),
        "option 'unimportent': does not exist. Did you mean unimportant?",
    ),
    Case(
        "several unknown",
        lambda: claim_of({}, seed=1, nodes="tree", limit=0),
        "option 'seed': does not exist. Did you mean baseline?\n"
        "option 'nodes': 'tree' is no value of it. Known: independent, joint.\n"
        "option 'limit': must be a whole number of at least 1, not 0.",
    ),
    Case(
        "unknown value of unimportant",
        _kinds("unimportant"),
        "option 'unimportant': 'sideways' is no value of it. Known: together, "
        "separately, one, kept, partner:COLUMN.",
    ),
    Case(
        "unknown value of replacement",
        _kinds("replacement"),
        "option 'replacement': 'sideways' is no value of it. Known: resample, zero, "
        "mean, mean_within:COLUMN.",
    ),
    Case(
        "unknown value of nodes",
        _kinds("nodes"),
        "option 'nodes': 'sideways' is no value of it. Known: independent, joint.",
    ),
    Case(
        "unknown value of donors",
        _kinds("donors"),
        "option 'donors': 'sideways' is no value of it. Known: data, generated.",
    ),
    Case(
        "unknown value of root",
        _kinds("root"),
        "option 'root': 'sideways' is no value of it. Known: fixes_label, free.",
    ),
    Case(
        "unknown value of self_donation",
        _kinds("self_donation"),
        "option 'self_donation': 'sideways' is no value of it. Known: refused, allowed.",
    ),
    Case(
        "unknown value of baseline",
        _kinds("baseline"),
        "option 'baseline': 'sideways' is no value of it. Known: random, components, "
        "uniform, zero, mean.",
    ),
    Case(
        "column without a name",
        lambda: claim_of({}, unimportant="partner:"),
        "option 'unimportant': 'partner:' is no value of it. Known: together, "
        "separately, one, kept, partner:COLUMN.",
    ),
    Case(
        "limit of no kind",
        lambda: claim_of({}, limit="many"),
        "option 'limit': must be a whole number of at least 1, not 'many'.",
    ),
    Case(
        "partner column absent",
        lambda: claim_of(HEAD, unimportant="partner:partners"),
        "option 'unimportant': the data has no column 'partners'. Did you mean partner or answer?",
    ),
    Case(
        "partners that are the row itself",
        lambda: claim_of(
            HEAD,
            unimportant="partner:number",
            data=[{**r, "number": i} for i, r in enumerate(rows())],
        ),
        "option 'unimportant': column 'number' names the example itself, or one with the same "
        "input, in 100% of the rows, so nothing would be resampled there. "
        "Name other examples; self_donation='allowed' accepts it.",
    ),
    Case(
        "lengths that no other example has",
        lambda: claim_of({"early": node("embed", EXACT, positions="all")}, data=stairs()),
        "node 'answer': 100% of the examples share their length with no other, and values cross "
        "here by index, so most unimportant inputs would be the reference's own. "
        "Name roles, cut the data to equal lengths, or add more; "
        "self_donation='allowed' accepts it.",
    ),
    Case(
        "partner of no row",
        lambda: claim_of(HEAD, unimportant="partner:partner", data=changed(2, partner=8)),
        "option 'unimportant': column 'partner' must hold row numbers from 0 to 7, "
        "found 8 in row 2. A row's partner is the row that supplies its unimportant "
        "inputs.",
    ),
    Case(
        "partner of another length",
        lambda: claim_of(EVERYWHERE, THROUGH, unimportant="partner:partner", data=ragged()),
        "option 'unimportant': node 'head' moves by index, which needs partners of "
        "equal length, but row 0 has 5 tokens and its partner 6. Name roles "
        "throughout, or give partners of equal length.",
    ),
    Case(
        "mean column absent",
        lambda: claim_of(HEAD, replacement="mean_within:nam"),
        "option 'replacement': the data has no column 'nam'. Did you mean name?",
    ),
    Case(
        "mean column of objects",
        lambda: claim_of(HEAD, replacement="mean_within:x", data=_with(x={})),
        "option 'replacement': column 'x' on row 0 is a dict, which cannot be hashed. "
        "Values that can be compared are numbers, texts and tuples of these.",
    ),
    Case(
        "lengths differ and no role",
        lambda: claim_of(
            {"head": node("a0.h0")},
            task=Task(Dataset.from_rows(ragged()), at=0, metric="kl"),
        ),
        "data: no node names a role, and the examples have 5 to 6 tokens. Without "
        "roles all examples need equally many tokens: name roles, or cut the data.",
    ),
    Case(
        "lengths differ at the output",
        lambda: claim_of(
            {"head": node("a0.h0", **END)},
            task=Task(Dataset.from_rows(ragged()), at="all", metric="kl"),
        ),
        "the output: is scored at all positions, and the examples have 5 to 6 tokens. "
        "Score at a role (at='end' in the task), or cut the data to equal lengths.",
    ),
    Case(
        "lengths differ and separately",
        lambda: claim_of(HEAD, unimportant="separately", data=ragged()),
        "option 'unimportant': 'separately' needs equal lengths; the examples have 5 "
        "to 6 tokens. Use 'together', or cut the data to equal lengths.",
    ),
    Case(
        "lengths differ and means",
        lambda: claim_of(HEAD, replacement="mean", baseline="mean", data=ragged()),
        "option 'replacement': per-position means need equal lengths; the examples "
        "have 5 to 6 tokens. Use another value, or cut the data to equal lengths.\n"
        "option 'baseline': per-position means need equal lengths; the examples have 5 "
        "to 6 tokens. Use another value, or cut the data to equal lengths.",
    ),
    Case(
        "lengths differ and one",
        lambda: claim_of(EVERYWHERE, THROUGH, unimportant="one", data=ragged()),
        "option 'unimportant': 'one' draws a single example for the tree, but node "
        "'head' moves by index and the examples have 5 to 6 tokens. Name roles "
        "throughout, or use 'together'.",
    ),
    Case(
        "no generator",
        lambda: claim_of(HEAD, donors="generated"),
        "option 'donors': 'generated' needs a generator, and task 'task' has none. "
        "Give Task(generator=...), or use donors='data'.",
    ),
    Case(
        "generator for a function",
        lambda: claim_of(
            {"head": node("m0", odd_length, **END)}, donors="generated", task=_generating({})
        ),
        "node 'head': generated donors agree on columns, and its feature is "
        "odd_length. Put the feature's value into a column of the data.",
    ),
    Case(
        "too large a tree",
        lambda: claim_of(*_ladder(), limit=20),
        "hypothesis: unfolds to 32 nodes, and the limit is 20. Use nodes='joint' (one "
        "draw for each node and reference), or raise limit=.",
    ),
    Case(
        "too large a tree, joint",
        lambda: claim_of(*_ladder(), limit=20, nodes="joint"),
        "hypothesis: unfolds to 32 nodes, and the limit is 20. Raise limit=, or make "
        "more nodes EXACT, which share their reader's draw.",
    ),
]


def _ladder() -> tuple[dict[str, Any], list[Any]]:
    """Six components, each feeding all later ones: 2^6 paths."""
    names = ["embed", "a0.h0", "m0", "a1.h0", "m1"]
    nodes = {name: node(name, **END) for name in names}
    order = [*names, "answer"]
    edges = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    return nodes, edges


def _generating(values: dict[str, Any]) -> Task:
    def generator(row: Any, agree: Any, rng: Any) -> dict[str, Any]:
        return {**dict(row), **values}

    return Task(Dataset.from_rows(rows()), at="end", generator=generator)


SHORT = {"tokens": [1, 2, 3], "roles": {"start": 0, "end": 2, "pair": [0, 1]}}


def _drawn(values: dict[str, Any], nodes: Any = HEAD, edges: Any = (), **options: str) -> object:
    claim = claim_of(nodes, list(edges), task=_generating(values), donors="generated", **options)
    return draw_donors(unfold(claim), range(4), draws=1, seed=0)


DONORS = [
    Case(
        "generator disagrees",
        lambda: _drawn({"name": "c"}),
        "node 'head': the generator was asked to agree on 'name' ('a') and made 'c'. A "
        "generated donor must carry the reference's feature.",
    ),
    Case(
        "generator makes no tokens",
        lambda: _drawn({"tokens": []}),
        "\n".join(
            f"node 'head', generated donors, row {row}: 'tokens' must be a list of at least one "
            "token id, not []."
            for row in range(4)
        ),
    ),
    Case(
        "generator lacks a column",
        lambda: _drawn({"numbers": 1}),
        "node 'head', generated donors: have a column 'numbers' that the data lacks. Mend the "
        "generator: its rows have the columns of the data.",
    ),
    Case(
        "generator lacks a role",
        lambda: _drawn({"roles": {"start": 0, "end": 5}}),
        "node 'head': role 'pair' has 2 position(s) in the data, and the generator made a row "
        "with none. Values move from role to role, so a made row needs as many.",
    ),
    Case(
        "generator makes a larger role",
        lambda: _drawn({"roles": {"start": 0, "end": [4, 5], "pair": [0, 1]}}),
        "node 'head': role 'end' has 1 position(s) in the data, and the generator made a row "
        "with 2. Values move from role to role, so a made row needs as many.",
    ),
    Case(
        "generator makes another length",
        lambda: _drawn(SHORT, {"head": node("m1", positions="all")}),
        "node 'head': the generator was asked for 6 tokens, as the reference has, and made 3: "
        "node 'head' moves by index. Keep the example's length.",
    ),
    Case(
        "generator makes another length, averaged",
        lambda: _drawn(SHORT, replacement="mean_within:name"),
        "node 'head': the generator was asked for 6 tokens, as the reference has, and made 3: "
        "option replacement='mean_within:name' is position by position. Keep the example's "
        "length.",
    ),
    Case(
        "generator makes another length, drawn separately",
        lambda: _drawn(SHORT, unimportant="separately"),
        "node 'head': the generator was asked for 6 tokens, as the reference has, and made 3: "
        "option unimportant='separately' needs equal lengths. Keep the example's length.",
    ),
    Case(
        "generator makes a partner that is no row",
        lambda: _drawn({"partner": -1}, unimportant="partner:partner"),
        "node 'head': column 'partner' must hold row numbers from 0 to 7, and the generator made "
        "-1. A row's partner is the row that supplies its unimportant inputs.",
    ),
    Case(
        "generator makes a class without examples",
        lambda: _drawn(
            {"number": 99},
            {**HEAD, "words": node("embed", **END)},
            [("words", "head"), ("head", "answer")],
            replacement="mean_within:number",
        ),
        "node 'head': unimportant inputs become their mean over the examples with the same "
        "'number', and the generator made 99, which no example has. Give the column a value that "
        "the data has.",
    ),
]

SEVERAL = [
    Case(
        "all problems at once",
        lambda: claim_of(
            {
                "mover": node("a1.h9", **END),
                "words": node("embed", "nam", positions="ends"),
                "reader": node("m0", lambda row: {}, **END),
            },
            [("words", "reader", {"port": "q"}), ("mover", "answer"), ("reader", "answer")],
            replacement="mean_within:place",
        ),
        "node 'mover': component 'a1.h9' does not exist. Did you mean a1.h1 or a1.h0 "
        "or a0.h1?\n"
        "edge 'words' → 'reader': m0 has no port 'q'. Its ports: in.\n"
        "node 'words': the data has no role 'ends'. Did you mean end?\n"
        "node 'reader': the feature's value on row 0 is a dict, which cannot be "
        "hashed. Values that can be compared are numbers, texts and tuples of these.\n"
        "option 'replacement': the data has no column 'place'. Did you mean partner?",
    ),
]


@pytest.mark.parametrize("case", [*FEATURES, *OPTIONS, *DONORS, *SEVERAL], ids=str)
def test_message(case: Case) -> None:
    check(case)
