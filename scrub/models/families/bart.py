"""BART and its kin: an encoder and a decoder, learned or sinusoidal positions, biases everywhere.

BART, PLBart, MVP, Marian and BlenderbotSmall norm the sum after each sublayer; mBART, Pegasus,
Blenderbot and M2M-100 norm what each sublayer reads, and each stack ends in a norm. The decoder is
also had alone, as a causal language model: its cross-attention is then never called.
"""

from dataclasses import replace

from scrub.models.families.base import MLP, Attention, Family, Key, Sizes, Stack

HIDDEN = ("fc1", "activation_fn", "fc2")


def sublayers(*, post: bool, asks: bool = True) -> tuple[Attention, Attention, MLP]:
    """Self-attention, cross-attention and MLP, with norms on the sum or on what they read."""
    read = Attention("self_attn", before="", out="out_proj", asks=asks)
    cross = replace(read, path="encoder_attn", memory=("key_value_states",))
    mlp = MLP(HIDDEN, before="", down="", matrices=2)
    first, second, last = "self_attn_layer_norm", "encoder_attn_layer_norm", "final_layer_norm"
    if post:
        return replace(read, on_sum=first), replace(cross, on_sum=second), replace(mlp, on_sum=last)
    return replace(read, before=first), replace(cross, before=second), replace(mlp, before=last)


def sizes_of(side: str, layers: int, width: int, heads: int, hidden: int, words: int) -> Sizes:
    vocabulary = ("decoder_vocab_size", "vocab_size") if side == "decoder" else ("vocab_size",)
    return Sizes(
        layers=Key((f"{side}_layers",), layers),
        width=Key(("d_model",), width),
        heads=Key((f"{side}_attention_heads",), heads),
        hidden=Key((f"{side}_ffn_dim",), hidden),
        vocabulary=Key(vocabulary, words),
    )


def _families(
    name: str,
    prefix: str,
    *sizes: int,
    post: bool,
    encoder_layers: int = 0,
    longest: str = "max_position_embeddings",
    whole: str = "ForConditionalGeneration",
    refused: dict[str, str] | None = None,
    asks: bool = True,
) -> tuple[Family, Family]:
    """The encoder-decoder, and the decoder alone; sizes are those of a missing config key."""
    layers, *others = sizes
    read, cross, mlp = sublayers(post=post, asks=asks)
    stack = Stack(final_norm="" if post else "layer_norm", longest=longest)
    encoder = replace(
        stack,
        path="model.encoder",
        prefix="e",
        causal=False,
        block=(read, mlp),
        sizes=sizes_of("encoder", encoder_layers or layers, *others),
    )
    decoder = replace(
        stack,
        path="model.decoder",
        space="decoder_tokens",
        memory="e",
        block=(read, cross, mlp),
        sizes=sizes_of("decoder", layers, *others),
    )
    alone = replace(decoder, space="tokens", memory="", block=(read, mlp))
    family = Family(name, (encoder, decoder), classes=(f"{prefix}{whole}",), refused=refused or {})
    head = f"{prefix}ForCausalLM"
    return family, replace(family, stacks=(alone,), trunk=("model.decoder",), classes=(head,))


PROMPT = {"use_prompt": "prompts that stand before keys and values are not covered"}

BART, BART_ALONE = _families("bart", "Bart", 12, 1024, 16, 4096, 50265, post=True)
PLBART, PLBART_ALONE = _families("plbart", "PLBart", 6, 768, 12, 3072, 50005, post=True)
MVP, MVP_ALONE = _families(
    "mvp", "Mvp", 12, 1024, 16, 4096, 50267, post=True, refused=PROMPT, asks=False
)
MARIAN, MARIAN_ALONE = _families(
    "marian", "Marian", 12, 1024, 16, 4096, 58101, post=True, whole="MTModel"
)
SMALL, SMALL_ALONE = _families(
    "blenderbot-small", "BlenderbotSmall", 8, 512, 16, 2048, 50265, post=True
)
MBART, MBART_ALONE = _families("mbart", "MBart", 12, 1024, 16, 4096, 50265, post=False)
PEGASUS, PEGASUS_ALONE = _families("pegasus", "Pegasus", 12, 1024, 16, 4096, 50265, post=False)
BLENDERBOT, BLENDERBOT_ALONE = _families(
    "blenderbot", "Blenderbot", 24, 2560, 32, 10240, 8008, post=False, encoder_layers=2
)
M2M, _ = _families("m2m_100", "M2M100", 12, 1024, 16, 4096, 128112, post=False, longest="")
