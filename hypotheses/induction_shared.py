"""Induction where four heads share the work: the heads of layer 1 together attend to the token
after the earlier occurrence and copy it; their queries, keys and values each come from the
embeddings and from layer 0's heads together. Refuted if recovered < 0.75.

Source: Olsson et al. 2022, "In-context learning and induction heads"; the refined claim follows the
scrubbing study of Chan et al. 2022. `induction_shared_naive` is its naive one, and
`induction_shared_wrong` leaves out the keys.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0-3", positions="query", feature="next_token")

for port, place, carried in (
    ("q", "query", "current_token"),  # what is looked for
    ("k", "after_match", "current_token"),  # where: after an occurrence of the current token
    ("v", "after_match", "next_token"),  # what is copied from there
):
    for name, component in (("embedding", "embed"), ("previous", "a0.h0-3")):
        node = f"{name} → {port}"
        claim.add_node(node, component=component, positions=place, feature=carried)
        claim.add_edge(node, "induction", port=port)

claim.add_edge("induction", "answer")

hypothesis = Hypothesis(claim, task="repeated_tokens", model="induction-redundant")
