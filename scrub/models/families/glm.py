"""GLM: rotary positions on half of each head, gate and up projection in one, wide heads.

GLM 4 has a norm on each sublayer's output too, a component here; GLM 4.5 (`glm4_moe`) has none,
and experts after its first layers.
"""

from scrub.models.families.base import MLP, Attention, Block, Family, Key, Sizes, Stack
from scrub.models.families.mixtures import after_dense, mixture

SIZES = Sizes(head_width=Key(("head_dim",), 128))
NORMED: Block = (Attention(after="post_self_attn_layernorm"), MLP(after="post_mlp_layernorm"))

GLM = Family("glm", stacks=(Stack(sizes=SIZES),))
GLM4 = Family("glm4", stacks=(Stack(block=NORMED, sizes=SIZES),))
GLM4_MOE = Family(
    "glm4_moe", stacks=(Stack(block=mixture(after_dense("first_k_dense_replace", 1))),)
)
