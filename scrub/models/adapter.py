"""A transformers model as a `Model`: recorded by hooks, re-run by its own modules.

The user's module is never changed: its weights, its training flags and its `requires_grad` are
as they were after every call, also after one that failed, and no hook stays behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from scrub.errors import InputRefused, ModelRefused, Problem
from scrub.graph import Part, Reach
from scrub.models.admitted import require_known
from scrub.models.anatomy import Organ
from scrub.models.base import Batch, Call, Kind, Shares, Site, Whole
from scrub.models.bridge import BridgePiece, WordsPiece
from scrub.models.circumstances import Surroundings
from scrub.models.drivers import call
from scrub.models.families import KINDS
from scrub.models.families.base import Family
from scrub.models.fingerprint import fingerprint_of
from scrub.models.heads import HeadsPiece
from scrub.models.keywords import dummy, entrance, keywords, unplaced
from scrub.models.linear import add_mapped
from scrub.models.past import Past
from scrub.models.pieces import (
    EmbedPiece,
    Evaluation,
    ModulePiece,
    NormPiece,
    OutputPiece,
    Piece,
)
from scrub.models.placing import placed
from scrub.models.spots import Spot, Watch
from scrub.models.steps import Kind as StepKind
from scrub.models.substitute import (
    TrunkOutput,
    answering,
    attached,
    gradients_for,
    home_of,
    replaced,
    resting,
    silent,
)

PIECES: dict[StepKind, type[Piece]] = {
    StepKind.EMBED: EmbedPiece,
    StepKind.HEADS: HeadsPiece,
    StepKind.MODULE: ModulePiece,
    StepKind.NORM: NormPiece,
}


class TransformersModel:
    """A model in memory, behind the interface that the engine asks of a model.

    `family` holds the facts of an architecture that is not among those covered.
    """

    def __init__(self, module: nn.Module, name: str = "", family: Family | None = None) -> None:
        self.module = module
        self.name = name or type(module).__name__
        self.config: dict[str, Any] = config_of(module, self.name)
        family = family or unlisted(module, self.config, self.name)
        self.anatomy = placed(module, self.config, self.name, family)
        self.wiring = self.anatomy.wiring
        self.graph = self.wiring.graph(self.name)
        some = next(module.parameters())
        self.device = home_of(module)
        self.dtype = some.dtype
        self._own = [vars(part) for part in module.modules()]
        self._applied = {group: self._vars(organ) for group, organ in self.anatomy.organs.items()}
        self.masked = _masked(self)
        self.pieces = self._pieces()
        self._constants: dict[str, torch.Tensor] = {}

    def _vars(self, organ: Organ) -> list[dict[str, Any]]:
        """The `vars` of the modules that a re-run applies: of all, where it calls the model."""
        if organ.step.kind is StepKind.OUTPUT or organ.entrance is not None:
            return self._own
        spots = [spot.module for spot in (organ.before, *organ.whole, organ.out) if spot]
        roots = [*spots, *(organ.projections or {}).values(), organ.scaled]
        return list({id(m): vars(m) for r in roots if r is not None for m in r.modules()}.values())

    def _pieces(self) -> dict[str, Piece]:
        mixing = {
            step.group: self.anatomy.organs[step.group].whole[0]
            for step in self.wiring.steps
            if any(p.reach is not Reach.SAME for p in step.components[0].ports)
            and step.kind is not StepKind.OUTPUT
        }
        surroundings = Surroundings(mixing, self._pass, self._dummy, self.masked, self._state)
        made: dict[str, Piece] = {}
        for group, organ in self.anatomy.organs.items():
            if organ.step.kind is StepKind.OUTPUT:
                tower = Spot(self.anatomy.towers[organ.step.stack.prefix])
                made[group] = OutputPiece(organ, self.dtype, surroundings, tower, self._head)
            elif organ.entrance is not None:
                made[group] = self._bridge(organ, surroundings)
            else:
                made[group] = PIECES[organ.step.kind](organ, self.dtype, surroundings)
        return made

    def _bridge(self, organ: Organ, surroundings: Surroundings) -> Piece:
        """A piece whose output lies at the placeholders, or beside them."""
        bridge = self.wiring.family.bridge
        assert bridge is not None
        space = next(s for s in self.wiring.spaces if s.name == organ.step.stack.space)
        if organ.step.kind is StepKind.EMBED:
            return WordsPiece(organ, self.dtype, surroundings, space)
        return BridgePiece(organ, self.dtype, surroundings, space, bridge.skipped)

    def record(
        self, batch: Batch, sites: Sequence[Site], past: Past | None = None
    ) -> dict[Site, torch.Tensor]:
        """One forward pass over plain inputs: each site's [row, length, stored].

        The model's head runs only where its output is asked for. Where there is a `past`, the
        batch's positions come after it, and are added to it.
        """
        require_known(self.name, self.graph.spaces, batch)
        batch = unplaced(self.graph.spaces, batch)
        found: dict[Site, torch.Tensor] = {}
        output = Site(Kind.OUTPUT, self.graph.output)
        with resting(self._own), silent(), attached() as handles:
            watch = Watch(handles)
            for site in sites:
                if site != output:
                    self._piece_at(site).watch(watch, site, found)
            if output in sites:
                found[output] = self._logits(self.module, batch, past)
            else:
                self._pass(batch, past)
        missed = [str(site) for site in sites if site not in found]
        if missed:
            raise ModelRefused(f"model '{self.name}': a forward pass never reached {missed[0]}.")
        return {site: _unfolded(value, batch.rows) for site, value in found.items()}

    def output(self, part: Part, stored: torch.Tensor) -> torch.Tensor:
        """A component part's share of its readers' sums, from what was recorded of it."""
        return self._piece_of(part).output(part, stored)

    def add(self, shares: Shares, to: torch.Tensor) -> None:
        """Add what `output` gives to sums, in place; in one product what plain maps make, where the
        sums are of the model's type."""
        mapped: list[tuple[torch.Tensor, torch.Tensor]] = []
        for part, stored in shares:
            found = self._piece_of(part).map(part) if stored.dtype == to.dtype else None
            if found is not None and found.dtype == to.dtype:
                mapped.append((stored, found))
            else:
                to += self.output(part, stored)
        if mapped:
            add_mapped(mapped, to)

    def _piece_of(self, part: Part) -> Piece:
        return self.pieces[self.graph[part.component].group]

    def run(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """Components of one group on assembled ports: [row, n, width] for each call."""
        return self._evaluated(calls, lambda piece, given: piece.run(given))

    def stored(self, calls: Sequence[Call]) -> list[torch.Tensor]:
        """The same before the linear map that ends them, [row, n, stored]."""
        return self._evaluated(calls, lambda piece, given: piece.stored(given))

    def _evaluated(self, calls: Sequence[Call], how: Evaluation) -> list[torch.Tensor]:
        if not calls:
            return []
        component = self.graph[calls[0].part.component]
        if not component.ports:
            raise ValueError(f"'{calls[0].part}' has no ports to be run on.")
        own = self._applied[component.group]
        with resting(own), gradients_for(p for c in calls for p in c.ports.values()):
            return how(self.pieces[component.group], calls)

    def whole(self, group: str, ports: Mapping[str, torch.Tensor], frame: Batch) -> Whole:
        """All components of a group on the same ports, by one call of the model's own module."""
        with resting(self._applied[group]), gradients_for(ports.values()):
            return self.pieces[group].whole(ports, frame)

    def neurons(
        self, component: str, ports: Mapping[str, torch.Tensor], frame: Batch
    ) -> torch.Tensor:
        """What an MLP's neurons hold on these ports, [row, length, neurons]."""
        piece = self.pieces[self.graph[component].group]
        if not isinstance(piece, ModulePiece) or not self.graph[component].neurons:
            raise ValueError(f"'{component}' has no neurons.")
        with resting(self._own), gradients_for(ports.values()):
            return piece.neurons(Call(Part(component), ports, frame))

    def constant(self, stream: str) -> torch.Tensor:
        """The output biases of all that feeds a stream, [width]; float32 at least."""
        if stream not in self._constants:
            feeders = self.graph.streams[stream]
            wide = torch.promote_types(self.dtype, torch.float32)
            total = torch.zeros(self.graph[feeders[0]].width, dtype=wide, device=self.device)
            for group in dict.fromkeys(self.graph[feeder].group for feeder in feeders):
                with resting(self._own):
                    term = self.pieces[group].constant()
                total = total if term is None else total + term.to(self.device, wide)
            self._constants[stream] = total
        return self._constants[stream]

    def fingerprint(self) -> str:
        """A hash of the weights and the config as they are now: both may be changed in place."""
        return fingerprint_of(self.module, self.config)

    def _piece_at(self, site: Site) -> Piece:
        """The step that a site belongs to: a stream to its first reader."""
        if site.kind is not Kind.STREAM:
            return self.pieces[self.graph[site.name].group]
        reader = next(
            component
            for component in self.graph.components
            for port in component.ports
            if port.stream == site.name
        )
        return self.pieces[reader.group]

    def _pass(self, batch: Batch, past: Past | None = None) -> None:
        """All but the head, where the model lets it be left out."""
        trunk = self.wiring.family.trunk
        module = entrance(self.module, trunk[0], batch) if len(trunk) == 1 else self.module
        with resting(self._own):
            call(module, keywords(module, batch, self.masked, past))

    def _logits(self, module: nn.Module, batch: Batch, past: Past | None = None) -> torch.Tensor:
        """The model's output, [row, position, width]; a pooled one has one position."""
        given = keywords(self.module, unplaced(self.graph.spaces, batch), self.masked, past)
        output = self.wiring.head.of(call(module, given))
        assert isinstance(output, torch.Tensor)
        return output

    def _head(self, normed: torch.Tensor, frame: Batch) -> torch.Tensor:
        """The model's own head, with everything before it replaced by the normed sum."""
        family = self.wiring.family
        pooled = self.module.get_submodule(family.pooler)(normed) if family.pooler else None
        bound = {
            path: answering(self.module.get_submodule(path), TrunkOutput(normed, pooled))
            for path in family.trunk
        }
        return self._logits(replaced(self.module, bound), frame)

    def _dummy(self, rows: int, lengths: Any) -> Batch:
        like = torch.empty(0, dtype=self.dtype, device=self.device)
        return dummy(self.graph, like, rows, lengths)

    def _state(self) -> object:
        # "eager" is handed a mask where "sdpa" is handed none
        return getattr(self.module.config, "_attn_implementation", None)


def _unfolded(value: torch.Tensor, rows: int) -> torch.Tensor:
    """Some modules (OPT's MLP) are given all rows as one."""
    return value.view(rows, -1, value.shape[-1]) if value.ndim == 2 else value


def unlisted(module: nn.Module, config: dict[str, Any], name: str) -> Family | None:
    """The facts of an architecture that has no file here: remembered, or read off the module."""
    if config.get("model_type") in KINDS:
        return None
    from scrub.models.inference import inferred_family
    from scrub.models.inferred import Known, remember, remembered

    if (known := remembered(config)) is None:
        known = Known(inferred_family(module, config, name), config)
        remember(config, known)
    return known.family


def config_of(module: nn.Module, name: str) -> dict[str, Any]:
    """The config of a transformers module. Raises `InputRefused`."""
    config = getattr(module, "config", None)
    if config is None or not hasattr(config, "to_dict"):
        found = f"a {type(module).__name__} has no transformers config."
        fix = "Pass a model from AutoModelForCausalLM, or a folder that holds one."
        raise InputRefused(Problem(f"model '{name}'", found, fix))
    return dict(config.to_dict())


def _masked(model: TransformersModel) -> tuple[str, ...]:
    """The spaces in which some component reads any position, and so would read padding."""
    wide = {
        model.graph.stream_spaces[port.stream]
        for component in model.graph.components
        for port in component.ports
        if port.reach is Reach.ANY
    }
    return tuple(s.name for s in model.graph.spaces if s.name in wide and not s.fixed)


def organ_of(model: TransformersModel, component: str) -> Organ:
    """The modules behind a component."""
    return model.anatomy.organs[model.graph[component].group]
