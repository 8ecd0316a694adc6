"""Train addition modulo 53: `python hypotheses/models/make_modular_addition.py [FOLDER]`.

A stock GPT2LMHeadModel of one layer, 4 heads, width 64: it sees `a b =` for half of all 2,809 pairs
and is scored on the other half. At first it learns the pairs by heart; weight decay then makes it
find the rule ("grokking", Power et al. 2022). One thread and a fixed seed: a second run on the same
machine and library versions writes the same bytes.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import GPT2Config, GPT2LMHeadModel

from scrub.data import modular_addition

HERE = Path(__file__).parent
SEED = 0
PRIME = modular_addition.PRIME
STEPS = 12_000  # each over all pairs that are seen
SEEN = 0.5
LEARNING_RATE = 1e-3
DECAY = 1.0
CHECK = 250
LONGER = (
    1_000  # steps after the first check at which all unseen pairs are right: it still cleans up
)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    started = time.perf_counter()
    model, right = train()
    seconds = time.perf_counter() - started
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1000
    print(f"{folder.name}  right on unseen pairs {right:.4f}  {size:.0f} KB  {seconds:.0f} s")


def train() -> tuple[GPT2LMHeadModel, float]:
    torch.manual_seed(SEED)
    config = GPT2Config(
        vocab_size=PRIME + 1,
        n_positions=3,
        n_embd=64,
        n_layer=1,
        n_head=4,
        n_inner=256,
        activation_function="relu",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = GPT2LMHeadModel(config)
    rows = modular_addition.rows(PRIME * PRIME, seed=SEED)
    tokens = torch.tensor([row["tokens"] for row in rows])
    answers = torch.tensor([row["answer"] for row in rows])
    seen = int(SEEN * len(rows))
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=DECAY, betas=(0.9, 0.98)
    )
    last, right = STEPS, 0.0
    for step in range(1, STEPS + 1):
        optimizer.zero_grad()
        loss = cross_entropy(model(tokens[:seen]).logits[:, -1], answers[:seen])
        loss.backward()
        optimizer.step()
        if step % CHECK == 0:
            right = score(model, tokens[seen:], answers[seen:])
            print(f"step {step}  {loss.item():.2e}  {right:.4f}", file=sys.stderr, flush=True)
            if right == 1.0 and last == STEPS:
                last = step + LONGER
        if step >= last:
            break
    return model.eval(), right


@torch.no_grad()
def score(model: GPT2LMHeadModel, tokens: torch.Tensor, answers: torch.Tensor) -> float:
    logits = model(tokens).logits[:, -1]
    return float((logits.argmax(-1) == answers).double().mean())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else HERE / "modular-addition")
