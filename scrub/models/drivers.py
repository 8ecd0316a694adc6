"""How a whole model is called, where calling it does not give what it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn

from scrub.models.spots import Args, Keywords
from scrub.models.substitute import attached

Driver = Callable[[nn.Module, Mapping[str, Any]], Any]


def call(module: nn.Module, given: Mapping[str, Any]) -> Any:
    """What a model returns for these keywords, by the driver of its class if it has one."""
    driver = DRIVERS.get(type(module).__name__)
    return module(**given) if driver is None else driver(module, given)


def _blip_answers(module: nn.Module, given: Mapping[str, Any]) -> Any:
    """Its own forward keeps the answer's logits to itself, and returns a loss."""
    part: Mapping[str, Any] = dict(module.named_children())
    mask = given.get("attention_mask")
    with _masks_passed_on(module):
        image = part["vision_model"](given["pixel_values"])[0]
        question = part["text_encoder"](
            given["input_ids"], attention_mask=mask, encoder_hidden_states=image
        )[0]
        return part["text_decoder"](
            given["decoder_input_ids"],
            encoder_hidden_states=question,
            encoder_attention_mask=mask,
            use_cache=False,
        )


@contextmanager
def _masks_passed_on(module: nn.Module) -> Iterator[None]:
    """A cross-attention's mask, under the name by which it is looked for.

    BLIP hands it down under that of a self-attention's, where it is not read (transformers
    5.23): padding of the question would be. These hooks come before all others.
    """
    with attached() as handles:
        for name, part in module.named_modules():
            if name.endswith("crossattention.self"):
                handle = part.register_forward_pre_hook(_renamed, prepend=True, with_kwargs=True)
                handles.append(handle)
        yield


def _renamed(_: nn.Module, args: Args, kwargs: Keywords) -> tuple[Args, Keywords]:
    if kwargs.get("encoder_attention_mask") is None:
        kwargs = kwargs | {"encoder_attention_mask": kwargs.get("attention_mask")}
    return args, kwargs


DRIVERS: Mapping[str, Driver] = {"BlipForQuestionAnswering": _blip_answers}
