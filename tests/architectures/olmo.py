"""OLMo: norms on outputs, norms over all heads, clipped projections."""

from tests.architectures.building import Case

SIZES = {"num_key_value_heads": 2, "attention_bias": True}
WINDOW = {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}
EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "norm_topk_prob": True}

CASES = (
    Case("olmo", {**SIZES, "clip_qkv": 0.8}),
    Case("olmo2", SIZES),
    Case("olmo3", {**SIZES, **WINDOW}),
    Case("olmoe", {**SIZES, **EXPERTS, "clip_qkv": 0.8}),
    Case("flex_olmo", {**SIZES, **EXPERTS}),
)
