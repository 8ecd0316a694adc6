"""Balanced parentheses, claim 1: the answer is read at the start token from two tests. a0.h0, a1.h1
and m1 carry the count test (as many "(" as ")", and "(" first), a2.h1 the horizon condition (no
ending holds more "(" than ")"), a2.h0 and m2 both. Refuted if recovered < 0.9.

Source: Redwood Research 2022, "Causal scrubbing on a paren balance checker", whose claim 1 recovers
0.93 in a model of the same shape; an independent replication on a like model 0.95. This model is
another one (`hypotheses/models/make_parens.py`), and its heads were read first, on other strings
(seed 1; the claim is scored on seed 0), by `hypotheses/models/parens_heads.py`: the count test sits
in layers 0 and 1 here, and one head of layer 2 carries both tests, where Redwood's has a head for
each. The MLPs are named because they matter: without them the claim recovers less, see
`hypotheses/models/README.md`.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)

for name, components, carried in (
    ("count test", "a0.h0, a1.h1, m1", "count_test"),
    ("horizon", "a2.h1", "horizon"),
    ("both", "a2.h0, m2", ["count_test", "horizon"]),
):
    claim.add_node(name, component=components, positions="start", feature=carried)
    claim.add_edge(name, "answer")

hypothesis = Hypothesis(claim, task="parens", model="parens")
