"""How many of the letters are x: a0.h0 looks at all letters alike and moves "is it x", so that of
the whole string only the count of x matters. Refuted if recovered < 0.99.

Source: the program is built by hand (`hypotheses/models/make_programs.py`), after "frac_prevs" of
Lindner et al. 2023, "Tracr"; this is its true graph.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("share of x", component="a0.h0", positions="end", feature="count")
claim.add_node("letters", component="embed", positions="string", feature="count")

claim.add_edge("letters", "share of x", port="v")
claim.add_edge("share of x", "answer")

hypothesis = Hypothesis(claim, task="frac_prevs", model="program-frac-prevs")
