"""More "(" or more ")": a0.h0 finds the share of "(", a0.h1 that of ")", and m0 tells which is
larger and by how much. Refuted if recovered < 0.99.

Source: the program is built by hand (`hypotheses/models/make_programs.py`), after "pair_balance" of
Lindner et al. 2023, "Tracr"; this is its true graph.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("sign", component="m0", positions="end", feature=["opened", "closed"])
claim.add_edge("sign", "answer")

for head, counted in (("a0.h0", "opened"), ("a0.h1", "closed")):
    claim.add_node(f"share {counted}", component=head, positions="end", feature=counted)
    claim.add_node(f"letters {counted}", component="embed", positions="string", feature=counted)
    claim.add_edge(f"letters {counted}", f"share {counted}", port="v")
    claim.add_edge(f"share {counted}", "sign")

hypothesis = Hypothesis(claim, task="pair_balance", model="program-pair-balance")
