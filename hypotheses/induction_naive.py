"""The naive claim: the head in layer 1 carries the next token, and that is all there is. What it
reads is left open, so that anything with the same next token may stand in for its whole input.
Refuted if recovered < 0.9.

It is recovered well wherever the head is the only one that writes the answer, and says nothing of
how it finds it: a claim that leaves much open is hard to refute.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT, value=lambda induction: induction)
claim.add_node(
    "induction",
    component="a1.h0",
    positions="query",
    feature="next_token",
    value="next_token",  # put in from another example, the answer is that example's
)
claim.add_edge("induction", "answer")

hypothesis = Hypothesis(claim, task="repeated_tokens", model="induction-2l")
