"""What a model's own head gives: logits over a vocabulary or labels, at each position or pooled.

Read off the name of its class, which config.json holds under `architectures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scrub.errors import InputRefused, Problem
from scrub.models.classes import is_trunk, with_head
from scrub.models.families.base import Config, Key, Stack
from scrub.models.shapes import own_config, size


@dataclass(frozen=True)
class Head:
    """The kind of output that a class of models ends in.

    `suffixes` are those of the class names; `size` is what says how wide it is; `field` names
    the output among what the model returns, which may have no axis for its width of 1.
    """

    suffixes: tuple[str, ...]
    size: str | int  # "vocabulary", "labels", a config key; or the width itself
    pooled: bool = False
    field: str = "logits"
    flat: bool = False
    less: int = 0  # how many of these it never gives

    def of(self, returned: Any) -> Any:
        """The output, [row, position, width], in what a model returns; pooled at one position."""
        value = getattr(returned, self.field, None)
        if value is None:
            found = f"returns no '{self.field}', but {', '.join(returned)}."
            fix = "Load the model with a head for language modelling or for classification."
            raise InputRefused(Problem(f"model class '{type(returned).__name__}'", found, fix))
        return value[:, None] if self.pooled else value[..., None] if self.flat else value

    def width(self, stack: Stack, config: Config, where: str) -> int:
        """How wide it is, by the config of the stack that it reads."""
        own = own_config(config, stack)
        if isinstance(self.size, int):
            return self.size
        if self.size == "labels":
            return len(config.get("id2label") or ()) or int(config.get("num_labels") or 2)
        key = stack.sizes.vocabulary if self.size == "vocabulary" else Key((self.size,))
        return size(own, key, where) - self.less


WORDS = Head(
    (
        "ForCausalLM", "LMHeadModel", "LMHead", "ForMaskedLM", "ForConditionalGeneration",
        "BlipForQuestionAnswering", "ForPreTraining", "Decoder", "WithLMHeadModel",
        "MarianMTModel", "VisionEncoderDecoderModel",
    ),
    "vocabulary",
)  # fmt: skip
LABELS = Head(
    (
        "ForSequenceClassification", "ForImageClassification",
        "ForImageClassificationWithTeacher",
    ),
    "labels", pooled=True,
)  # fmt: skip
FAKES = Head(("ElectraForPreTraining",), 1, flat=True)  # has this token been replaced?
TWO_HEADS = Head(
    tuple(f"{name}ForPreTraining" for name in ("Bert", "Albert", "Ernie", "RoCBert")),
    "vocabulary",
    field="prediction_logits",  # beside it stands which sentence comes first
)
FOLLOWS = Head(("ForNextSentencePrediction",), 2, pooled=True)
TAGS = Head(("ForTokenClassification",), "labels")
IMAGES = Head(("VisionModelWithProjection",), "projection_dim", pooled=True, field="image_embeds")
VISION = Head(("VisionModel",), "hidden_size", pooled=True, field="pooler_output")
TEXTS = Head(("TextModelWithProjection",), "projection_dim", pooled=True, field="text_embeds")
COLOURS = Head(("ForCausalImageModeling",), "vocabulary", less=1)  # the first token is none
HEADS: Sequence[Head] = (
    LABELS, TAGS, FAKES, TWO_HEADS, FOLLOWS, IMAGES, VISION, TEXTS, COLOURS, WORDS,
)  # fmt: skip

OTHERS = (
    "ForMultipleChoice", "ForQuestionAnswering", "ForMaskedImageModeling",
    "ForSemanticSegmentation", "ForObjectDetection", "ForDepthEstimation", "ForProteinFolding",
    "Backbone",
)  # fmt: skip
COVERED = (
    "Covered: next and masked tokens, classes of rows, of tokens and of images, CLIP's projections."
)


def head_of(
    config: Config, architecture: str = "", where: str = "model", other: Head = WORDS
) -> Head:
    """The head of a class of models, by its name or by what the config says it was saved from.

    It is `other` where the config names no class, and for a class of the user's own. Raises
    `InputRefused` for a bare trunk and for the class of another task.

    >>> head_of({"architectures": ["BertForSequenceClassification"]}).pooled
    True
    """
    saved = config.get("architectures") or ()
    name = architecture or (saved[0] if saved else "")
    found = next((head for head in HEADS if name.endswith(head.suffixes)), None)
    if found is None and (problem := _without_head(name, config.get("model_type"), where)):
        raise InputRefused(problem)
    return found or other


def _without_head(name: str, model_type: object, where: str) -> Problem | None:
    """What is wrong with a class whose name is that of no head known here, if anything is."""
    if name.endswith(OTHERS):
        found = f"its class {name} ends in an output of another kind than those that are covered."
        headed = with_head(model_type)
        return Problem(where, found, f"Use {headed}. {COVERED}" if headed else COVERED)
    if name.endswith("Model") and is_trunk(name):
        found = (
            f"its class {name} is a bare trunk: without a head it computes nothing to be scored."
        )
        headed = with_head(model_type)
        return Problem(
            where, found, f"Take the model with its head{f', as {headed}' if headed else ''}."
        )
    return None
