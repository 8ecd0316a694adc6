"""Gemma: embeddings scaled by √width, RMSNorm that multiplies by 1 + weight, heads of any width.

Gemma 2 and 3 have a norm on each sublayer's output too (a component here), soft caps and layers
with a sliding window; VaultGemma is Gemma 2 without the norms on outputs.
"""

from scrub.models.families.base import MLP, Attention, Block, Family, Key, Sizes, Stack

SIZES = Sizes(head_width=Key(("head_dim",), 256))
NORMED: Block = (
    Attention(after="post_attention_layernorm"),
    MLP(before="pre_feedforward_layernorm", after="post_feedforward_layernorm"),
)
BIDIRECTIONAL = {
    "use_bidirectional_attention": "heads that read later positions are covered in no decoder"
}
CAPS = {"attn_logit_softcapping": True}  # sdpa has none: below 5.21 it leaves them out

GEMMA = Family("gemma", stacks=(Stack(sizes=SIZES),), refused=BIDIRECTIONAL)
GEMMA2 = Family(
    "gemma2", stacks=(Stack(block=NORMED, sizes=SIZES),), refused=BIDIRECTIONAL, eager=CAPS
)
GEMMA3_TEXT = Family(
    "gemma3_text", stacks=(Stack(block=NORMED, sizes=SIZES),), refused=BIDIRECTIONAL, eager=CAPS
)
VAULTGEMMA = Family(
    "vaultgemma",
    stacks=(Stack(block=(Attention(), MLP(before="pre_feedforward_layernorm")), sizes=SIZES),),
    eager=CAPS,
)
