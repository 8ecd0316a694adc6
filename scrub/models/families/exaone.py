"""EXAONE 4: no norm before a sublayer but one on its output, a component here, as in OLMo 2.

Queries and keys are normed by head, and layers without a window have no positions. Its mixture of
experts has norms before its sublayers, as Llama has.
"""

from scrub.models.families.base import Attention, Family, Stack
from scrub.models.families.mixtures import by_type, mixture
from scrub.models.families.olmo import DENSE

EXAONE4 = Family(
    "exaone4",
    stacks=(Stack(block=(Attention(before="", after="post_attention_layernorm"), DENSE)),),
)
EXAONE_MOE = Family("exaone_moe", stacks=(Stack(block=mixture(by_type(1))),))
