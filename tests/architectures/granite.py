"""Granite and HyperCLOVA X: multipliers, sinks, experts."""

from tests.architectures.building import Case

SIZES = {
    "num_key_value_heads": 2,
    "attention_bias": True,
    "embedding_multiplier": 1.3,
    "attention_multiplier": 0.6,
    "residual_multiplier": 0.4,
    "logits_scaling": 0.7,
}
EXPERTS = {"num_local_experts": 5, "num_experts_per_tok": 2}
WINDOW = {
    "sliding_window": 4,
    "layer_types": ["sliding_attention", "full_attention"],
    "layer_rope_theta": [100.0, 0.0],
}

CASES = (
    Case("granite", {**SIZES, "mlp_bias": True}),
    Case("granite_swa", {**SIZES, **WINDOW}),
    Case("granitemoe", {**SIZES, **EXPERTS}),
    Case("granitemoeshared", {**SIZES, **EXPERTS, "shared_intermediate_size": 20}),
    Case("granitemoeshared", {**SIZES, **EXPERTS, "shared_intermediate_size": 0}, label="alone"),
    Case("granitemoe_swa", {**SIZES, **EXPERTS, **WINDOW, "shared_intermediate_size": 20}),
    Case("hyperclovax", {**SIZES, "head_dim": 8}),
    Case("hyperclovax", {**SIZES, "use_post_norm": False}, label="pre"),
)
