"""Images and text: an image that text attends to, and one in the places of tokens (LLaVA)."""

from __future__ import annotations

from typing import Any

from tests.architectures.building import Case

SIZES = {"hidden_size": 24, "intermediate_size": 40, "num_attention_heads": 4}
IMAGE = {**SIZES, "num_hidden_layers": 3, "image_size": 8, "patch_size": 4}
TEXT = {**SIZES, "num_hidden_layers": 2, "vocab_size": 50, "max_position_embeddings": 64}
BLIP = {
    "vision_config": {**IMAGE, "initializer_range": 0.3},
    "text_config": {
        **TEXT,
        "encoder_hidden_size": 24,
        "bos_token_id": 1,
        "pad_token_id": 0,
        "eos_token_id": 2,
        "sep_token_id": 2,
    },
}


def _llava(vision: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "vision_config": {**IMAGE, "model_type": vision, "projection_dim": 16},
        "text_config": {**TEXT, "model_type": text, "num_key_value_heads": 2, "pad_token_id": 0},
        "image_token_index": 49,
        "image_seq_length": 4,
        **more,
    }


TROCR = {
    "encoder": {**IMAGE, "model_type": "vit"},
    "decoder": {
        "model_type": "trocr",
        "vocab_size": 50,
        "d_model": 32,
        "decoder_layers": 2,
        "decoder_attention_heads": 4,
        "decoder_ffn_dim": 40,
        "cross_attention_hidden_size": 24,
        "is_decoder": True,
        "add_cross_attention": True,
        "max_position_embeddings": 64,
        "decoder_start_token_id": 1,
    },
}
LLAVA = "LlavaForConditionalGeneration"
CASES = (
    Case("blip", BLIP, "BlipForQuestionAnswering", "answers"),
    Case("blip", BLIP, "BlipForConditionalGeneration", "captions"),
    Case("vision-encoder-decoder", TROCR, "VisionEncoderDecoderModel"),
    Case("llava", _llava("clip_vision_model", "llama"), LLAVA),
    Case(
        "llava",
        _llava("clip_vision_model", "mistral", vision_feature_select_strategy="full"),
        LLAVA,
        "mistral",
    ),
    Case(
        "llava",
        _llava(
            "siglip_vision_model",
            "qwen2",
            vision_feature_select_strategy="full",
            vision_feature_layer=-1,
        ),
        LLAVA,
        "siglip",
    ),
    Case(
        "deepseek_vl",
        {**_llava("siglip_vision_model", "llama"), "image_token_id": 49},
        "DeepseekVLForConditionalGeneration",
    ),
)
