"""The last letter unless the one before it is the same: a0.h0 moves the previous letter, m0 finds
whether it is the letter itself, and the answer reads the letter from the embedding and the veto
from m0. Refuted if recovered < 0.99.

Source: the program is built by hand (`hypotheses/models/make_programs.py`); this is its true graph.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("letter → answer", component="embed", positions="end", feature="last")
claim.add_node("repeated", component="m0", positions="end", feature=["last", "previous"])
claim.add_node("letter → repeated", component="embed", positions="end", feature="last")
claim.add_node("previous", component="a0.h0", positions="end", feature="previous")
claim.add_node("letter before", component="embed", positions="previous", feature="previous")

claim.add_edge("letter → answer", "answer")
claim.add_edge("repeated", "answer")
claim.add_edge("letter → repeated", "repeated")
claim.add_edge("previous", "repeated")
claim.add_edge("letter before", "previous", port="v")

hypothesis = Hypothesis(claim, task="dedup", model="program-dedup")
