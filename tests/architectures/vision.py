"""Image towers, on 3 x 2 patches: every kind of pooling, of scaling by channel and of bias."""

from tests.architectures.building import Case

IMAGE = {"image_size": (12, 8), "patch_size": 4, "num_channels": 2, "num_labels": 5}
SQUARE = {**IMAGE, "image_size": 8}
TOWER = {
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 8,
    "patch_size": 4,
    "num_channels": 2,
}
CLASSES = "AutoModelForImageClassification"
SCALED = {"layer_scale_init_value": 0.5, "layerscale_value": 0.5}

CASES = (
    Case("vit", {**IMAGE, "qkv_bias": True}, CLASSES),
    Case("vit_msn", IMAGE, CLASSES),
    Case("deit", IMAGE, "DeiTForImageClassification"),
    Case("deit", IMAGE, "DeiTForImageClassificationWithTeacher", label="teacher"),
    Case("ijepa", IMAGE, CLASSES),
    Case("dinov2", {**SQUARE, **SCALED, "mlp_ratio": 2}, CLASSES),
    Case("dinov2", {**SQUARE, **SCALED, "use_swiglu_ffn": True}, CLASSES, label="gated"),
    Case("dinov2_with_registers", {**SQUARE, **SCALED, "num_register_tokens": 3}, CLASSES),
    Case("beit", {**SQUARE, **SCALED, "use_relative_position_bias": True}, CLASSES),
    Case(
        "beit",
        {
            **SQUARE,
            "layer_scale_init_value": 0.0,
            "use_shared_relative_position_bias": True,
            "use_mean_pooling": False,
            "use_absolute_position_embeddings": True,
        },
        CLASSES,
        label="shared",
    ),
    Case("beit", {**SQUARE, **SCALED}, CLASSES, label="unbiased"),
    Case("data2vec-vision", {**SQUARE, **SCALED, "use_relative_position_bias": True}, CLASSES),
    Case(
        "data2vec-vision",
        {
            **SQUARE,
            "layer_scale_init_value": 0.0,
            "use_shared_relative_position_bias": True,
            "use_mean_pooling": False,
        },
        CLASSES,
        label="shared",
    ),
    Case("clip", {"vision_config": TOWER, "num_labels": 5}, "CLIPForImageClassification"),
    Case("clip_vision_model", {**TOWER, "projection_dim": 7}, "CLIPVisionModelWithProjection"),
    Case("clip_vision_model", TOWER, "CLIPVisionModel", label="bare"),
    Case("siglip", {"vision_config": TOWER, "num_labels": 5}, "SiglipForImageClassification"),
    Case("siglip_vision_model", TOWER, "SiglipVisionModel"),
    Case(
        "clip_text_model",
        {"projection_dim": 7, "eos_token_id": 49},
        "CLIPTextModelWithProjection",
    ),
    Case(
        "clip_text_model",
        {"projection_dim": 7, "eos_token_id": 2},  # as it was written at first: the largest token
        "CLIPTextModelWithProjection",
        label="largest",
    ),
)
