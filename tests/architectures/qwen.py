"""Qwen's mixtures of experts and Flint: sparse and dense layers, shared experts, sinks."""

from tests.architectures.building import Case

SIZES = {"num_key_value_heads": 2, "moe_intermediate_size": 12, "num_experts_per_tok": 2}
WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}

CASES = (
    Case(
        "qwen2_moe",
        {
            **SIZES,
            **WINDOW,
            "use_sliding_window": True,
            "num_experts": 5,
            "shared_expert_intermediate_size": 16,
            "mlp_only_layers": [1],
        },
    ),
    Case(
        "qwen3_moe",
        {
            **SIZES,
            "num_experts": 5,
            "head_dim": 8,
            "decoder_sparse_step": 2,
            "attention_bias": True,
        },
    ),
    Case(
        "flint",
        {
            **SIZES,
            **WINDOW,
            "num_experts": 5,
            "head_dim": 8,
            "shared_expert_intermediate_size": 16,
            "mlp_only_layers": [0],
        },
    ),
)
