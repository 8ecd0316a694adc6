"""An image encoder of one family and a text decoder of another (TrOCR: a vision transformer, and a
decoder like BART's)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.errors import InputRefused, Problem
from scrub.models.families.bart import sizes_of, sublayers
from scrub.models.families.base import Config, Family, Stack

TROCR = Stack(
    path="decoder.model.decoder",
    block=sublayers(post=True, asks=False),
    final_norm="",
    space="decoder_tokens",
    config="decoder",
    memory="v",
    sizes=sizes_of("decoder", 12, 1024, 16, 4096, 50265),
    longest="max_position_embeddings",
)


def _joined(config: Config, others: Callable[[str], Family]) -> Family:
    encoder, decoder = config.get("encoder") or {}, config.get("decoder") or {}
    if decoder.get("model_type") != "trocr":
        found = f"a decoder of the architecture '{decoder.get('model_type')}' is not covered."
        raise InputRefused(Problem("config", found, "Covered: trocr."))
    images = others(str(encoder.get("model_type")))
    (stack,) = images.stacks
    if stack.space != "image":
        found = f"an encoder of the architecture '{images.model_type}' reads no image."
        raise InputRefused(Problem("config", found))
    if not decoder.get("cross_attention_hidden_size"):
        found = "config key 'cross_attention_hidden_size' is not set: a projection between encoder "
        raise InputRefused(Problem("config", f"{found}and decoder is not covered."))
    now, *before = (_under(tower) for tower in (images, *images.older))
    return replace(now, older=tuple(before))


def _under(images: Family) -> Family:
    """A decoder that reads the tower of an image model."""
    (stack,) = images.stacks
    tower = replace(
        stack,
        path="encoder" + stack.path.removeprefix(images.trunk[0]),
        prefix="v",
        config="encoder",
    )
    trunk = ("encoder", "decoder.model.decoder")
    return Family("vision-encoder-decoder", stacks=(tower, TROCR), trunk=trunk)


VISION_ENCODER_DECODER = Family(
    "vision-encoder-decoder", parts=_joined, classes=("VisionEncoderDecoderModel",)
)
