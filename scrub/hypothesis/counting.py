"""How large a tree will be, before it is built; and which of its subtrees can be shared."""

from __future__ import annotations

from scrub.data.features import EXACT
from scrub.hypothesis.claim import Claim
from scrub.hypothesis.options import Nodes, Replacement, Unimportant


def quiet_nodes(claim: Claim) -> frozenset[str]:
    """Nodes under which nothing is drawn afresh, so that equal references give equal values."""
    options = claim.options
    frames_drawn = options.replacement is Replacement.RESAMPLE and options.unimportant in (
        Unimportant.TOGETHER,
        Unimportant.SEPARATELY,
    )
    quiet: set[str] = set()
    for name in claim.topological:
        draws_a_frame = frames_drawn and claim.calls_some_unimportant[name]
        parents = [claim.nodes[edge.parent] for edge in claim.parents[name]]
        if not draws_a_frame and all(p.feature is EXACT and p.name in quiet for p in parents):
            quiet.add(name)
    return frozenset(quiet)


def count_occurrences(claim: Claim) -> int:
    """How many occurrences the tree will have, counted without building it.

    Exact but for subtrees that draw nothing, which are counted once for each reader.
    """
    if claim.options.nodes is Nodes.JOINT:
        return _count_joint(claim)
    quiet = quiet_nodes(claim)
    below: dict[str, frozenset[str]] = {}
    sizes: dict[str, int] = {}
    for name in claim.topological:
        parents = [edge.parent for edge in claim.parents[name]]
        shared = [p for p in parents if p in quiet and claim.nodes[p].feature is EXACT]
        below[name] = frozenset(shared).union(*(below[p] for p in shared))
        apart = sum(sizes[p] for p in parents if p not in shared)
        sizes[name] = 1 + apart + len(below[name])
    return sizes[claim.sink]


def _count_joint(claim: Claim) -> int:
    """Distinct (node, reference) pairs, counted without listing them.

    A reference is a chain of donors: a node that is not EXACT draws one and adds itself, all
    others pass theirs on. So a chain ends at the root or at the nearest such node above.
    """
    ends: dict[str, set[str]] = {name: set() for name in claim.nodes}  # of the chains handed to it
    ends[claim.sink] = {claim.sink}
    chains = {claim.sink: 1}  # how many end there
    total = 0
    for name in reversed(claim.topological):
        handed = sum(chains[end] for end in ends[name])
        total += handed
        draws = name != claim.sink and claim.nodes[name].feature is not EXACT
        if draws:
            chains[name] = handed
        for edge in claim.parents[name]:
            ends[edge.parent] |= {name} if draws else ends[name]
    return total
