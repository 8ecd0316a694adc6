"""Components, ports, positions and who feeds whom: values and sizes, no tensors."""

from scrub.graph.model_graph import (
    Component,
    Cost,
    ModelGraph,
    PassCost,
    Port,
    Reach,
    queries_run,
)
from scrub.graph.names import Part, UnknownName, expand, summarise
from scrub.graph.positions import ALL, Each, Everywhere, Indices, Positions, Role, each, positions
from scrub.graph.sites import Kind, Projection, Site
from scrub.graph.spaces import IMAGE, SEQUENCES, TOKENS, Space

__all__ = [
    "ALL",
    "IMAGE",
    "SEQUENCES",
    "TOKENS",
    "Component",
    "Cost",
    "Each",
    "Everywhere",
    "Indices",
    "Kind",
    "ModelGraph",
    "Part",
    "PassCost",
    "Port",
    "Positions",
    "Projection",
    "Reach",
    "Role",
    "Site",
    "Space",
    "UnknownName",
    "each",
    "expand",
    "positions",
    "queries_run",
    "summarise",
]
