"""Components, ports, positions and who feeds whom: values and sizes, no tensors."""

from scrub.graph.model_graph import Component, Cost, ModelGraph, Port, Reach
from scrub.graph.names import Part, UnknownName, expand, summarise
from scrub.graph.positions import ALL, Each, Everywhere, Indices, Positions, Role, each, positions
from scrub.graph.sites import Kind, Site

__all__ = [
    "ALL",
    "Component",
    "Cost",
    "Each",
    "Everywhere",
    "Indices",
    "Kind",
    "ModelGraph",
    "Part",
    "Port",
    "Positions",
    "Reach",
    "Role",
    "Site",
    "UnknownName",
    "each",
    "expand",
    "positions",
    "summarise",
]
