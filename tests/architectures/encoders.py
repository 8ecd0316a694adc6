"""Encoders: every architecture as a masked language model, and the other heads on some of them."""

from tests.architectures.building import Case

MASKED = "AutoModelForMaskedLM"
TYPES = {"type_vocab_size": 2}

CASES = (
    Case("bert", TYPES, MASKED),
    Case("bert", TYPES, "AutoModelForSequenceClassification", label="sequence"),
    Case("bert", TYPES, "AutoModelForTokenClassification", label="tokens"),
    Case("bert", TYPES, "BertForPreTraining", label="pretraining"),
    Case("bert", TYPES, "AutoModelForNextSentencePrediction", label="next"),
    Case("roberta", {}, MASKED),
    Case("roberta", {}, "AutoModelForSequenceClassification", label="sequence"),
    Case("camembert", {}, MASKED),
    Case("xlm-roberta", {}, MASKED),
    Case("xlm-roberta-xl", {}, MASKED),
    Case("data2vec-text", {}, MASKED),
    Case("distilbert", {"hidden_dim": 40}, MASKED),
    Case("distilbert", {"hidden_dim": 40}, "AutoModelForSequenceClassification", label="sequence"),
    Case("electra", {"embedding_size": 16}, MASKED),
    Case("electra", {"embedding_size": 24}, "ElectraForPreTraining", label="fakes"),
    Case("ernie", {"use_task_id": True}, MASKED),
    Case("rembert", {"input_embedding_size": 16, "output_embedding_size": 20}, MASKED),
    Case("layoutlm", {"max_2d_position_embeddings": 32}, MASKED),
    Case("roc_bert", {"pronunciation_vocab_size": 50, "shape_vocab_size": 50}, MASKED),
    Case("roformer", {"embedding_size": 16, "rotary_value": True}, MASKED),
    Case("megatron-bert", {}, MASKED),
    Case("roberta-prelayernorm", {}, MASKED),
    Case("mpnet", {"relative_attention_num_buckets": 32}, MASKED),
    Case("esm", {"position_embedding_type": "rotary", "mask_token_id": 3}, MASKED),
    Case("esm", {"position_embedding_type": "absolute", "mask_token_id": 3}, MASKED, "absolute"),
    Case("albert", {"embedding_size": 16, "num_hidden_layers": 3}, MASKED),
    Case(
        "albert",
        {"embedding_size": 16, "num_hidden_layers": 4, "num_hidden_groups": 2},
        "AlbertForSequenceClassification",
        label="groups",
    ),
    Case(
        "albert",
        {"num_hidden_layers": 4, "num_hidden_groups": 2, "inner_group_num": 2},
        "AlbertForPreTraining",
        label="inner",
    ),
    Case("deberta", {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}, MASKED),
    Case(
        "deberta",
        {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "legacy": False},
        MASKED,
        label="own-head",
    ),
    Case(
        "deberta-v2",
        {
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_buckets": 4,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
        },
        MASKED,
    ),
    Case(
        "deberta-v2",
        {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "position_buckets": 4},
        "AutoModelForSequenceClassification",
        label="sequence",
    ),
    Case("nomic_bert", {}, MASKED),
    Case("gte", {}, MASKED),
    Case("jina_embeddings_v3", {}, MASKED),
    Case(
        "modernbert",
        {"local_attention": 4, "global_attn_every_n_layers": 2, "attention_bias": True},
        MASKED,
    ),
    Case(
        "modernbert",
        {"local_attention": 4, "global_attn_every_n_layers": 2, "classifier_pooling": "mean"},
        "AutoModelForSequenceClassification",
        label="mean",
    ),
    Case("eurobert", {"num_key_value_heads": 2}, MASKED),
)
