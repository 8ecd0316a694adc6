"""Encoder-decoders: relative tables, learned and sinusoidal positions, norms before and after."""

from __future__ import annotations

from typing import Any

from tests.architectures.building import Case

T5 = {
    "d_model": 24,
    "d_kv": 8,
    "d_ff": 40,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 6,
}
SWITCH = {
    "num_experts": 3,
    "expert_capacity": 2,
    "num_sparse_encoder_layers": 1,
    "num_sparse_decoder_layers": 1,
    "router_bias": True,
}
BART = {
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 3,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 32,
    "scale_embedding": True,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": None,
}


def _case(model_type: str, cls: str, sizes: dict[str, Any], label: str = "", **more: Any) -> Case:
    return Case(model_type, {**sizes, **more}, cls, label)


CASES = (
    _case("t5", "T5ForConditionalGeneration", T5),
    _case("t5", "T5ForConditionalGeneration", T5, "gated", feed_forward_proj="gated-gelu"),
    _case("mt5", "MT5ForConditionalGeneration", T5),
    _case("umt5", "UMT5ForConditionalGeneration", T5),
    _case("longt5", "LongT5ForConditionalGeneration", T5, local_radius=2),
    _case(
        "longt5",
        "LongT5ForConditionalGeneration",
        T5,
        "wide",
        local_radius=2,
        encoder_attention_type="transient-global",
        global_block_size=3,
    ),
    _case("switch_transformers", "SwitchTransformersForConditionalGeneration", {**T5, **SWITCH}),
    _case("bart", "BartForConditionalGeneration", BART),
    _case("bart", "BartForCausalLM", BART, "alone", is_decoder=True, is_encoder_decoder=False),
    _case("plbart", "PLBartForConditionalGeneration", BART),
    _case("mvp", "MvpForConditionalGeneration", BART),
    _case(
        "marian",
        "MarianMTModel",
        BART,
        decoder_vocab_size=40,
        share_encoder_decoder_embeddings=False,
        tie_word_embeddings=False,
        pad_token_id=30,
    ),
    _case("blenderbot-small", "BlenderbotSmallForConditionalGeneration", BART),
    _case("mbart", "MBartForConditionalGeneration", BART),
    _case("mbart", "MBartForCausalLM", BART, "alone", is_decoder=True, is_encoder_decoder=False),
    _case("pegasus", "PegasusForConditionalGeneration", BART),
    _case("blenderbot", "BlenderbotForConditionalGeneration", BART),
    _case("m2m_100", "M2M100ForConditionalGeneration", BART),
)
