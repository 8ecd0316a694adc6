"""Induction as a pure chain: embeddings give the queries and the values, and keys come from layer
0's previous-token head alone. Refuted if recovered < 0.8.

Source: Olsson et al. 2022. This is the textbook picture; `induction.py` refines it.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component="a1.h0", positions="query", feature="next_token")
claim.add_node("current", component="embed", positions="query", feature="current_token")
claim.add_node("previous", component="a0.h0", positions="after_match", feature="current_token")
claim.add_node("copied", component="embed", positions="after_match", feature="next_token")
claim.add_edge("current", "induction", port="q")
claim.add_edge("previous", "induction", port="k")
claim.add_edge("copied", "induction", port="v")
claim.add_edge("induction", "answer")

hypothesis = Hypothesis(claim, task="repeated_tokens", model="induction-2l")
