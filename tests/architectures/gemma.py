"""Gemma: norms on outputs, soft caps, windows."""

from tests.architectures.building import Case

CAPS = {"attn_logit_softcapping": 5.0, "final_logit_softcapping": 4.0}
SIZES = {"num_key_value_heads": 2, "head_dim": 8, "attention_bias": True}
WINDOW = {
    "sliding_window": 4,
    "query_pre_attn_scalar": 5,
    "layer_types": ["sliding_attention", "full_attention"],
}

CASES = (
    Case("gemma", SIZES),
    Case("gemma2", {**SIZES, **WINDOW, **CAPS}),
    Case("gemma3_text", {**SIZES, **WINDOW, "final_logit_softcapping": 4.0}),
    Case("vaultgemma", {**SIZES, **WINDOW, **CAPS}),
)
