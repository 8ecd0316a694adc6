"""OLMo: from version 2 on no norm before a sublayer but one on its output, a component here.

The norms on queries and keys (OLMo 2 and 3, OLMoE, FlexOlmo) are over all heads together. So a
head is run among all of them, and its queries are scaled by what the others would read there.
"""

from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Family, Run, Stack
from scrub.models.families.mixtures import WIDE, WIDE_EXPERTS

NOTE = "a head's queries and keys are normalised together with those of all heads on its inputs"
NORMED = Attention(before="", after="post_attention_layernorm", run=Run.TOGETHER)
DENSE = MLP(before="", after="post_feedforward_layernorm")
EXPERTS = replace(DENSE, down=None, experts="experts", mixture=WIDE)

OLMO = Family("olmo")
OLMO2 = Family("olmo2", stacks=(Stack(block=(NORMED, DENSE)),), note=NOTE)
OLMO3 = Family("olmo3", stacks=(Stack(block=(NORMED, DENSE)),), note=NOTE)
OLMOE = Family(
    "olmoe",
    stacks=(Stack(block=(Attention(run=Run.TOGETHER), WIDE_EXPERTS)),),
    note=NOTE,
)
FLEX_OLMO = Family("flex_olmo", stacks=(Stack(block=(NORMED, EXPERTS)),), note=NOTE)
