"""Mixtures of experts: several experts a token, shared ones, dense layers among the sparse."""

from tests.architectures.building import Case

SIZES = {
    "num_key_value_heads": 2,
    "attention_bias": True,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 12,
}
WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
LOCAL = {**SIZES, "num_local_experts": 5}
GROUPS = {"n_routed_experts": 6, "n_group": 2, "topk_group": 1, "routed_scaling_factor": 1.3}

CASES = (
    Case("mixtral", {**LOCAL, "sliding_window": 4}),
    Case("phimoe", {**LOCAL, "sliding_window": 4, "lm_head_bias": True}),
    Case("aria_text", {**SIZES, "moe_num_experts": 5, "moe_topk": 2, "moe_num_shared_experts": 2}),
    Case("hunyuan_v1_moe", {**SIZES, "head_dim": 8, "num_experts": 5, "moe_topk": 2}),
    Case("solar_open", {**SIZES, **GROUPS, "head_dim": 8}),
    Case("gpt_oss", {**LOCAL, **WINDOW, "head_dim": 8}),
    Case("minimax_m2", {**LOCAL, "head_dim": 8}),
    Case(
        "ernie4_5_moe",
        {**SIZES, "use_bias": True, "moe_num_experts": 5, "moe_k": 2, "moe_layer_start_index": 1},
    ),
    Case("dots1", {**SIZES, **GROUPS, **WINDOW, "n_shared_experts": 1, "first_k_dense_replace": 1}),
    Case("hy_v3", {**SIZES, "head_dim": 8, "num_experts": 5, "mlp_bias": True}),
    Case(
        "llama4_text",
        {
            **LOCAL,
            "head_dim": 8,
            "intermediate_size_mlp": 32,
            "moe_layers": [1],
            "no_rope_layers": [1, 0],
            "attention_chunk_size": 4,
            "floor_scale": 2,
            "attn_scale": 0.5,
        },
    ),
    Case("afmoe", {**SIZES, **WINDOW, "head_dim": 8, "num_experts": 5, "route_scale": 1.3}),
    Case(
        "laguna",
        {
            **SIZES,
            **WINDOW,
            "head_dim": 8,
            "num_experts": 5,
            "shared_expert_intermediate_size": 12,
            "num_attention_heads_per_layer": [4, 6],
            "moe_routed_scaling_factor": 1.3,
        },
    ),
    Case(
        "laguna",
        {
            **SIZES,
            **WINDOW,
            "head_dim": 8,
            "num_experts": 5,
            "shared_expert_intermediate_size": 12,
            "gating": "per-channel",
        },
        label="channels",
    ),
    Case(
        "mimo_v2_flash",
        {**SIZES, **GROUPS, **WINDOW, "num_key_value_heads": 1, "head_dim": 8, "v_head_dim": 6},
    ),
    Case(
        "jetmoe", {**SIZES, "kv_channels": 8, "num_local_experts": 4, "activation_function": "silu"}
    ),
    Case(
        "mellum",
        {
            **SIZES,
            **WINDOW,
            "head_dim": 8,
            "num_experts": 5,
            "mlp_layer_types": ["dense", "sparse"],
        },
    ),
)
