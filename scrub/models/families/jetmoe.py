"""JetMoE: experts in its MLPs and in its attention, where each token chooses whose queries it has.

What a head is depends on the token, so an attention is one component.
"""

from scrub.models.families.base import MLP, Family, Mixer, Mixture, Stack

WHY = "which experts make its queries depends on the input, so that an attention is kept whole"

JETMOE = Family(
    "jetmoe",
    stacks=(
        Stack(
            block=(
                Mixer("self_attention", before="input_layernorm", letter="a", why=WHY),
                MLP(down=None, mixture=Mixture()),
            )
        ),
    ),
    note=WHY,
)
