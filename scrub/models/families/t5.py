"""T5 and its kin: an encoder and a decoder, RMSNorms before, attention scores neither scaled nor
rotated but shifted by a table of relative positions.

The table stands in the first layer, with a column for each head, and what it gives is handed on to
the others (UMT5 has one in each layer). In LongT5's encoder it is one for blocks of positions, so
that its heads run together. Switch Transformers' experts take so many tokens of
a row and no more: whether a token is served depends on those before it.
"""

from collections.abc import Callable
from dataclasses import replace

from scrub.models.families.base import (
    MLP,
    Attention,
    Block,
    Config,
    Family,
    Key,
    Mixer,
    Mixture,
    Run,
    Sizes,
    Stack,
    apart,
    row_and_head,
)

MEMORY = ("key_value_states", "encoder_hidden_states")


def _attention(
    name: str, place: int, memory: tuple[str, ...] = (), run: Run = Run.ALONE
) -> Attention:
    return Attention(
        f"layer.{place}.{name}",
        before=f"layer.{place}.layer_norm",
        projections=apart("q", "k", "v"),
        out="o",
        run=run,
        memory=memory,
        columns=("relative_attention_bias.weight",),
        handed={"position_bias": row_and_head} if run is Run.ALONE else {},
    )


READ = _attention("SelfAttention", 0)
# LongT5's: a few positions on either side
NEAR = replace(_attention("LocalSelfAttention", 0, run=Run.TOGETHER), asks=False)
WIDE = Mixer(
    "layer.0.TransientGlobalSelfAttention",
    before="layer.0.layer_norm",
    letter="a",
    why="keys and values are projected a second time, of means over blocks of what is read",
)
CROSS = _attention("EncDecAttention", 1, memory=MEMORY)


def _mlp(config: Config, place: int) -> MLP:
    gated = str(config.get("feed_forward_proj", "relu")).startswith("gated")
    path, before = f"layer.{place}.DenseReluDense", f"layer.{place}.layer_norm"
    return MLP(path, before=before, down="wo", matrices=3 if gated else 2)


def _encoder(config: Config, layer: int) -> Block:
    return (READ, _mlp(config, 1))


def _long_encoder(config: Config, layer: int) -> Block:
    if config.get("encoder_attention_type", "local") == "local":
        return (NEAR, _mlp(config, 1))
    return (WIDE, _mlp(config, 1))


def _decoder(config: Config, layer: int) -> Block:
    return (READ, CROSS, _mlp(config, 2))


def _experts(config: Config, layer: int, place: int, side: str, layers: int) -> MLP:
    """Experts in every so many layers, as its config counts them."""
    sparse = config.get(f"num_sparse_{side}_layers", 3)
    step = config.get(f"{side}_sparse_step", layers // sparse if sparse else layers)
    path, before = f"layer.{place}.mlp", f"layer.{place}.layer_norm"
    if step > 0 and (step == 1 or layer % step == 1):
        mixture = Mixture(taken=Key((), 1), hidden=Key(("d_ff",)))
        return MLP(path, before=before, down=None, mixture=mixture, matrices=2, recurrent=True)
    return MLP(path, before=before, down="wo", matrices=2)


def _switch_encoder(config: Config, layer: int) -> Block:
    return (READ, _experts(config, layer, 1, "encoder", config.get("num_layers") or 12))


def _switch_decoder(config: Config, layer: int) -> Block:
    layers = config.get("num_decoder_layers") or config.get("num_layers") or 12
    return (READ, CROSS, _experts(config, layer, 2, "decoder", layers))


def _family(
    name: str,
    cls: str,
    *,
    sizes: Sizes,
    encoder: Callable[[Config, int], Block] = _encoder,
    decoder: Callable[[Config, int], Block] = _decoder,
) -> Family:
    layers = Key(("num_decoder_layers", "num_layers"), sizes.layers.default)
    stack = Stack(blocks="block", final_norm="final_layer_norm", sizes=sizes)
    return Family(
        name,
        stacks=(
            replace(stack, path="encoder", prefix="e", causal=False, block=encoder),
            replace(
                stack,
                path="decoder",
                space="decoder_tokens",
                memory="e",
                block=decoder,
                sizes=replace(sizes, layers=layers),
            ),
        ),
        trunk=("encoder", "decoder"),
        classes=(cls,),
    )


def _sizes(layers: int, width: int, heads: int, hidden: int, vocabulary: int) -> Sizes:
    return Sizes(
        layers=Key(("num_layers",), layers),
        width=Key(("d_model",), width),
        heads=Key(("num_heads",), heads),
        head_width=Key(("d_kv",), 64),
        hidden=Key(("d_ff",), hidden),
        vocabulary=Key(("vocab_size",), vocabulary),
    )


OLD = _sizes(6, 512, 8, 2048, 32128)
MANY_TONGUES = _sizes(8, 512, 6, 1024, 250112)

T5 = _family("t5", "T5ForConditionalGeneration", sizes=OLD)
MT5 = _family("mt5", "MT5ForConditionalGeneration", sizes=MANY_TONGUES)
UMT5 = _family("umt5", "UMT5ForConditionalGeneration", sizes=MANY_TONGUES)
LONGT5 = _family("longt5", "LongT5ForConditionalGeneration", sizes=OLD, encoder=_long_encoder)
SWITCH = _family(
    "switch_transformers",
    "SwitchTransformersForConditionalGeneration",
    sizes=_sizes(12, 768, 12, 2048, 32128),
    encoder=_switch_encoder,
    decoder=_switch_decoder,
)
