"""EXAONE 4: norms on outputs, windows, layers without positions, experts."""

from tests.architectures.building import Case

SIZES = {
    "num_key_value_heads": 2,
    "sliding_window": 4,
    "layer_types": ["sliding_attention", "full_attention"],
}

CASES = (
    Case("exaone4", SIZES),
    Case(
        "exaone_moe",
        {
            **SIZES,
            "num_experts": 6,
            "num_experts_per_tok": 2,
            "n_group": 2,
            "topk_group": 1,
            "moe_intermediate_size": 12,
            "mlp_layer_types": ["dense", "sparse"],
        },
    ),
)
