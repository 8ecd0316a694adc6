"""Decoders of Llama's kin whose MLPs are mixtures of experts: each mixture is one component.

Its neurons have no names, as which of them run depends on the input; its experts have. Layers with
a dense MLP keep theirs. Attention is Llama's, but for what runs inside its module: norms on queries
and keys (all heads together in MiniMax M2), windows, biases, sinks (gpt-oss).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Mixture,
    Run,
    Sizes,
    Stack,
)


def _shared(config: Config) -> int:
    """Neurons that every position passes: as the config says, else so many experts' worth."""
    widths = ("shared_expert_intermediate_size", "moe_shared_expert_intermediate_size")
    counts = ("n_shared_experts", "num_shared_experts", "moe_num_shared_experts")
    said = [config[name] for name in widths if config.get(name) is not None]
    count = next((config[name] for name in counts if config.get(name) is not None), 0)
    return int(said[0] if said else count * config.get("moe_intermediate_size", 0))


# experts as wide as a dense MLP, or of a width of their own, mostly with some for every position
WIDE = Mixture()
ALONE = Mixture(hidden=Key(("moe_intermediate_size",), derived=True))
NARROW = replace(ALONE, shared=Key((), of=_shared))

HEADS, DENSE = Attention(), MLP()
EXPERTS = MLP(down=None, experts="experts", mixture=NARROW)
WIDE_EXPERTS, ALONE_EXPERTS = replace(EXPERTS, mixture=WIDE), replace(EXPERTS, mixture=ALONE)


def mixture(
    sparse: Callable[[Config, int], bool],
    attention: Attention = HEADS,
    dense: MLP = DENSE,
    experts: MLP = EXPERTS,
) -> Callable[[Config, int], Block]:
    """Blocks of which some have experts and some a dense MLP."""

    def block(config: Config, layer: int) -> Block:
        return (attention, experts if sparse(config, layer) else dense)

    return block


def after_dense(key: str, default: int) -> Callable[[Config, int], bool]:
    """Experts in all layers but the first few."""
    return lambda config, layer: layer >= int(config.get(key, default))


def by_type(dense: int) -> Callable[[Config, int], bool]:
    """Experts in the layers that the config lists; where it has no list, after the first few."""

    def sparse(config: Config, layer: int) -> bool:
        types = config.get("mlp_layer_types")
        return types[layer] == "sparse" if types else layer >= dense

    return sparse


def by_step(config: Config, layer: int) -> bool:
    """Experts in every so many layers, but for some that the config lists (Qwen)."""
    some = int(config.get("num_experts", config.get("num_local_experts", 1))) > 0
    steps = (layer + 1) % int(config.get("decoder_sparse_step", 1)) == 0
    return some and steps and layer not in (config.get("mlp_only_layers") or ())


def _between(config: Config, layer: int) -> bool:
    """ERNIE: in every so many layers between two."""
    last = int(config.get("moe_layer_end_index", -1))
    begun = layer >= int(config.get("moe_layer_start_index", 1))
    steps = (layer + 1) % int(config.get("moe_layer_interval", 1)) == 0
    return begun and steps and (last == -1 or layer <= last)


def sizes(head: int, hidden: str = "intermediate_size") -> Sizes:
    """The common sizes, where head_dim is not derived from the others."""
    return Sizes(head_width=Key(("head_dim",), head), hidden=Key((hidden,)))


def _aria(config: Config) -> int:
    return int(config.get("intermediate_size", 4096)) * int(config.get("moe_num_shared_experts", 2))


def _beside(shared: Key) -> MLP:
    """Experts as wide as a dense MLP, and neurons of every position."""
    return replace(WIDE_EXPERTS, mixture=replace(WIDE, shared=shared))


MIXTRAL = Family("mixtral", stacks=(Stack(block=(HEADS, WIDE_EXPERTS)),))
PHIMOE = Family("phimoe", stacks=(Stack(block=(HEADS, WIDE_EXPERTS)),))
ARIA_TEXT = Family("aria_text", stacks=(Stack(block=(HEADS, _beside(Key((), of=_aria)))),))
HUNYUAN_V1_MOE = Family(
    "hunyuan_v1_moe", stacks=(Stack(block=(HEADS, _beside(Key(("intermediate_size",))))),)
)
SOLAR_OPEN = Family(
    "solar_open",
    stacks=(Stack(block=(HEADS, EXPERTS), sizes=sizes(128, "moe_intermediate_size")),),
)
GPT_OSS = Family(
    "gpt_oss",
    stacks=(Stack(block=(Attention(per_head=("sinks",)), WIDE_EXPERTS), sizes=sizes(64)),),
)
MINIMAX_M2 = Family(
    "minimax_m2",
    stacks=(Stack(block=(Attention(run=Run.TOGETHER), WIDE_EXPERTS), sizes=sizes(128)),),
    note="a head's queries and keys are normalised together with those of all heads on its inputs",
)
ERNIE4_5_MOE = Family("ernie4_5_moe", stacks=(Stack(block=mixture(_between)),))
DOTS1 = Family("dots1", stacks=(Stack(block=mixture(after_dense("first_k_dense_replace", 0))),))
HY_V3 = Family("hy_v3", stacks=(Stack(block=mixture(by_type(1)), sizes=sizes(128)),))
MELLUM = Family(
    "mellum",
    stacks=(Stack(block=mixture(by_type(0), experts=ALONE_EXPERTS), sizes=sizes(128)),),
)
