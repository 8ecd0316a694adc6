"""GGUF files: read where the package for them is there, refused in words where it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from scrub.errors import InputRefused
from scrub.hypothesis.loading import resolve_model_source
from scrub.models.gguf import gguf_config, only_gguf
from scrub.models.loading import load

HERE = importlib.util.find_spec("gguf") is not None
needs_gguf = pytest.mark.skipif(not HERE, reason="the package gguf is not installed")
SIZES = {"hidden_size": 16, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8}
NAMES = {  # transformers' names of a layer's weights, in GGUF
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def module() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20, intermediate_size=24, num_hidden_layers=2, rms_norm_eps=1e-5, **SIZES
    )
    return LlamaForCausalLM(config).eval()


def write(path: Path, model: LlamaForCausalLM) -> Path:
    """The model as llama.cpp would write it: rotary halves interleaved in queries and keys."""
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(24)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(8)
    writer.add_vocab_size(20)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{i}" for i in range(20)])
    fixed = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    for name, weight in model.state_dict().items():
        values = weight
        if "q_proj" in name or "k_proj" in name:
            values = weight.view(2, 2, 4, 16).transpose(1, 2).reshape(16, 16)
        if name in fixed:
            written = fixed[name]
        else:
            _, _, layer, *rest = name.split(".")
            written = f"blk.{layer}.{NAMES['.'.join(rest[:-1])]}.weight"
        writer.add_tensor(written, values.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@needs_gguf
def test_a_file_and_a_folder_that_holds_only_one_give_the_model(tmp_path: Path) -> None:
    made = module()
    file = write(tmp_path / "tiny.gguf", made)
    tokens = torch.arange(6)[None]
    for source in (file, tmp_path, str(file)):
        model = load(source)
        assert "quantization_config" not in model.module.config.to_dict()
        with torch.no_grad():
            torch.testing.assert_close(model.module(tokens).logits, made(tokens).logits)
    assert gguf_config(file)["num_hidden_layers"] == 2
    assert resolve_model_source("tiny.gguf", tmp_path) == file


@needs_gguf
def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "cut.gguf"
    file.write_bytes(b"GGUF nothing more")
    with pytest.raises(InputRefused, match=r"cut\.gguf': transformers cannot read this GGUF file"):
        load(file)


def test_without_the_package_the_message_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.gguf").write_bytes(b"")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputRefused) as caught:
        load(tmp_path)
    assert str(caught.value) == (
        f"model '{tmp_path / 'a.gguf'}': is a GGUF file, and reading it needs the package gguf. "
        "Run: pip install gguf"
    )


def test_which_file_is_meant(tmp_path: Path) -> None:
    assert only_gguf(tmp_path) is None
    with pytest.raises(InputRefused) as caught:
        only_gguf(tmp_path / "a.gguf")
    assert str(caught.value) == (
        f"model '{tmp_path / 'a.gguf'}': there is no such file. Check the path."
    )
    for name in ("b.gguf", "a.gguf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputRefused) as caught:
        only_gguf(tmp_path)
    assert str(caught.value) == (
        f"model '{tmp_path}': the folder holds 2 GGUF files. Name one of a.gguf, b.gguf."
    )
    (tmp_path / "config.json").write_text("{}")
    assert only_gguf(tmp_path) is None
