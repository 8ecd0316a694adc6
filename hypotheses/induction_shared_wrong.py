"""A wrong claim about induction where four heads share the work: that the keys do not matter.
Refuted if recovered < 0.75, which it is.

Source: `induction_shared` without its nodes for the keys.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0-3", positions="query", feature="next_token")

for port, place, carried in (
    ("q", "query", "current_token"),  # what is looked for
    ("v", "after_match", "next_token"),  # what is copied from there
):
    for name, component in (("embedding", "embed"), ("previous", "a0.h0-3")):
        node = f"{name} → {port}"
        claim.add_node(node, component=component, positions=place, feature=carried)
        claim.add_edge(node, "induction", port=port)

claim.add_edge("induction", "answer")

hypothesis = Hypothesis(claim, task="repeated_tokens", model="induction-redundant")
