"""GLM: norms on outputs, rotary positions on a part of each head, experts after dense layers."""

from tests.architectures.building import Case

SIZES = {"num_key_value_heads": 2, "head_dim": 8, "attention_bias": True}

CASES = (
    Case("glm", SIZES),
    Case("glm4", SIZES),
    Case(
        "glm4_moe",
        {
            **SIZES,
            "use_qk_norm": True,
            "n_routed_experts": 6,
            "num_experts_per_tok": 2,
            "n_group": 2,
            "topk_group": 1,
            "moe_intermediate_size": 12,
            "first_k_dense_replace": 1,
            "routed_scaling_factor": 1.3,
        },
    ),
)
