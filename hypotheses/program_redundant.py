"""The first letter, twice: a0.h0 and a0.h1 each move it, and m0 answers if either has. Without one
of the two nothing is lost. Refuted if recovered < 0.99.

Source: the program is built by hand (`hypotheses/models/make_programs.py`); this is its true graph.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("either", component="m0", positions="end", feature="first")
claim.add_edge("either", "answer")

for head in ("a0.h0", "a0.h1"):
    claim.add_node(f"copy {head}", component=head, positions="end", feature="first")
    claim.add_node(f"letter {head}", component="embed", positions="first", feature="first")
    claim.add_edge(f"letter {head}", f"copy {head}", port="v")
    claim.add_edge(f"copy {head}", "either")

hypothesis = Hypothesis(claim, task="redundant", model="program-redundant")
