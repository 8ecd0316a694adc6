"""Indirect object identification in SmolLM2-135M: at the end one head looks at the repeated name
and writes against it, and others copy the name that is not repeated; which of the two that is they
learn, through their queries, from heads that look back at the repeated name, where duplicate-token
and induction heads have noted which one it repeats. Refuted if recovered < 0.5.

Source: the circuit is that of Wang et al. 2022 for GPT-2 small; the heads are SmolLM2's own, found
by `hypotheses/models/smollm2_heads.py ioi`. Unlike there the MLPs are not kept as they are: those
that are named carry what is said here, and all others are resampled. The model has to be fetched
first: `scrub models get smollm2`.

Found (64 references, 4 draws, a pool of 1,024): 1.14 (0.99 to 1.34), the null -0.02; logit
difference 4.46, scrubbed 5.11. It is above 1 because of the negative heads, which lose more by
having their inputs explained than the others: with those left open it is 0.80 (0.66 to 0.95). With
a23.h3 taken for a mover, which its direct effect suggests and its attention does not, it is 0.68.
"""

import networkx as nx

from scrub import EXACT, Hypothesis
from scrub.data.fetched import FETCHABLE
from scrub.data.ioi import encoder, ioi
from scrub.hypothesis.loading import resolve_model_source

SUPPRESSING = "a23.h3"  # attends from the end to the repeated name, writes against it
MOVERS = "a23.h0-2, a29.h1"  # attend from the end to the names, write the one they attend to
NEGATIVE = "a24.h4, a24.h5, a29.h0"  # and these write against it
INHIBITION = "a19.h2, a20.h0, a21.h5"  # attend from the end to the repeated name
DUPLICATE = "a14.h7, a15.h7, a16.h1, a17.h0"  # attend from it to where it stood first
INDUCTION = "a17.h4, a17.h5"  # attend from it to the token after that place
PREVIOUS = "a11.h1, a16.h0"  # attend there from that token

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
for name, component in (("movers", MOVERS), ("negative", NEGATIVE)):
    claim.add_node(name, component=component, positions="end", feature="io")
    claim.add_edge(name, "answer")
claim.add_node("read out", component="m23-29", positions="end", feature="io")
claim.add_edge("read out", "answer")

# What is written against, and where it is read.
claim.add_node("suppressing", component=SUPPRESSING, positions="end", feature="s")
claim.add_node("s again", component="embed, m0-22", positions="s2", feature="s")
claim.add_edge("suppressing", "answer")
for port in ("k", "v"):
    claim.add_edge("s again", "suppressing", port=port)

# What the movers attend to and copy, and what turns them away from the repeated name.
claim.add_node("io name", component="embed, m0-22", positions="io", feature=["io", "order"])
claim.add_node("s name", component="embed, m0-22", positions="s1", feature=["s", "order"])
claim.add_node("inhibition", component=INHIBITION, positions="end", feature="order")
claim.add_node("settled", component="m19-22", positions="end", feature="order")
for reader in ("movers", "negative"):
    claim.add_edge("inhibition", reader, port="q")
    claim.add_edge("settled", reader, port="q")
    for port in ("k", "v"):
        claim.add_edge("io name", reader, port=port)
        claim.add_edge("s name", reader, port=port)

# How the repeated name is known to be one, and which.
claim.add_node("repeated", component="embed, m0-16", positions="s2", feature="s")
claim.add_node("duplicate", component=DUPLICATE, positions="s2", feature="order")
claim.add_node("induction", component=INDUCTION, positions="s2", feature="order")
claim.add_node("noted", component="m17, m18", positions="s2", feature="order")
for port in ("k", "v"):
    for name in ("repeated", "duplicate", "induction", "noted"):
        claim.add_edge(name, "inhibition", port=port)
claim.add_node("previous", component=PREVIOUS, positions="s1_next", feature=["s", "order"])
claim.add_node("after s", component="embed, m0-16", positions="s1_next", feature="order")
claim.add_edge("repeated", "induction", port="q")
claim.add_edge("previous", "induction", port="k")
for port in ("k", "v"):
    claim.add_edge("after s", "induction", port=port)

folder = resolve_model_source(FETCHABLE["smollm2"].name, FETCHABLE["smollm2"].folder.parent)
hypothesis = Hypothesis(claim, task=ioi(encoder(folder), n=1024), model="smollm2")
