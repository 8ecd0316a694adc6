"""Make the shipped models of the induction task: `python hypotheses/models/make.py [NAME ...]`.

Each lands in `hypotheses/models/NAME/` as config.json and model.safetensors, a stock transformers
class that `AutoModelForCausalLM.from_pretrained` loads. One thread and fixed seeds: a second run
on the same machine and library versions writes the same weights.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from scrub.data import repeated_tokens

HERE = Path(__file__).parent
VOCABULARY = repeated_tokens.VOCABULARY
LENGTH = repeated_tokens.LENGTH
WIDTH = 64
BATCH = 64


def induction_2l() -> PreTrainedModel:
    return train(rotary(heads=1, seed=0), seed=0, steps=2100)


def rotary(*, heads: int, seed: int) -> PreTrainedModel:
    """Two layers of attention alone: the MLPs that the class insists on are zero, and stay so."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        max_position_embeddings=LENGTH,
        hidden_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        intermediate_size=4,
        bos_token_id=None,
        eos_token_id=None,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    for layer in model.model.layers:
        for weight in layer.mlp.parameters():
            weight.requires_grad_(False).zero_()
    return model


def train(model: PreTrainedModel, *, seed: int, steps: int) -> PreTrainedModel:
    rng = np.random.default_rng(seed)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-3)
    model.train()
    for step in range(steps):
        tokens, periods = repeated_tokens.sequences(BATCH, rng)
        logits, targets = on_the_repeat(model, tokens, periods)
        loss = cross_entropy(logits, targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99: print(step+1, loss.item(), (logits.argmax(-1)==targets).float().mean().item(), flush=True)
    return model.eval()


def on_the_repeat(
    model: PreTrainedModel, tokens: np.ndarray, periods: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits `[places, vocabulary]` and targets `[places]` where the past fixes the next token.

    With the loss on all places, the unpredictable ones drown the signal, and some seeds stick.
    """
    ids = torch.from_numpy(tokens)
    fixed = torch.arange(LENGTH - 1) >= torch.from_numpy(periods)[:, None]
    return model(ids).logits[:, :-1][fixed], ids[:, 1:][fixed]
