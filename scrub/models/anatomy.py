"""Where the parts of a loaded model sit: a family's names, resolved to modules and checked.

Everything that touches a module goes through this, so that a module which is not laid out as its
family says is refused here, in words, and nowhere later with an AttributeError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from scrub.errors import InputRefused, Problem
from scrub.models.families.base import MLP, Attention, Config, Family, Mixer, Run, Stack
from scrub.models.linear import is_linear, weight_of
from scrub.models.shapes import layers_of, own_config, unused_of
from scrub.models.spots import Spot
from scrub.models.steps import Kind, Step, Wiring
from scrub.models.substitute import Scaling, fetched
from scrub.models.versions import advice


@dataclass(frozen=True, eq=False)
class Organ:
    """The modules of one step. What a step has no use for is empty.

    `whole` is what is applied: an attention, the modules of an MLP in turn, a norm; `before` the
    norm that it reads through; `out` the linear map whose input is every head's z, or an MLP's
    neurons; `scaled` the module that scales its output by channel. Paths in `within` are those
    of `out` inside the last of `whole`, "" where it lies outside. `experts` is the path in the
    last of `whole` to the module of an MLP's experts.
    """

    step: Step
    whole: tuple[Spot, ...]
    before: Spot | None = None
    projections: Mapping[str, nn.Module] | None = None  # by path
    out: Spot | None = None
    within: str = ""
    experts: str = ""
    scaled: nn.Module | None = None
    scale: float = 1.0
    gain: float = 1.0  # of what is read through `before`
    memory_space: str = ""  # of what a cross-attention's keys and values read
    source: Spot | None = None  # whose output a bridge reads
    entrance: Spot | None = None  # what is handed the tokens, where some are placeholders


@dataclass(frozen=True, eq=False)
class Anatomy:
    """The organs of a model by their step's group, and its stacks' towers by prefix."""

    wiring: Wiring
    organs: Mapping[str, Organ]
    towers: Mapping[str, nn.Module]


def anatomy_of(module: nn.Module, wiring: Wiring, config: Config, name: str) -> Anatomy:
    """Finds every part of the model, or raises `InputRefused` saying what is missing where."""
    where = f"model '{name}'"
    _require_head(module, wiring.family, where)
    finder = _Finder(module, wiring.family, config, where)
    organs = {step.group: finder.organ(step) for step in wiring.steps}
    return Anatomy(wiring, organs, finder.ends())


def _require_head(module: nn.Module, family: Family, where: str) -> None:
    """A bare trunk, which AutoModel loads, has nothing to be scored."""
    held = {name for name, _ in module.named_modules()}
    if not all(path in held for path in family.trunk):
        found = f"a {type(module).__name__} has no '{family.trunk[0]}' with a head beside it: "
        fix = "Load the class with the head, for example with AutoModelForCausalLM."
        raise InputRefused(Problem(where, f"{found}it computes nothing to be scored.", fix))


class _Finder:
    """Resolves the paths of one model."""

    def __init__(self, module: nn.Module, family: Family, config: Config, where: str) -> None:
        self.config, self.where = config, where
        self.module, self.family = module, family
        self.entrance = Spot(self.at(module, family.trunk[0], where)) if family.bridge else None
        self.spaces = {s.prefix: s.space for s in family.stacks}
        self.towers = {s.prefix: self.at(module, s.path, where) for s in family.stacks}
        self.blocks = {s.prefix: self._blocks(s) for s in family.stacks}

    def ends(self) -> dict[str, nn.Module]:
        """Whose output ends each stack: the tower, or the last block of a mere list of them."""
        lists = (nn.ModuleList, nn.ModuleDict)
        return {
            prefix: self.blocks[prefix][-1].module if isinstance(tower, lists) else tower
            for prefix, tower in self.towers.items()
        }

    def at(self, module: nn.Module, path: str, where: str) -> nn.Module:
        try:
            return module.get_submodule(path)
        except AttributeError:
            held = ", ".join(name for name, _ in module.named_children()) or "no modules"
            found = f"{type(module).__name__} has no '{path}' as its architecture should; "
            raise InputRefused(Problem(where, f"{found}it has {held}.", advice())) from None

    def _blocks(self, stack: Stack) -> list[Spot]:
        """The blocks of a stack in order of application, shared ones once for each turn."""
        tower = self.towers[stack.prefix]
        outer, _, inner = stack.blocks.partition(".*.")
        held = list(self.at(tower, outer, self.where).children())
        groups = [list(self.at(group, inner, self.where).children()) for group in held]
        flat = [block for group in groups for block in group] if inner else held
        count = layers_of(stack, self.config, self.where)
        if not stack.shared:
            said = count + unused_of(stack, self.config)
            if len(flat) != said:
                found = f"the config says {said} layers, "
                raise InputRefused(Problem(self.where, f"{found}the module has {len(flat)}."))
            return [Spot(block) for block in flat[:count]]
        turns: dict[nn.Module, int] = {}
        order = []
        within = len(flat) // len(held)  # blocks of a group, which is applied as a whole
        for layer in range(count):
            group = layer // within * len(flat) // count
            block = flat[group * within + layer % within]
            order.append(Spot(block, turns.setdefault(block, 0)))
            turns[block] += 1
        return order

    def organ(self, step: Step) -> Organ:
        match step.kind:
            case Kind.EMBED:
                words = self.entrance if step.stack is self.family.stacks[-1] else None
                return Organ(step, (self._spot(step, step.stack.start),), entrance=words)
            case Kind.BRIDGE:
                return self._bridge(step)
            case Kind.HEADS:
                return self._heads(step)
            case Kind.MODULE:
                return self._module(step)
            case Kind.NORM if step.path:
                return self._scaled(Organ(step, (self._spot(step, step.path),)))
            case Kind.NORM | Kind.OUTPUT:
                norms = self._ending(step.stack, step.stack.final_norm, step.stack.final_turn)
                norm = norms[0] if norms else None
                if step.kind is Kind.NORM:
                    return Organ(step, norms, norm)
                return Organ(step, self._ending(step.stack, step.stack.project), norm)
        raise ValueError(step.kind)

    def _ending(self, stack: Stack, path: str, turn: int = 0) -> tuple[Spot, ...]:
        """A module after the last block; a model may say None where it has none."""
        tower = self.towers[stack.prefix]
        if not path or getattr(tower, path, tower) is None:
            return ()
        return (Spot(self.at(tower, path, self.where), turn),)

    def _bridge(self, step: Step) -> Organ:
        """The module that an image's features pass, the end of their stack, the first block."""
        (source,) = (s for s in self.family.stacks if s.prefix == step.memory)
        norm = source.final_norm
        end = Spot(self.at(self.towers[step.memory], norm, self.where)) if norm else None
        return Organ(
            step,
            (Spot(self.at(self.module, step.path, self.where)), self._spot(step, step.stack.start)),
            source=end or self.blocks[step.memory][-1],
            entrance=self.entrance,
        )

    def _spot(self, step: Step, path: str) -> Spot:
        block = self.blocks[step.stack.prefix][step.layer]
        where = f"{self.where}, layer {step.layer}"
        return Spot(self.at(block.module, path, where), block.turn)

    def _scaled(self, organ: Organ) -> Organ:
        """With a factor on the output, of the config or by channel."""
        step, sublayer = organ.step, organ.step.sublayer
        by_channel = self._channels(step, sublayer.scaled) if sublayer.scaled else None
        return replace(organ, scale=self._factor(step, sublayer.scale), scaled=by_channel)

    def _channels(self, step: Step, path: str) -> nn.Module | None:
        """A module that scales by channel, or a parameter that some configs leave out (BEiT)."""
        block = self.blocks[step.stack.prefix][step.layer].module
        held = getattr(block, path, None)
        if isinstance(held, nn.Parameter):
            return Scaling(block, path)
        if path in block.__dict__:  # 1.0 or None in its place
            return None
        return self._spot(step, path).module

    def _factor(self, step: Step, said: str | Callable[[Config], float]) -> float:
        own = own_config(self.config, step.stack)
        return float(said(own) if callable(said) else own.get(said, 1.0) if said else 1.0)

    def _heads(self, step: Step) -> Organ:
        attention = step.sublayer
        assert isinstance(attention, Attention)
        assert isinstance(attention.path, str)
        core = self._spot(step, attention.path)
        where = f"{self.where}, layer {step.layer}"
        paths = dict.fromkeys(p for names in attention.projections.values() for p in names)
        organ = Organ(
            step,
            (core,),
            self._spot(step, attention.before) if attention.before else None,
            {path: self.at(core.module, path, where) for path in paths},
            self._out(step, core, attention),
            "" if attention.out.startswith("../") else attention.out,
            gain=self._factor(step, attention.gain),
            memory_space=self.spaces[step.stack.memory] if step.memory else "",
        )
        _check_heads(organ, where)
        return organ if attention.after else self._scaled(organ)

    def _out(self, step: Step, core: Spot, attention: Attention) -> Spot:
        where = f"{self.where}, layer {step.layer}"
        assert isinstance(attention.path, str)
        if attention.out.startswith("../"):
            parent = attention.path.rpartition(".")[0]
            beside = attention.out.removeprefix("../")
            spot = self._spot(step, f"{parent}.{beside}" if parent else beside)
        else:
            spot = Spot(self.at(core.module, attention.out, where), core.turn)
        return Spot(_linear(spot.module, attention.out, where), spot.turn)

    def _module(self, step: Step) -> Organ:
        sublayer = step.sublayer
        paths = (sublayer.path,) if isinstance(sublayer.path, str) else sublayer.path
        whole = tuple(self._spot(step, path) for path in paths)
        where = f"{self.where}, layer {step.layer}"
        out, within = None, ""
        if isinstance(sublayer, MLP) and sublayer.down is not None:
            within = sublayer.down
            module = _linear(self.at(whole[-1].module, within, where), within or paths[-1], where)
            out = Spot(module, whole[-1].turn)
            _check_size(module, step.shape.hidden, "the MLP's neurons", where)
        experts = sublayer.experts if isinstance(sublayer, MLP) else ""
        if experts:
            _check_experts(self.at(whole[-1].module, experts, where), step.shape.experts, where)
        assert isinstance(sublayer, (MLP, Mixer))
        organ = Organ(
            step,
            whole,
            self._spot(step, sublayer.before) if sublayer.before else None,
            None,
            out,
            within,
            experts,
            gain=self._factor(step, sublayer.gain),
        )
        return organ if sublayer.after else self._scaled(organ)


def beside_of(organ: Organ) -> Tensor | None:
    """What a block adds beside its attention's output, if it does."""
    attention, module = organ.step.sublayer, organ.whole[0].module
    if not isinstance(attention, Attention) or not attention.bias:
        return None
    held = getattr(module, attention.bias)
    return None if held is None else fetched(module, attention.bias).detach()


def _linear(module: nn.Module, path: str, where: str) -> nn.Module:
    if is_linear(module):
        return module
    found = f"'{path}' is a {type(module).__name__}; only plain linear maps can be cut into heads."
    raise InputRefused(Problem(where, found, "Load the model unquantised and without adapters."))


def _check_heads(organ: Organ, where: str) -> None:
    """The sizes in the config are those of the weights."""
    heads = organ.step.shape.heads
    assert organ.out is not None
    assert organ.projections is not None
    _check_size(organ.out.module, heads.queries * heads.z, "the attention's output", where)
    attention = organ.step.sublayer
    assert isinstance(attention, Attention)
    if attention.run is Run.ALONE:  # only what computes W x + b can be cut
        for path, module in organ.projections.items():
            _linear(module, path, where)
    for port, what in (("q", "queries"), ("v", "values")):
        path = attention.projections[port][-1]
        if is_linear(organ.projections[path]):
            least = attention.layout(port, heads.queries - 1, heads) + heads.wide(port)
            found = weight_of(organ.projections[path]).shape[0]
            if found < least:
                said = f"the projection of {what} is {found} wide, by the config it is {least}."
                raise InputRefused(Problem(where, said))


def _check_experts(module: nn.Module, count: int, where: str) -> None:
    """One module for all of them, which routing weights are handed to."""
    if isinstance(module, nn.ModuleList):
        found = f"its experts are a list of {len(module)} modules, and must be one."
        raise InputRefused(Problem(where, found, advice()))
    held = getattr(module, "num_experts", count)
    if held != count:
        said = f"the MLP has {held} experts, by the config it has {count}."
        raise InputRefused(Problem(where, said))


def _check_size(module: nn.Module, least: int, what: str, where: str) -> None:
    found = weight_of(module).shape[1]
    if found != least:
        said = f"the projection of {what} is {found} wide, by the config it is {least}."
        raise InputRefused(Problem(where, said))
