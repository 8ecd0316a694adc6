"""State-space models and hybrids: mixers that are one component, attention in some layers."""

from tests.architectures.building import Case

MAMBA = {"state_size": 4, "expand": 2, "conv_kernel": 3, "use_conv_bias": True, "use_bias": True}
MAMBA2 = {"num_heads": 4, "head_dim": 12, "n_groups": 2, "chunk_size": 4}
INNER = {
    "mamba_n_heads": 4, "mamba_d_head": 12, "mamba_n_groups": 2, "mamba_d_state": 4,
    "mamba_d_conv": 3, "mamba_expand": 2, "mamba_chunk_size": 4, "mamba_proj_bias": True,
}  # fmt: skip
TWO = ["linear_attention", "full_attention"]
MIXED = ["mamba", "attention"]  # the same two, by names that transformers 5.0 knows too
DELTA = {
    "num_key_value_heads": 2, "linear_num_key_heads": 2, "linear_num_value_heads": 4,
    "linear_key_head_dim": 6, "linear_value_head_dim": 6, "layer_types": TWO,
    "linear_conv_kernel_dim": 3,
}  # fmt: skip
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}

CASES = (
    Case("mamba", MAMBA),
    Case("mamba2", MAMBA | MAMBA2),
    Case("falcon_mamba", MAMBA),
    Case("rwkv", {"rescale_every": 0, "attention_hidden_size": 24}),
    Case(
        "xlstm",
        {
            "embedding_dim": 24, "num_heads": 4, "num_blocks": 2, "chunk_size": 4,
            "ffn_round_up_to_multiple_of": 8, "mlstm_round_up_to_multiple_of": 8,
            "weight_mode": "single", "gate_soft_cap": 5.0, "use_bias": True,
        },
    ),
    Case(
        "jamba",
        {
            "num_hidden_layers": 4, "num_key_value_heads": 2, "attn_layer_period": 2,
            "attn_layer_offset": 1, "expert_layer_period": 3, "expert_layer_offset": 1,
            "num_experts": 4, "mamba_d_state": 4, "mamba_dt_rank": 3, "use_mamba_kernels": False,
        },
    ),
    Case("bamba", INNER | {"attn_layer_indices": [1], "num_key_value_heads": 2, "mlp_bias": True}),
    Case(
        "falcon_h1",
        INNER
        | {
            "num_key_value_heads": 2, "head_dim": 6, "mamba_d_ssm": 48, "key_multiplier": 0.7,
            "attention_in_multiplier": 1.3, "attention_out_multiplier": 0.8,
            "ssm_in_multiplier": 1.2, "ssm_out_multiplier": 0.6, "lm_head_multiplier": 0.5,
            "embedding_multiplier": 2.0, "mlp_multipliers": [0.9, 1.1], "mlp_bias": True,
        },
    ),
    Case(
        "nemotron_h",
        {
            "layers_block_type": ["mamba", "moe", "attention", "mlp"], "num_key_value_heads": 2,
            "head_dim": 6, "mamba_num_heads": 4, "mamba_head_dim": 12, "n_groups": 2,
            "ssm_state_size": 4, "chunk_size": 4, "conv_kernel": 3, "n_routed_experts": 4,
            "moe_intermediate_size": 16, "moe_shared_expert_intermediate_size": 12,
            "mlp_bias": True, "num_hidden_layers": 4,
        },
    ),
    Case(
        "granitemoehybrid",
        INNER
        | {
            "layer_types": MIXED, "num_key_value_heads": 2, "num_local_experts": 4,
            "shared_intermediate_size": 20, "residual_multiplier": 0.4, "logits_scaling": 2.0,
            "embedding_multiplier": 3.0, "attention_multiplier": 0.5,
            "position_embedding_type": "rope",
        },
    ),
    Case(
        "granitemoehybrid",
        INNER
        | {
            "layer_types": MIXED, "num_key_value_heads": 2, "num_local_experts": 0,
            "shared_intermediate_size": 20, "residual_multiplier": 0.4,
        },
        label="dense",
    ),
    Case(
        "lfm2",
        {"layer_types": ["conv", "full_attention"], "num_key_value_heads": 2,
         "block_multiple_of": 8, "block_ffn_dim_multiplier": 1.5},
    ),
    Case(
        "lfm2_moe",
        {"layer_types": ["conv", "full_attention"], "num_key_value_heads": 2,
         "num_dense_layers": 1} | EXPERTS,
    ),
    Case(
        "lfm3",
        {"layer_types": ["conv", "full_attention", "sliding_attention"], "num_hidden_layers": 3,
         "num_key_value_heads": 2, "head_dim": 8, "sliding_window": 4},
    ),
    Case(
        "lfm3",
        {"layer_types": ["conv", "full_attention"], "num_key_value_heads": 2, "head_dim": 8,
         "use_sandwich_norm": False, "use_attention_gate": False},
        label="plain",
    ),
    Case(
        "recurrent_gemma",
        {"block_types": ["recurrent", "attention"], "num_key_value_heads": 2, "lru_width": 24,
         "attention_window_size": 4, "attention_bias": True},
    ),
    Case(
        "qwen3_next",
        DELTA | EXPERTS
        | {"num_hidden_layers": 3, "layer_types": [*TWO, "full_attention"], "head_dim": 8,
           "decoder_sparse_step": 1, "mlp_only_layers": [1],
           "shared_expert_intermediate_size": 12},
    ),
    Case("qwen3_5_text", DELTA | {"head_dim": 16}),
    Case(
        "qwen3_5_moe_text",
        DELTA | EXPERTS | {"head_dim": 16, "shared_expert_intermediate_size": 12},
    ),
    Case("olmo_hybrid", DELTA),
)  # fmt: skip
