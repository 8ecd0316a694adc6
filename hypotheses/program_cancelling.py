"""The first letter, and a second that is added and taken away again: a0.h0 moves the first letter
to the answer, a0.h1 adds the second one and a0.h2 subtracts it. Refuted if recovered < 0.99.

Both cancelling heads carry the second letter, each by a draw of its own: what they add and subtract
agrees, because the feature says which letter it is. A claim that leaves both out recovers as much
where unimportant inputs are drawn together, and fails where they are drawn separately.

Source: the program is built by hand (`hypotheses/models/make_programs.py`); this is its true graph.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)

for head, letter in (("a0.h0", "first"), ("a0.h1", "second"), ("a0.h2", "second")):
    claim.add_node(f"copy {head}", component=head, positions="end", feature=letter)
    claim.add_node(f"letter {head}", component="embed", positions=letter, feature=letter)
    claim.add_edge(f"letter {head}", f"copy {head}", port="v")
    claim.add_edge(f"copy {head}", "answer")

hypothesis = Hypothesis(claim, task="cancelling", model="program-cancelling")
