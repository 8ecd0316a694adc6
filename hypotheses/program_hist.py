"""How many letters are like the last one: a0.h0 looks at the start token and at every letter like
its own, so that the start's share is 1 / (1 + count), and m0 turns the share into the count.
Refuted if recovered < 0.99.

Source: the program is built by hand (`hypotheses/models/make_programs.py`), after "hist" of Weiss,
Goldberg and Yahav 2021, "Thinking like transformers"; this is its true graph. What the values carry
is the start token, which is the same everywhere: no edge by `v` is needed.
"""

import networkx as nx

from scrub import EXACT, Hypothesis

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("count", component="m0", positions="end", feature="like_last")
claim.add_node("share", component="a0.h0", positions="end", feature="like_last")
claim.add_node("letter → q", component="embed", positions="end", feature="last")
claim.add_node("letters → k", component="embed", positions="string", feature=["last", "like_last"])

claim.add_edge("letter → q", "share", port="q")
claim.add_edge("letters → k", "share", port="k")
claim.add_edge("share", "count")
claim.add_edge("count", "answer")

hypothesis = Hypothesis(claim, task="hist", model="program-hist")
