"""Make the shipped models of the induction task: `python hypotheses/models/make.py [NAME ...]`.

Each lands in `hypotheses/models/NAME/` as config.json and model.safetensors, a stock transformers
class that `AutoModelForCausalLM.from_pretrained` loads. Vocabulary and length are 32 throughout.

induction-2l         trained, rotary, attention only, one head per layer: a0.h0 looks at the
                     previous token, a1.h0 at the token after the match. Seed 0, 75 s.
induction-redundant  the same with four heads per layer, which share the work. Seed 0, 90 s.
induction-learned    the twin, learned positions and MLPs, one head per layer: behaves alike, works
                     otherwise, for its training charged it for looking at the previous token in
                     layer 0. Without the charge it grows the same two heads. Seed 0, 2 min.
induction-exact      built by hand, no seed: exact induction and one idle head in each layer.

One thread and fixed seeds: a second run on the same machine and library versions writes the same
bytes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

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
LEARNING_RATE = 3e-3
FRESH_SEED = 1_000_003  # of the sequences that the models are scored on
FRESH_SEQUENCES = 4096


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(MODELS))
    if unknown:
        sys.exit(f"no such model: {', '.join(unknown)}; there are: {', '.join(MODELS)}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for name in names or MODELS:
        started = time.perf_counter()
        model = MODELS[name]().eval()
        seconds = time.perf_counter() - started
        save(model, HERE / name)
        accuracy, loss = score(model)
        size = sum(file.stat().st_size for file in (HERE / name).iterdir()) / 1000
        measured = f"accuracy {accuracy:.4f}  loss {loss:.2g}  {size:.0f} KB  {seconds:.0f} s"
        print(f"{name:20}  {measured}", flush=True)


def save(model: PreTrainedModel, folder: Path) -> None:
    model.save_pretrained(folder)
    # Nothing here is ever sampled from; the file would only be one more thing to explain.
    (folder / "generation_config.json").unlink(missing_ok=True)
    # safetensors makes files that only their owner may read; these are shipped.
    (folder / "model.safetensors").chmod(0o644)


@torch.no_grad()
def score(model: PreTrainedModel) -> tuple[float, float]:
    """Accuracy and loss on the repeated places of sequences that no training has seen."""
    rng = np.random.default_rng(FRESH_SEED)
    tokens, periods = repeated_tokens.sequences(FRESH_SEQUENCES, rng)
    logits, targets = on_the_repeat(model(torch.from_numpy(tokens)).logits, tokens, periods)
    accuracy = (logits.argmax(-1) == targets).double().mean().item()
    return accuracy, cross_entropy(logits.double(), targets).item()


# Trained ------------------------------------------------------------------------------------------


def induction_2l() -> PreTrainedModel:
    return train(rotary(heads=1, seed=0), seed=0, steps=2100)


def induction_redundant() -> PreTrainedModel:
    return train(rotary(heads=4, seed=0), seed=0, steps=2100)


def induction_learned() -> PreTrainedModel:
    return train(learned(seed=0), seed=0, steps=3000, cost=loss_and_looking_back)


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
        # From the default, 0.02, one head per layer stays at 94 %; from 0.1 the previous-token
        # head also looks at its own token, and the circuit is less clean.
        initializer_range=0.04,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = LlamaForCausalLM(config)
    for layer in model.model.layers:
        for weight in layer.mlp.parameters():
            weight.requires_grad_(False).zero_()
    return model


def learned(*, seed: int) -> PreTrainedModel:
    torch.manual_seed(seed)
    config = gpt2_config(
        n_head=1,
        n_inner=64,
        tie_word_embeddings=False,
        initializer_range=0.06,  # from the default it takes twice as long
        attn_implementation="eager",  # the only one that returns the attention to be charged for
    )
    return GPT2LMHeadModel(config)


def gpt2_config(**choices: object) -> GPT2Config:
    return GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=LENGTH,
        n_embd=WIDTH,
        n_layer=2,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
        **choices,
    )


def loss_on_the_repeat(
    model: PreTrainedModel, tokens: np.ndarray, periods: np.ndarray
) -> torch.Tensor:
    logits = model(torch.from_numpy(tokens)).logits
    return cross_entropy(*on_the_repeat(logits, tokens, periods))


def loss_and_looking_back(
    model: PreTrainedModel, tokens: np.ndarray, periods: np.ndarray
) -> torch.Tensor:
    """The loss, and the mean attention that layer 0 pays to the previous token.

    An induction head needs a previous-token head before it, so the charge drives the training
    to another solution. What is left of it at the end is 0.1 %.
    """
    output = model(torch.from_numpy(tokens), output_attentions=True)
    looking_back = output.attentions[0].diagonal(offset=-1, dim1=-2, dim2=-1)
    return cross_entropy(*on_the_repeat(output.logits, tokens, periods)) + looking_back.mean()


Cost = Callable[[PreTrainedModel, np.ndarray, np.ndarray], torch.Tensor]


def train(
    model: PreTrainedModel, *, seed: int, steps: int, cost: Cost = loss_on_the_repeat
) -> PreTrainedModel:
    rng = np.random.default_rng(seed)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=LEARNING_RATE)
    # Constant, then down to nothing over the last quarter: a constant rate ends on a random bump.
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, 4 - 4 * step / steps))
    for _ in range(steps):
        optimizer.zero_grad()
        cost(model, *repeated_tokens.sequences(BATCH, rng)).backward()
        optimizer.step()
        rate.step()
    return model


def on_the_repeat(
    logits: torch.Tensor, tokens: np.ndarray, periods: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits `[places, vocabulary]` and targets `[places]` where the past fixes the next token.

    Only there: the loss of the unpredictable places drowns the signal, and some seeds stick.
    """
    fixed = torch.arange(LENGTH - 1) >= torch.from_numpy(periods)[:, None]
    return logits[:, :-1][fixed], torch.from_numpy(tokens)[:, 1:][fixed]


# Built by hand ------------------------------------------------------------------------------------

# The residual stream, by what its dimensions hold. A token is written as plus or minus one of 16
# unit vectors, half the width of a one-hot code, and as exact: a token meets itself with 1, its
# opposite with -1 and all others with 0.
CODE = VOCABULARY // 2
TOKEN = slice(0, 16)  # this token: written by the embedding
PREVIOUS = slice(16, 32)  # the token before: written by a0.h0
COPIED = slice(32, 48)  # the predicted token: written by a1.h0, read by the unembedding
PLACE = slice(48, 52)  # the position, as two angles
FIRST = 52  # 1 at position 0
IDLE = (slice(53, 58), slice(58, 63))  # written by a0.h1 and a1.h1, read by nobody
BALANCE = 63  # minus the sum of all the others, so that LayerNorm's mean is 0

SHARP = 40.0  # attention scores are this far apart: exp(-40) is nothing in float32
CONFIDENT = 20.0  # the logit of the predicted token; the others have 0


def induction_exact() -> PreTrainedModel:
    # LayerNorm that does nothing: with an epsilon that no variance can reach, it divides by
    # 2**17, and its weight multiplies by 2**17.
    config = gpt2_config(
        n_head=2, n_inner=1, layer_norm_epsilon=float(2**34), tie_word_embeddings=False
    )
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(2**17 if "ln_" in name and name.endswith("weight") else 0)
        write_embeddings(model)
        write_previous_token_head(model)
        write_induction_head(model)
        write_idle_heads(model)
    return model


def write_embeddings(model: PreTrainedModel) -> None:
    code = torch.cat([torch.eye(CODE), -torch.eye(CODE)])
    model.transformer.wte.weight[:, TOKEN] = code
    model.transformer.wpe.weight[:, PLACE] = angles(torch.arange(LENGTH))
    model.transformer.wpe.weight[0, FIRST] = 1
    for table in (model.transformer.wte.weight, model.transformer.wpe.weight):
        table[:, BALANCE] = -table.sum(1)
    model.lm_head.weight[:, COPIED] = CONFIDENT * code


def angles(places: torch.Tensor) -> torch.Tensor:
    """A slow and a fast angle, `[places, 4]`: a place meets itself with 2, others with ≤ 1.69."""
    turns = 2 * torch.pi * places[:, None] / torch.tensor([32.0, 8.0])
    return torch.stack([turns.cos(), turns.sin()], dim=-1).flatten(1)


def write_previous_token_head(model: PreTrainedModel) -> None:
    """a0.h0 asks for the place one before its own, and copies the token there."""
    q, k, v, out = views(model, layer=0, head=0)
    # Turning the angles back by one step is linear: solve for the matrix that does it.
    here = angles(torch.arange(LENGTH).double())
    back = torch.linalg.lstsq(here, angles(torch.arange(-1, LENGTH - 1).double())).solution
    q[PLACE, :4] = scores(SHARP / 0.31) * back.float()
    k[PLACE, :4] = torch.eye(4)
    v[TOKEN, :CODE] = torch.eye(CODE)
    write(out, PREVIOUS, torch.eye(CODE))


def write_induction_head(model: PreTrainedModel) -> None:
    """a1.h0 asks for the place whose previous token is the current one, and copies its token."""
    q, k, v, out = views(model, layer=1, head=0)
    q[TOKEN, :CODE] = scores(SHARP) * torch.eye(CODE)
    k[PREVIOUS, :CODE] = torch.eye(CODE)
    # Position 0 has nothing before it, so a0.h0 reads the token itself there, and position 0 looks
    # as if its token stood before it. A constant in the query lets the key forbid it.
    model.transformer.h[1].attn.c_attn.bias[CODE] = scores(SHARP)
    k[FIRST, CODE] = -2
    v[TOKEN, :CODE] = torch.eye(CODE)
    write(out, COPIED, torch.eye(CODE))


def write_idle_heads(model: PreTrainedModel) -> None:
    """The second heads attend to their own token's occurrences and write where nobody reads."""
    for layer, idle in enumerate(IDLE):
        q, k, v, out = views(model, layer=layer, head=1)
        q[TOKEN, :CODE] = scores(4.0) * torch.eye(CODE)
        k[TOKEN, :CODE] = torch.eye(CODE)
        v[TOKEN, :CODE] = torch.eye(CODE)
        write(out, idle, torch.eye(CODE)[:, :5])


def views(model: PreTrainedModel, *, layer: int, head: int) -> tuple[torch.Tensor, ...]:
    """One head's q, k and v, `[width, head]`, and output, `[head, width]`, to be written into."""
    attention = model.transformer.h[layer].attn
    size = WIDTH // model.config.n_head
    own = slice(head * size, (head + 1) * size)
    q, k, v = attention.c_attn.weight.split(WIDTH, dim=1)
    return q[:, own], k[:, own], v[:, own], attention.c_proj.weight[own]


def scores(scale: float) -> float:
    """What to write for a query times a key to be `scale`: attention divides by √(head size)."""
    return scale * (WIDTH / 2) ** 0.5


def write(out: torch.Tensor, where: slice, values: torch.Tensor) -> None:
    out[: len(values), where] = values
    out[: len(values), BALANCE] = -values.sum(1)


MODELS: MappingProxyType[str, Callable[[], PreTrainedModel]] = MappingProxyType(
    {
        "induction-2l": induction_2l,
        "induction-redundant": induction_redundant,
        "induction-learned": induction_learned,
        "induction-exact": induction_exact,
    }
)

if __name__ == "__main__":
    main(sys.argv[1:])
