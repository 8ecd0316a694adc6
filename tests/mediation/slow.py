"""Circuits and paths by hand: one whole forward pass with hooks for each component that is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import torch

from scrub.graph import ModelGraph
from scrub.graph.circuits import Edge
from tests.mediation.hookloops import Change, Loop

Tensor = torch.Tensor


class Slow:
    """A model of a known shape on two sets of inputs, its graph taken for who feeds whom."""

    def __init__(self, loop: Loop, graph: ModelGraph, wild: Tensor, other: Tensor) -> None:
        self.loop, self.graph, self.tokens = loop, graph, wild
        self.wild, self.other = loop.run(wild), loop.run(other)
        self.other_tokens = other
        self.reads: dict[tuple[str, bool], Tensor] = {}  # by stream, and whether it is the wild one

    def place(self, component: str, port: str) -> str:
        return "final" if component == self.graph.output else f"{component}<{port}>"

    def read(self, tokens: Tensor, component: str, port: str) -> Tensor:
        """What a port reads in a plain pass."""
        stream = self.graph[component].port(port).stream
        key = stream, tokens is self.tokens
        if key not in self.reads:
            seen: list[Tensor] = []

            def look(own: Tensor) -> Tensor:
                seen.append(own)
                return own

            self.loop.run(tokens, [Change(self.place(component, port), look)])
            self.reads[key] = seen[-1]
        return self.reads[key]

    @cached_property
    def ports(self) -> list[tuple[str, str]]:
        return [(c.name, port.name) for c in self.graph.components for port in c.ports]

    def ran(self, component: str, ports: Mapping[str, Tensor]) -> Tensor:
        """A component on these ports, by a pass in which it reads them."""
        changes = [Change(self.place(component, p), value) for p, value in ports.items()]
        name = "logits" if component == self.graph.output else component
        return self.loop.run(self.tokens, changes)[name]

    def circuit(self, kept: Sequence[Edge]) -> Tensor:
        """The output of a circuit, the other edges as in the corrupted run."""
        live: dict[str, Tensor] = {}
        output = torch.empty(0)
        for component in self.graph.components:
            if not component.ports:
                live[component.name] = self.wild[component.name]
                continue
            ports = {}
            for port in component.ports:
                total = self.read(self.other_tokens, component.name, port.name)
                for feeder in port.feeders:
                    if Edge(feeder, component.name, port.name) in kept:
                        total = total + live[feeder] - self.other[feeder]
                ports[port.name] = total
            output = live[component.name] = self.ran(component.name, ports)
        return output
