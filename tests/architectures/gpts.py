"""GPT-like decoders: parallel blocks, fused projections, biases for the distance, post-norm."""

from tests.architectures.building import HEADS, LAYERS, Case

ROTARY = {"rope_theta": 10000.0, "rope_type": "default", "partial_rotary_factor": 0.5}
ROTATED = {"rope_parameters": ROTARY, "head_dim": None}
PARTLY = {"hidden_size": 32, "rope_parameters": ROTARY}
NEW = {"new_decoder_architecture": True, "num_kv_heads": 2, "bias": True}

CASES = (
    Case("gpt2", {"n_inner": 40}),
    Case("gpt2", {"scale_attn_by_inverse_layer_idx": True}, label="scaled"),
    Case("gpt2", {"scale_attn_weights": False}, label="unscaled"),
    Case(
        "gpt2",
        {"reorder_and_upcast_attn": True, "attn_implementation": "eager"},
        label="upcast",
    ),
    Case(
        "imagegpt",
        {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
        cls="ImageGPTForCausalImageModeling",
    ),
    Case("openai-gpt"),
    Case("ctrl", {"dff": 40}),
    Case("gpt_bigcode", {"multi_query": True, "n_inner": 40}, label="shared"),
    Case("gpt_bigcode", {"multi_query": False}, label="own"),
    Case(
        "gpt_neo",
        {
            "attention_types": [[["global", "local"], 1]],
            "window_size": 3,
            # under its own names too: transformers 5.0 counts layers before it reads the others
            "num_layers": LAYERS,
            "num_heads": HEADS,
        },
    ),
    Case("gpt_neox", PARTLY, label="parallel"),
    Case("gpt_neox", PARTLY | {"use_parallel_residual": False}, label="serial"),
    Case("gpt_neox_japanese", {"rope_parameters": {**ROTARY, "partial_rotary_factor": 1.0}}),
    Case("persimmon", PARTLY),
    Case("persimmon", PARTLY | {"qk_layernorm": False}, label="plain"),
    Case("stablelm", PARTLY | {"num_key_value_heads": 2, "use_qkv_bias": True}),
    Case(
        "stablelm",
        PARTLY | {"num_key_value_heads": 4, "use_parallel_residual": True},
        label="parallel",
    ),
    Case("stablelm", PARTLY | {"num_key_value_heads": 2, "qk_layernorm": True}, label="normed"),
    Case("gptj", {"rotary_dim": 4, "n_inner": 40}),
    Case("codegen", {"n_head": 8, "n_embd": 48, "rotary_dim": 4}),
    Case("phi", PARTLY | {"num_key_value_heads": 2}),
    Case("phi", PARTLY | {"qk_layernorm": True}, label="normed"),
    Case("cohere", {"num_key_value_heads": 2, "attention_bias": True, "logit_scale": 0.4}),
    Case("cohere", {"num_key_value_heads": 2, "use_qk_norm": True}, label="normed"),
    Case(
        "cohere2",
        {
            "num_key_value_heads": 2,
            "sliding_window": 3,
            "layer_types": ["sliding_attention", "full_attention"],
        },
    ),
    Case("bloom", {"n_head": 4}),
    Case("bloom", {"n_head": 6}, label="odd"),
    Case("mpt", {"max_seq_len": 64}),
    Case(
        "mpt",
        {"n_heads": 6, "attn_config": {"clip_qkv": 1.5, "alibi_bias_max": 4}, "max_seq_len": 32},
        label="clipped",
    ),
    Case("falcon", {"bias": True}, label="shared"),
    Case("falcon", {"parallel_attn": False, "alibi": True, "multi_query": False}, label="rw"),
    Case("falcon", {"alibi": True, "ffn_hidden_size": 40}, label="alibi"),
    Case("falcon", NEW, label="new"),
    Case("falcon", NEW | {"num_ln_in_parallel_attn": 1}, label="new-one-norm"),
    Case("falcon", NEW | {"alibi": True}, label="new-alibi"),
    Case("opt", {"ffn_dim": 40}),
    Case("opt", {"do_layer_norm_before": False, "word_embed_proj_dim": 16}, label="post"),
    Case("opt", {"word_embed_proj_dim": 16, "enable_bias": False}, label="projected"),
    Case("opt", {"_remove_final_layer_norm": True}, label="bare"),
    Case("biogpt"),
    Case("xglm", {"ffn_dim": 40}),
    Case(
        "dbrx",
        {
            "d_model": 24,
            "attn_config": {"kv_n_heads": 2, "clip_qkv": 1.5, "rope_theta": 10000.0},
            "ffn_config": {"ffn_hidden_size": 16, "moe_num_experts": 4, "moe_top_k": 2},
        },
    ),
)
