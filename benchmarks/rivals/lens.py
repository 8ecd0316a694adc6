"""The case's model in TransformerLens, 4.3 and 2.18, with no weight folded or centred."""

from __future__ import annotations

import copy
import tempfile
from importlib import import_module
from typing import Any

import torch

from benchmarks.rivals.case import HEAD, HEADS, LAYERS, POSITIONS, VOCABULARY, WIDTH, Case

TOLERANCE = 1e-5  # of the logits, relative to the largest


def bridge(case: Case) -> Any:
    """TransformerLens 4.3's TransformerBridge around a copy of the model.

    It sets the model to eager attention, which is its only way.
    """
    return same(case, bridged(case.module, VOCABULARY))


def bridged(module: Any, vocabulary: int) -> Any:
    """A TransformerBridge around a copy of any GPT2LMHeadModel."""
    lens: Any = import_module("transformer_lens")
    with tempfile.TemporaryDirectory() as folder:
        return lens.TransformerBridge.boot_transformers(
            "gpt2",
            hf_model=copy.deepcopy(module),
            tokenizer=_tokenizer(folder, vocabulary),
            device="cpu",
        )


def hooked(case: Case) -> Any:
    """TransformerLens 2.18's HookedTransformer, with an input of its own for every port."""
    lens: Any = import_module("transformer_lens")
    conversion: Any = import_module("transformer_lens.pretrained.weight_conversions")
    config = lens.HookedTransformerConfig(
        n_layers=LAYERS,
        d_model=WIDTH,
        n_heads=HEADS,
        d_head=HEAD,
        d_mlp=4 * WIDTH,
        d_vocab=VOCABULARY,
        n_ctx=POSITIONS,
        act_fn="gelu_new",
        eps=case.module.config.layer_norm_epsilon,
        normalization_type="LN",
        device="cpu",
        use_attn_result=True,
        use_split_qkv_input=True,
        use_hook_mlp_in=True,
    )
    made = lens.HookedTransformer(config)
    made.load_and_process_state_dict(
        conversion.convert_gpt2_weights(case.module, config),
        fold_ln=False,
        center_writing_weights=False,
        center_unembed=False,
        fold_value_biases=False,
    )
    return same(case, made.eval().requires_grad_(False))


@torch.no_grad()
def same(case: Case, made: Any) -> Any:
    """The model made of the case's, which must give the same logits [batch, pos, vocabulary]."""
    plain, theirs = case.forward(), made(case.clean)
    apart = float((theirs - plain).abs().max() / plain.abs().max())
    if not apart <= TOLERANCE:
        raise ValueError(f"{type(made).__name__}: its logits are {apart:.1e} from the model's own.")
    return made


def _tokenizer(folder: str, vocabulary: int) -> Any:
    """One word for each token. TransformerLens wants one, and reads it again from its folder."""
    tokenizers: Any = import_module("tokenizers")
    fast: Any = import_module("transformers").PreTrainedTokenizerFast
    words = tokenizers.models.WordLevel({f"w{i}": i for i in range(vocabulary)}, unk_token="w0")
    special = {f"{name}_token": "w0" for name in ("bos", "eos", "pad", "unk")}
    fast(tokenizer_object=tokenizers.Tokenizer(words), **special).save_pretrained(folder)
    return fast.from_pretrained(folder)
