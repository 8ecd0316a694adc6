"""Write the compiled programs: `python hypotheses/models/make_programs.py [NAME ...]`.

Six programs, each weight of each written by hand, as stock GPT2LMHeadModel checkpoints of one
layer. What each computes stands in `scrub/data/programs.py`; how, in the comments here.

The residual stream holds x and -x side by side, so that its mean is 0 whatever x is, and LayerNorm
does nothing: with an epsilon of 2**34, which no variance can reach, it divides by 2**17, and its
weight multiplies by 2**17. Every part reads the x half and writes both. The neurons are relus.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from scrub.data import programs

HERE = Path(__file__).parent
SHARP = 40.0  # attention scores are this far apart: exp(-40) is nothing in float32
CONFIDENT = 20.0  # the right answer's logit stands this far above the others
LENGTH = programs.LENGTH
TOKENS = programs.VOCABULARY

Matrix = torch.Tensor


class Program:
    """A one-layer model to be written into: named places of the stream, heads, neurons, answers."""

    def __init__(
        self, *, heads: int, neurons: int, answers: int, places: Mapping[str, int]
    ) -> None:
        sizes = {"token": TOKENS, "place": LENGTH, "one": 1, **places}
        ends = torch.tensor(list(sizes.values())).cumsum(0).tolist()
        starts = [0, *ends[:-1]]
        self.at = {name: slice(a, b) for name, a, b in zip(sizes, starts, ends, strict=True)}
        self.size = -(-2 * ends[-1] // (2 * heads)) * heads  # of x: heads divide both halves
        self.model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=max(TOKENS, answers),
                n_positions=LENGTH,
                n_embd=2 * self.size,
                n_layer=1,
                n_head=heads,
                n_inner=max(neurons, 1),
                activation_function="relu",
                layer_norm_epsilon=float(2**34),
                tie_word_embeddings=False,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
                bos_token_id=None,
                eos_token_id=None,
            )
        )
        with torch.no_grad():
            for name, weight in self.model.named_parameters():
                weight.fill_(2**17 if "ln_" in name and name.endswith("weight") else 0)
        self.block = self.model.transformer.h[0]
        self._embed()

    def _embed(self) -> None:
        """The token and the place, each as a one-hot code, and a constant."""
        self._write(self.model.transformer.wte.weight[:TOKENS], "token", torch.eye(TOKENS))
        self._write(self.model.transformer.wpe.weight, "place", torch.eye(LENGTH))
        self._write(self.model.transformer.wpe.weight, "one", torch.ones(LENGTH, 1))

    def head(
        self,
        index: int,
        asks: tuple[str, Matrix],
        offers: tuple[str, Matrix],
        moves: tuple[str, Matrix],
        to: str,
    ) -> None:
        """One head: what its queries, keys and values read, [read, head size], and where it writes.

        A query's and a key's product is a score, in units of `SHARP`.
        """
        attention, width = self.block.attn, 2 * self.size
        each = width // self.model.config.n_head
        own = slice(index * each, (index + 1) * each)
        for part, (read, matrix) in zip(
            attention.c_attn.weight.split(width, dim=1), (asks, offers, moves), strict=True
        ):
            part[:, own][self.at[read], : matrix.shape[1]] = matrix
        query = attention.c_attn.weight[:, :width][:, own]
        query *= SHARP * each**0.5  # attention divides by the root of the head size
        moved = moves[1].shape[1]
        self._write(attention.c_proj.weight[own][:moved], to, torch.eye(moved))

    def neurons(
        self, first: int, reads: Mapping[str, Matrix], bias: Matrix, writes: Mapping[str, Matrix]
    ) -> None:
        """Neurons from `first` on: relu of what they read, [read, neuron], and a bias, [neuron]."""
        own = slice(first, first + len(bias))
        for name, matrix in reads.items():
            self.block.mlp.c_fc.weight[self.at[name], own] = matrix
        self.block.mlp.c_fc.bias[own] = bias
        for name, matrix in writes.items():
            self._write(self.block.mlp.c_proj.weight[own], name, matrix)

    def answer(self, reads: Mapping[str, Matrix]) -> None:
        """The logits: what the unembedding reads, [read, answer]."""
        for name, matrix in reads.items():
            self.model.lm_head.weight[: matrix.shape[1], self.at[name]] += matrix.T

    def _write(self, rows: torch.Tensor, name: str, values: Matrix) -> None:
        rows[:, self.at[name]] += values
        rows[:, self.size :][:, self.at[name]] -= values


def one_hot(index: int, size: int) -> Matrix:
    """[size, 1]"""
    return torch.eye(size)[:, index : index + 1]


def not_start() -> tuple[str, Matrix]:
    """A key that every token offers but the start token."""
    return "token", 1 - one_hot(programs.START, TOKENS)


def everywhere() -> tuple[str, Matrix]:
    """A query that every position asks."""
    return "one", torch.ones(1, 1)


def at_place(place: int) -> tuple[str, Matrix]:
    """A key that one position offers."""
    return "place", one_hot(place, LENGTH)


def token(index: int) -> Matrix:
    return one_hot(index, TOKENS)


def steps(values: Matrix) -> tuple[Matrix, Matrix]:
    """For a number that is one of these, ascending: two relus for each step between them.

    Bias [2 * steps] for neurons that read the number times 1 / (gap / 2), and what each adds to a
    count of steps taken: relu(z) - relu(z - 1) is 0 below a step and 1 above it.
    """
    gap = values.diff()
    bias = -(values[:-1] + gap / 4) / (gap / 2)
    return torch.stack([bias, bias - 1], dim=1).flatten(), torch.tensor([1.0, -1.0]).repeat(
        len(gap)
    )


def nearest(count: int) -> tuple[Matrix, Matrix]:
    """Logits that are highest for the answer k nearest to a number x: k·x - k²/2.

    What they read of the number, [1, count], and of the constant, [1, count].
    """
    k = torch.arange(count, dtype=torch.float32)[None]
    return CONFIDENT * k, -CONFIDENT * k**2 / 2


# The programs -------------------------------------------------------------------------------------


def frac_prevs() -> Program:
    """a0.h0 looks at all tokens but the start alike and moves "is it x": the share of x.

    a0.h1 does the same for "is it a", and writes it where nobody reads.
    """
    n = programs.STRING
    made = Program(heads=2, neurons=0, answers=n + 1, places={"share": 1, "idle": 1})
    for head, (letter, to) in enumerate(((programs.X, "share"), (programs.A, "idle"))):
        made.head(head, everywhere(), not_start(), ("token", token(letter)), to)
    number, constant = nearest(n + 1)
    made.answer({"share": n * number, "one": constant})
    return made


def pair_balance() -> Program:
    """a0.h0 finds the share of "(", a0.h1 that of ")"; m0 tells which is larger, and by how much.

    Neurons 0 and 1 are the difference's two signs; the answer is 0 (more closed), 1, 2 (more open).
    """
    made = Program(heads=2, neurons=2, answers=3, places={"open": 1, "closed": 1, "sign": 2})
    for head, (letter, to) in enumerate(((programs.OPEN, "open"), (programs.CLOSE, "closed"))):
        made.head(head, everywhere(), not_start(), ("token", token(letter)), to)
    signs = programs.STRING * torch.tensor([[1.0, -1.0]])
    made.neurons(0, {"open": signs, "closed": -signs}, torch.zeros(2), {"sign": torch.eye(2)})
    # one parenthesis more or less decides: ½ of it is where the answers meet
    made.answer(
        {
            "sign": CONFIDENT * torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
            "one": CONFIDENT * torch.tensor([[0.0, 0.5, 0.0]]),
        }
    )
    return made


def dedup() -> Program:
    """a0.h0 moves the previous token; m0 has a neuron for each token: here and just before.

    The answer is the token, or "none" (the start token's number) where it repeats the one before.
    """
    made = Program(heads=1, neurons=TOKENS, answers=TOKENS, places={"previous": TOKENS, "again": 1})
    letters, here = torch.eye(TOKENS), torch.eye(LENGTH)
    back = here.roll(1, dims=0)  # place i asks for what place i - 1 offers
    made.head(0, ("place", back), ("place", here), ("token", letters), "previous")
    both = {"token": letters, "previous": letters}
    made.neurons(0, both, -torch.ones(TOKENS), {"again": torch.ones(TOKENS, 1)})
    none = one_hot(programs.START, TOKENS).T
    made.answer({"token": CONFIDENT * torch.eye(TOKENS), "again": 2 * CONFIDENT * none})
    return made


def hist() -> Program:
    """a0.h0 looks at the start and at every token like its own: the start gets 1 / (1 + count).

    m0 turns that share into the count, in steps.
    """
    n = programs.STRING
    places = {"share": 1, "count": 1}
    made = Program(heads=1, neurons=2 * (n - 1), answers=n + 1, places=places)
    asks = torch.cat([torch.eye(TOKENS), torch.ones(TOKENS, 1)], dim=1)
    offers = torch.cat([torch.eye(TOKENS), token(programs.START)], dim=1)
    offers[programs.START, programs.START] = 0
    made.head(0, ("token", asks), ("token", offers), ("token", token(programs.START)), "share")
    shares = 1 / (1 + torch.arange(n, 0, -1, dtype=torch.float32))  # ascending: the count n first
    bias, adds = steps(shares)
    slopes = (2 / shares.diff()).repeat_interleave(2)[None]
    made.neurons(0, {"share": slopes}, bias, {"count": -adds[:, None]})
    number, constant = nearest(n + 1)
    # the count is n minus the steps taken: the constant n goes into what the answers read
    made.answer({"count": number, "one": n * number + constant})
    return made


def redundant() -> Program:
    """a0.h0 and a0.h1 each move the first token; m0 answers if either has: min(1, sum)."""
    places = {"one copy": TOKENS, "other copy": TOKENS, "either": TOKENS}
    made = Program(heads=2, neurons=2 * TOKENS, answers=TOKENS, places=places)
    for head, to in enumerate(("one copy", "other copy")):
        made.head(head, everywhere(), at_place(1), ("token", torch.eye(TOKENS)), to)
    both = torch.cat([torch.eye(TOKENS)] * 2, dim=1)
    bias = torch.cat([torch.zeros(TOKENS), -torch.ones(TOKENS)])
    either = torch.cat([torch.eye(TOKENS), -torch.eye(TOKENS)])
    made.neurons(0, {"one copy": both, "other copy": both}, bias, {"either": either})
    made.answer({"either": CONFIDENT * torch.eye(TOKENS)})
    return made


def cancelling() -> Program:
    """a0.h0 moves the first token to the answer; a0.h1 adds the second, a0.h2 takes it away."""
    made = Program(heads=3, neurons=0, answers=TOKENS, places={"answer": TOKENS})
    for head, (place, sign) in enumerate(((1, 1.0), (2, 1.0), (2, -1.0))):
        moves = ("token", sign * torch.eye(TOKENS))
        made.head(head, everywhere(), at_place(place), moves, "answer")
    made.answer({"answer": CONFIDENT * torch.eye(TOKENS)})
    return made


MODELS: MappingProxyType[str, Callable[[], Program]] = MappingProxyType(
    {
        "program-frac-prevs": frac_prevs,
        "program-pair-balance": pair_balance,
        "program-dedup": dedup,
        "program-hist": hist,
        "program-redundant": redundant,
        "program-cancelling": cancelling,
    }
)


def main(names: list[str]) -> None:
    if unknown := sorted(set(names) - set(MODELS)):
        sys.exit(f"no such program: {', '.join(unknown)}; there are: {', '.join(MODELS)}")
    for name in names or MODELS:
        with torch.no_grad():
            model = MODELS[name]().model.eval()
        folder = HERE / name
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "model.safetensors").chmod(0o644)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1000
        print(f"{name:22}  right {right(model, name):.4f}  {size:.0f} KB")


@torch.no_grad()
def right(model: GPT2LMHeadModel, name: str) -> float:
    """The share of its task's examples that it answers rightly."""
    rows = programs.rows(name.removeprefix("program-").replace("-", "_"), 2000, seed=1)
    logits = model(torch.tensor([row["tokens"] for row in rows])).logits[:, -1]
    return float(
        (logits.argmax(-1) == torch.tensor([row["answer"] for row in rows])).double().mean()
    )


if __name__ == "__main__":
    main(sys.argv[1:])
