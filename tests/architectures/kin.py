"""Llama's near kin, each with what is its own switched on."""

from tests.architectures.building import Case

SIZES = {"num_key_value_heads": 2, "attention_bias": True, "mlp_bias": True}
WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
YARN = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 4,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "mscale_all_dim": 1.0,
    "mscale": 1.0,
    "llama_4_scaling_beta": 0.3,
}

CASES = (
    Case(
        "smollm3",
        {**SIZES, "sliding_window": 4, "use_sliding_window": True, "no_rope_layers": [1, 0]},
    ),
    Case("ministral", {**SIZES, **WINDOW, "head_dim": 8}),
    Case("ministral3", {**SIZES, "sliding_window": 4, "head_dim": 8, "rope_parameters": YARN}),
    Case("cwm", {**SIZES, **WINDOW, "head_dim": 8, "bos_token_id": 1, "eos_token_id": 2}),
    Case("ernie4_5", {**SIZES, "head_dim": 8, "use_bias": True}),
    Case("helium", {**SIZES, "head_dim": 6}),
    Case("seed_oss", {**SIZES, "head_dim": 8, "attention_out_bias": True}),
    Case("internlm3", {**SIZES, "head_dim": 8}),
    Case("iquestcoder", {**SIZES, "head_dim": 8}),
    Case("hunyuan_v1_dense", {**SIZES, "head_dim": 8}),
    Case("arcee", SIZES),
    Case("nemotron", SIZES),
    Case("jais2", SIZES),
    Case("starcoder2", {**SIZES, "sliding_window": 4, "use_bias": True}),
    Case("nanochat", {**SIZES, "final_logit_softcapping": 4.0}),
    Case("apertus", SIZES),
    Case("phi3", {**SIZES, "sliding_window": 4}),
    Case("bitnet", SIZES),
    Case("diffllama", SIZES),
    Case("diffllama", {**SIZES, "num_key_value_heads": 4, "head_dim": 8}, label="wide"),
    Case("moshi", {**SIZES, "head_dim": 6, "ffn_dim": 40, "num_codebooks": 2, "sliding_window": 4}),
)
