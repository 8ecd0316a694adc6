"""Llama's kin: what differs is inside the attention module, or in a factor of the config."""

from tests.architectures.building import Case

CASES = (
    Case("llama", {"num_key_value_heads": 2, "attention_bias": True, "mlp_bias": True}),
    Case("mistral", {"num_key_value_heads": 2, "sliding_window": 4}),
    Case("qwen2", {"num_key_value_heads": 2}),
    Case("qwen3", {"num_key_value_heads": 2, "head_dim": 8}),
)
