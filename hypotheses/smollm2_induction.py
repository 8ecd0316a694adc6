"""Induction in SmolLM2-135M on repeated random tokens: heads at the query attend to the token after
its earlier occurrence and copy it, and the late MLPs amplify what they found. Queries come from the
embedding and the early MLPs, values likewise from the place after the match, and keys from
previous-token heads there. Refuted if recovered < 0.8.

Source: Olsson et al. 2022; the heads are SmolLM2's own, found by
`hypotheses/models/smollm2_heads.py induction`: those of layers 17 and 18 are the induction heads
proper, the later ones attend to the same place and write the answer. The model has to be fetched
first: `scrub models get smollm2`.

Found (64 references, 4 draws, a pool of 1,024): 0.515 (0.44 to 0.59), the null 0.03. So the
textbook picture is refuted on this model: it is half of the story. Leaving the heads' inputs open
gives 0.76 (on 512 rows, where the claim itself gives 0.52), the heads without the late MLPs 0.38,
the five heads of layers 17 and 18 with those MLPs 0.44. Without the keys it is 0.49: most of what
the keys need to know does not come from the three previous-token heads alone.
"""

import networkx as nx
import numpy as np

from scrub import EXACT, Dataset, Hypothesis, Task
from scrub.data import repeated_tokens

WORDS = np.random.default_rng(7).choice(np.arange(500, 8000), 32, replace=False).tolist()
INDUCTION = (
    "a17.h3-5, a18.h6, a18.h7, a20.h6, a22.h7, a23.h0-2, a23.h7, a23.h8, a24.h2, a24.h4, "
    "a29.h0, a29.h1"
)
PREVIOUS = "a2.h1, a11.h1, a16.h0"


def spoken(row):
    """The shipped task's small alphabet, written in 32 random tokens of the model's."""
    named = {column: WORDS[row[column]] for column in ("current_token", "next_token")}
    return row | named | {"tokens": tuple(WORDS[token] for token in row["tokens"])}


rows = repeated_tokens.rows(1024, seed=0, length=34, shortest_period=12, longest_period=16)
task = Task(
    Dataset.from_rows([spoken(row) for row in rows]),
    metric="loss",
    answer="next_token",
    at="query",
    name="repeated_random_tokens",
)

claim = nx.DiGraph()
claim.add_node("answer", component="logits", feature=EXACT)
claim.add_node("induction", component=INDUCTION, positions="query", feature="next_token")
claim.add_node("amplified", component="m19-29", positions="query", feature="next_token")
claim.add_node("current", component="embed, m0-16", positions="query", feature="current_token")
claim.add_node("previous", component=PREVIOUS, positions="after_match", feature="current_token")
claim.add_node("copied", component="embed, m0-16", positions="after_match", feature="next_token")
claim.add_edge("current", "induction", port="q")
claim.add_edge("previous", "induction", port="k")
claim.add_edge("copied", "induction", port="v")
claim.add_edge("induction", "answer")
claim.add_edge("amplified", "answer")

hypothesis = Hypothesis(claim, task=task, model="smollm2")
