"""An image encoder of one family and a text decoder of another (TrOCR: a vision transformer, and a
decoder like BART's)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from scrub.errors import InputRefused, Problem
from scrub.models.families.bart import sizes_of, sublayers
from scrub.models.families.base import Config, Family, Run, Stack

READ, CROSS, WRITE = sublayers(post=True)
TROCR = Stack(
    path="decoder.model.decoder",
    # the width of all its heads is that of its input, so that all of them have to run
    block=(replace(READ, run=Run.TOGETHER), replace(CROSS, run=Run.TOGETHER), WRITE),
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
    tower = replace(
        stack,
        path="encoder" + stack.path.removeprefix(images.trunk[0]),
        prefix="v",
        config="encoder",
    )
    return Family(
        "vision-encoder-decoder",
        stacks=(tower, TROCR),
        trunk=("encoder", "decoder.model.decoder"),
    )


VISION_ENCODER_DECODER = Family(
    "vision-encoder-decoder", parts=_joined, classes=("VisionEncoderDecoderModel",)
)
