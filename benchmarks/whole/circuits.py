"""A scrub in Redwood's rust-circuit: the model as a circuit, the claim as a tree of interp nodes.

The circuit is built by hand from the shipped paren model's weights, head by head, as their own
paren experiments have it after their rewrites. Its samplers are fixed, so that it scrubs with our
draws. Nodes of several components are covered where nothing feeds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
import torch

from benchmarks.case import Case
from benchmarks.whole.toys import OrGate
from scrub.graph import Role
from scrub.hypothesis.claim import Node
from scrub.hypothesis.unfold import Occurrence

PORTS = {"q": "query", "k": "key", "v": "value"}
FIRST, PARENS = "first", "string"  # roles whose positions a circuit has a name for


@dataclass(frozen=True, eq=False)
class Parens:
    """The paren model as a circuit over one-hot `tokens` [position, token]: logits [class]."""

    case: Case

    @property
    def module(self) -> Any:
        """A RobertaPreLayerNormForSequenceClassification."""
        return self.case.model.module

    @property
    def length(self) -> int:
        return self.case.dataset.length

    @cached_property
    def splits(self) -> Mapping[str, tuple[int, int]]:
        """Of each role that is read by itself, the first position, and one past the last."""
        found = {}
        for name in (FIRST, PARENS):
            at = self.case.dataset.positions(Role(name))  # the same in every row
            assert at is not None  # a role has positions
            found[name] = int(at[0, 0]), int(at[0, -1]) + 1
        return found

    def inputs(self) -> Any:
        """All rows, one-hot [row, position, token], under the name of the circuit's input."""
        rows = range(len(self.case.dataset))
        tokens = torch.from_numpy(np.stack([self.case.dataset.tokens(row) for row in rows]))
        hot = torch.nn.functional.one_hot(tokens, self.module.config.vocab_size)
        return self.rc.Array(hot.float(), "tokens")

    def targets(self, node: Node) -> list[str]:
        """The circuit's names of what a node stands for, as its reader sees it."""
        found = [part.component.replace("embed", "embeds") for part in node.parts]
        role = getattr(node.positions, "name", "")
        return [f"{name}.at_{role}" for name in found] if role in (FIRST, PARENS) else found

    @cached_property
    def rc(self) -> Any:
        """rust-circuit, which has no types."""
        return import_module("rust_circuit")

    @property
    def heads(self) -> int:
        return int(self.module.config.num_attention_heads)

    @cached_property
    def names(self) -> list[str]:
        """All components."""
        layers = range(len(self.layers))
        return [f"a{n}.h{h}" for n in layers for h in range(self.heads)] + [f"m{n}" for n in layers]

    @property
    def layers(self) -> Any:
        return self.module.roberta_prelayernorm.encoder.layer

    def circuit(self) -> Any:
        """The whole model."""
        rc, written = self.rc, {"embeds": self._embeds()}
        for number, layer in enumerate(self.layers):
            bias = self._array(layer.attention.output.dense.bias)
            feeds = dict(written)
            for head in range(self.heads):
                name = f"a{number}.h{head}"
                written[name] = self._head(name, layer.attention, head, feeds)
            written[f"a{number}.bias"] = bias
            stream = rc.Add(*written.values())
            written[f"m{number}"] = self._mlp(layer, stream).rename(f"m{number}")
        stream = self._rows(rc.Add(*written.values()), 0, 1)
        stream = rc.Index(stream, [0])
        normed = self._norm(stream, self.module.roberta_prelayernorm.LayerNorm)
        head = self.module.classifier
        hidden = rc.tanh(self._linear(normed, head.dense.weight, head.dense.bias))
        return self._linear(hidden, head.out_proj.weight, head.out_proj.bias).rename("logits")

    def _embeds(self) -> Any:
        rc, place = self.rc, self.module.roberta_prelayernorm.embeddings
        tokens = rc.Array(torch.zeros(self.length, place.word_embeddings.num_embeddings), "tokens")
        start = place.padding_idx + 1
        constant = place.position_embeddings.weight[start : start + self.length]
        constant = constant + place.token_type_embeddings.weight[0]
        words = rc.Einsum.from_einsum_string(
            "sv,vd->sd", tokens, self._array(place.word_embeddings.weight)
        )
        stream = rc.Add(words, self._array(constant))
        return self._norm(stream, place.LayerNorm).rename("embeds")

    def _head(self, name: str, attention: Any, head: int, feeds: Mapping[str, Any]) -> Any:
        """One head's share of the stream, [position, width]; each port's input has its own sum."""
        rc, inner = self.rc, attention.self
        size = inner.attention_head_size
        part = slice(head * size, (head + 1) * size)
        seen = {}
        for port, module in PORTS.items():
            normed = self._norm(self._port(port, feeds), attention.LayerNorm)
            linear = getattr(inner, module)
            seen[port] = self._linear(normed, linear.weight[part], linear.bias[part])
        scores = rc.Einsum.from_einsum_string("qd,kd->qk", seen["q"], seen["k"])
        pattern = rc.softmax(rc.Einsum.scalar_mul(scores, size**-0.5))
        z = rc.Einsum.from_einsum_string("qk,kd->qd", pattern, seen["v"])
        out = self._array(attention.output.dense.weight[:, part])
        return rc.Einsum.from_einsum_string("qd,wd->qw", z, out).rename(name)

    def _port(self, port: str, feeds: Mapping[str, Any]) -> Any:
        """What a port reads: k and v see the embedding, v a head, in pieces."""
        split = {"k": ("embeds",), "v": tuple(feeds)}.get(port, ())
        pieces = [
            self._in_pieces(feed, name) if name in split and not name.endswith("bias") else feed
            for name, feed in feeds.items()
        ]
        return self.rc.Add(*pieces)

    def _in_pieces(self, feed: Any, name: str) -> Any:
        """The same values, with a node of its own for the positions of the role that is read."""
        role = FIRST if name == "embeds" else PARENS
        start, end = self.splits[role]
        middle = self._rows(feed, start, end).rename(f"{name}.at_{role}")
        parts = [self._rows(feed, 0, start), middle, self._rows(feed, end, self.length)]
        return self.rc.Concat(*parts, axis=0)

    def _mlp(self, layer: Any, stream: Any) -> Any:
        normed = self._norm(stream, layer.intermediate.LayerNorm)
        up, down = layer.intermediate.dense, layer.output.dense
        hidden = self.rc.gelu(self._linear(normed, up.weight, up.bias))
        return self._linear(hidden, down.weight, down.bias)

    def _norm(self, stream: Any, norm: Any) -> Any:
        """Layer norm over the last axis of [position, width] or [width]."""
        rc, width = self.rc, stream.shape[-1]
        letters = "sd" if len(stream.shape) == 2 else "d"
        less = letters[:-1]
        ones = rc.Array(torch.full((width,), 1 / width))
        mean = rc.Einsum.from_einsum_string(f"{letters},d->{less}", stream, ones)
        spread = rc.Array(torch.ones(width))
        mean = rc.Einsum.from_einsum_string(f"{less},d->{letters}", mean, spread)
        centred = rc.Add.minus(stream, mean)
        variance = rc.Einsum.from_einsum_string(
            f"{letters},{letters},d->{less}", centred, centred, ones
        )
        scale = rc.rsqrt(rc.Add(variance, rc.Scalar(norm.eps)))
        scaled = rc.Einsum.from_einsum_string(
            f"{letters},{less},d->{letters}", centred, scale, self._array(norm.weight)
        )
        return rc.Add(scaled, self._array(norm.bias))

    def _linear(self, value: Any, weight: torch.Tensor, bias: torch.Tensor) -> Any:
        letter = "s" if len(value.shape) == 2 else ""
        product = self.rc.Einsum.from_einsum_string(
            f"{letter}i,oi->{letter}o", value, self._array(weight)
        )
        return self.rc.Add(product, self._array(bias))

    def _rows(self, value: Any, start: int, end: int) -> Any:
        return self.rc.Index(value, [slice(start, end)])

    def _array(self, weight: torch.Tensor) -> Any:
        return self.rc.Array(weight.detach().clone())


@dataclass(frozen=True, eq=False)
class Scrubber:
    """A case's scrub, with its draws, by `Experiment.scrub` and `evaluate`."""

    case: Case
    model: Parens | OrGate
    circuit: Any

    @classmethod
    def of(cls, case: Case) -> Scrubber:
        model = Parens(case) if hasattr(case.model, "module") else OrGate(case)
        return cls(case, model, model.circuit())

    @cached_property
    def data(self) -> Any:
        """All rows, as rust-circuit holds them."""
        datasets = import_module("rust_circuit.causal_scrubbing.dataset")
        return datasets.Dataset([self.model.inputs()])

    def __call__(self) -> torch.Tensor:
        """The output [item, 1, width]."""
        experiments = import_module("rust_circuit.causal_scrubbing.experiment")
        hypotheses = import_module("rust_circuit.causal_scrubbing.hypothesis")
        corr = hypotheses.Correspondence()
        self._add(corr, self.case.tree.root, None, hypotheses.corr_root_matcher, hypotheses)
        settings = experiments.ExperimentEvalSettings(device_dtype="cpu")
        experiment = experiments.Experiment(self.circuit, self.data, corr)
        reference = self.data[torch.from_numpy(self.case.rows[0])]
        found: torch.Tensor = experiment.scrub(reference).evaluate(settings)
        return found.reshape(self.case.items, 1, -1)

    def _add(
        self, corr: Any, occurrence: Occurrence, parent: Any, matcher: Any, hypotheses: Any
    ) -> None:
        """An interp node for this occurrence, below its reader's, and then those it reads."""
        drawn = occurrence.reference if self._leaf(occurrence) else occurrence.frame
        fixed = hypotheses.FixedOtherSampler(self.data[torch.from_numpy(self.case.rows[drawn])])
        name = f"n{len(corr)}"
        if parent is None:
            node = hypotheses.InterpNode(fixed, name, other_inputs_sampler=fixed)
        else:
            node = parent.make_descendant(fixed, name, other_inputs_sampler=fixed)
        corr.add(node, matcher)
        for given in occurrence.inputs:
            read = self.case.tree.occurrences[given.occurrence]
            for target in self._targets(read):
                others = set(self.model.names) - {target, *self._targets(occurrence)}
                path = hypotheses.chain_excluding(matcher, target, others)
                self._add(corr, read, node, path, hypotheses)

    def _leaf(self, occurrence: Occurrence) -> bool:
        return self.case.claim.is_leaf(occurrence.node)

    def _targets(self, occurrence: Occurrence) -> list[str]:
        node = self.case.claim.nodes[occurrence.node]
        if len(node.parts) > 1 and not self._leaf(occurrence):
            raise ValueError(f"node '{node.name}' has several components and reads others.")
        return self.model.targets(node)
