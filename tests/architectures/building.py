"""Tiny models of every covered architecture, drawn so large that attention matters."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import torch
import transformers
from torch import nn

from scrub.models.versions import attention_for

VOCABULARY, WIDTH, LAYERS, HEADS = 50, 24, 2, 4


@dataclass(frozen=True, eq=False)
class Case:
    """A line of test: an architecture, its class, and a config as small as it can be.

    `sizes` are given to the config beside the common ones that it has a place for.
    """

    model_type: str
    sizes: Mapping[str, Any] = field(default_factory=dict)
    cls: str = "AutoModelForCausalLM"
    label: str = ""  # where a model type has several lines

    @property
    def name(self) -> str:
        return f"{self.model_type}{'-' if self.label else ''}{self.label}"


COMMON: Mapping[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "intermediate_size": 40,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}


def config_of(case: Case, **changes: Any) -> Any:
    """The config, with every common size under the name that this architecture has for it."""
    sizes = deepcopy({**COMMON, **case.sizes, **changes})  # transformers 5.0 empties inner ones
    return transformers.AutoConfig.for_model(case.model_type, **sizes)


def build(case: Case, seed: int = 0, attention: str | None = None, **changes: Any) -> nn.Module:
    """Weights of order one, norms and biases drawn too: at 1 and 0 they could be left out.

    The attention is the one that is named, else the one that it would be loaded with.
    """
    config = config_of(case, **changes)
    said = {"attn_implementation": attention} if attention else attention_for(config.to_dict())
    torch.manual_seed(seed)
    kind: Any = getattr(transformers, case.cls)
    make = kind.from_config if case.cls.startswith("Auto") else kind._from_config
    made: nn.Module = make(config, **said)
    redraw(made)
    return made.eval()


def redraw(module: nn.Module, gain: float = 1.5) -> None:
    """Matrices so large that heads attend to some positions more than to others."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
            elif "embed" in name or "wte" in name or "wpe" in name:
                parameter.normal_(0, 1)
            else:
                parameter.normal_(0, gain / parameter.shape[-1] ** 0.5)
