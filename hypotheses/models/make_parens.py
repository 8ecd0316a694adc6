"""Train the paren balance checker: `python hypotheses/models/make_parens.py [FOLDER]`.

A stock RobertaPreLayerNormForSequenceClassification: bidirectional, pre-norm, 3 layers of 2 heads,
width 56, MLPs as wide, read at the start token through the final norm: the shape of Redwood
Research's model (2022). It says whether a string of up to 40 parentheses is balanced.

One thread and a fixed seed: a second run on the same machine and library versions writes the same
bytes. It stops at the first check where the score on fresh strings reaches `ENOUGH`.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import RobertaPreLayerNormConfig, RobertaPreLayerNormForSequenceClassification

from scrub.data import parens

HERE = Path(__file__).parent
SEED = 0
STEPS = 8_000
BATCH = 128
LEARNING_RATE = 1.5e-3
WARM = 500  # steps
CHECK = 500  # steps between two looks
ENOUGH = 0.998  # right on fresh strings
FRESH_SEED = 1_000_003
FRESH = 8192


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    started = time.perf_counter()
    model = train(fresh_model())
    seconds = time.perf_counter() - started
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1000
    print(f"{folder.name}  right {score(model):.4f}  {size:.0f} KB  {seconds:.0f} s")


def fresh_model() -> RobertaPreLayerNormForSequenceClassification:
    torch.manual_seed(SEED)
    config = RobertaPreLayerNormConfig(
        vocab_size=5,
        hidden_size=56,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=56,
        max_position_embeddings=parens.LONGEST + 2 + parens.PAD + 1,  # positions begin after PAD
        type_vocab_size=1,
        pad_token_id=parens.PAD,
        bos_token_id=parens.START,
        eos_token_id=parens.END,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.05,
        num_labels=2,
    )
    return RobertaPreLayerNormForSequenceClassification(config)


def train(
    model: RobertaPreLayerNormForSequenceClassification,
) -> RobertaPreLayerNormForSequenceClassification:
    rng = np.random.default_rng(SEED)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate)
    model.train()
    for step in range(1, STEPS + 1):
        tokens, classes = map(torch.from_numpy, parens.batch(BATCH, rng))
        optimizer.zero_grad()
        logits = model(tokens, attention_mask=(tokens != parens.PAD).long()).logits
        cross_entropy(logits, classes).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
        if step % CHECK == 0:
            right = score(model)
            print(f"step {step}  right {right:.4f}", file=sys.stderr, flush=True)
            if right >= ENOUGH:
                break
    return model.eval()


def _rate(step: int) -> float:
    """Up over the first steps, then down along a cosine to a fiftieth."""
    if step < WARM:
        return (step + 1) / WARM
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (step - WARM) / (STEPS - WARM)))


@torch.no_grad()
def score(model: RobertaPreLayerNormForSequenceClassification) -> float:
    """The share of fresh strings, of all four kinds, that it classifies rightly."""
    model.eval()
    tokens, classes = parens.batch(FRESH, np.random.default_rng(FRESH_SEED))
    held = torch.from_numpy(tokens)
    logits = model(held, attention_mask=(held != parens.PAD).long()).logits
    model.train()
    return float((logits.argmax(-1).numpy() == classes).mean())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else HERE / "parens")
