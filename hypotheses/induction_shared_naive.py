"""Induction where four heads share the work, the textbook picture: the heads of layer 1 take
queries and values from the embeddings alone, and keys from layer 0's heads alone. Refuted if
recovered < 0.75.

Source: Olsson et al. 2022, "In-context learning and induction heads". `induction_shared` refines
it, and recovers more: part of what is read comes the other way.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0-3", positions="query", feature="next_token")
claim.add_node("current", component="embed", positions="query", feature="current_token")
claim.add_node("previous", component="a0.h0-3", positions="after_match", feature="current_token")
claim.add_node("copied", component="embed", positions="after_match", feature="next_token")
claim.add_edge("current", "induction", port="q")
claim.add_edge("previous", "induction", port="k")
claim.add_edge("copied", "induction", port="v")
claim.add_edge("induction", "answer")

hypothesis = Hypothesis(claim, task="repeated_tokens", model="induction-redundant")
