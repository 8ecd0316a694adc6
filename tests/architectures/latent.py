"""Multi-head latent attention, alone and in hybrids with linear attention."""

from tests.architectures.building import Case

LATENT = {
    "q_lora_rank": 10, "kv_lora_rank": 12, "qk_nope_head_dim": 6, "qk_rope_head_dim": 4,
    "v_head_dim": 8, "num_key_value_heads": 4,
}  # fmt: skip
MOE = {
    "n_routed_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "n_group": 2,
    "topk_group": 1, "n_shared_experts": 1, "moe_intermediate_size": 16,
    "first_k_dense_replace": 1,
}  # fmt: skip
LISTED = {"mlp_layer_types": ["dense", "sparse"]}
TWO = {"layer_types": ["linear_attention", "full_attention"]}

CASES = (
    Case("deepseek_v2", LATENT | MOE | {"topk_method": "group_limited_greedy"}),
    Case("deepseek_v2", LATENT | MOE | {"q_lora_rank": None}, label="lite"),
    Case("deepseek_v3", LATENT | MOE | {"attention_bias": True}),
    Case("youtu", LATENT | {"v_head_dim": 10}),
    Case("glm4_moe_lite", LATENT | MOE | LISTED),
    Case("axk1", LATENT | MOE | LISTED),
    Case("mistral4", LATENT | MOE, "Mistral4ForCausalLM"),
    Case("minicpm3", LATENT | {"scale_depth": 1.4, "scale_emb": 2, "dim_model_base": 12}),
    Case(
        "kimi_linear", LATENT | MOE | LISTED | TWO | {"linear_head_dim": 6, "linear_num_heads": 4}
    ),
    Case("bailing_hybrid", LATENT | MOE | LISTED | TWO | {"head_dim": 6, "q_lora_rank": None}),
)
