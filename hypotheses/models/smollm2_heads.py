"""Which heads of SmolLM2 do what: the search behind the heads named in smollm2_*.py.

    python hypotheses/models/smollm2_heads.py ioi
    python hypotheses/models/smollm2_heads.py induction

Two measures for each head, means over some prompts of the hypothesis's own task. Its attention from
one role to another says what it looks at. The attribution at a role says what it is good for: by
how much the metric would change, to first order, if the head's output there were that of another
prompt (negative: the metric falls). A head is named where both say so: looks at what its part in
the circuit asks for, and ranks among the first by attribution; a weak one of a kind is named along
with a strong one of its layer. One forward and one backward pass; about a minute.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM

from scrub import Task
from scrub.data.fetched import FETCHABLE
from scrub.hypothesis.loading import load_hypothesis

PROMPTS = 48
LOOKS = {  # what is looked for: (from, to)
    "ioi": (("end", "io"), ("end", "s2"), ("s2", "s1"), ("s2", "s1_next"), ("s1_next", "s1")),
    "induction": (("query", "after_match"), ("after_match", "match")),
}
MATTERS = {"ioi": ("end", "s2", "s1_next"), "induction": ("query", "after_match")}


@dataclass(frozen=True, eq=False)
class Seen:
    """What one pass showed of `PROMPTS` prompts."""

    roles: dict[str, torch.Tensor]  # each [prompt]
    attention: torch.Tensor  # [prompt, layer, head, from, to]
    outputs: torch.Tensor  # every head's z: [layer, prompt, position, head, d_head]
    gradients: torch.Tensor  # of the metric by each

    def looking(self, at: str, to: str) -> torch.Tensor:
        """Mean attention [layer, head] from one role to another."""
        rows = torch.arange(len(self.attention))
        return self.attention[rows, :, :, self.roles[at], self.roles[to]].mean(0)

    def attribution(self, at: str) -> torch.Tensor:
        """First-order change [layer, head] of the metric when another prompt's z stands there."""
        rows, where = torch.arange(len(self.attention)), self.roles[at]
        own = self.outputs[:, rows, where]  # [layer, prompt, head, d_head]
        return ((own.roll(5, 1) - own) * self.gradients[:, rows, where]).sum(-1).mean(1)


def look(task: Task) -> Seen:
    """One forward and one backward pass over the first prompts of a task."""
    read: Any = AutoModelForCausalLM.from_pretrained
    module = read(FETCHABLE["smollm2"].folder, attn_implementation="eager").eval()
    heads = module.config.num_attention_heads
    outputs: list[torch.Tensor] = []

    def keep(_: object, args: tuple[torch.Tensor]) -> None:
        args[0].retain_grad()
        outputs.append(args[0])

    for layer in module.model.layers:
        layer.self_attn.o_proj.register_forward_pre_hook(keep)
    data = task.dataset
    tokens = torch.tensor([x.tolist() for x in data.inputs[:PROMPTS]])
    roles = {name: torch.tensor([s[0] for s in at[:PROMPTS]]) for name, at in data.roles.items()}
    found = module(input_ids=tokens, output_attentions=True, use_cache=False)
    rows, scored = torch.arange(len(tokens)), roles[str(task.positions.name)]
    logits = found.logits[rows, scored]
    answer = torch.tensor(data.columns[task.answer][:PROMPTS])
    metric = logits.log_softmax(-1)[rows, answer]
    if task.wrong is not None:
        wrong = torch.tensor(data.columns[task.wrong][:PROMPTS])
        metric = logits[rows, answer] - logits[rows, wrong]
    print(f"mean {'logit difference' if task.wrong else 'log probability'}: {metric.mean():.2f}")
    metric.sum().backward()
    split = [z.unflatten(-1, (heads, -1)) for z in outputs]
    gradients = [z.grad.unflatten(-1, (heads, -1)) for z in outputs if z.grad is not None]
    attention = torch.stack(found.attentions, 1).detach()
    return Seen(roles, attention, torch.stack(split).detach(), torch.stack(gradients))


def first(values: torch.Tensor, count: int = 16) -> str:
    """The heads with the largest values, whatever their sign."""
    order = values.abs().flatten().argsort(descending=True)[:count].tolist()
    heads = values.shape[1]
    return "  ".join(f"a{i // heads}.h{i % heads} {values.flatten()[i]:.2f}" for i in order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=sorted(LOOKS))
    asked = parser.parse_args().task
    task = load_hypothesis(f"smollm2_{asked}").task
    assert isinstance(task, Task)
    seen = look(task)
    for at, to in LOOKS[asked]:
        print(f"\nattention from {at} to {to}\n  {first(seen.looking(at, to))}")
    for at in MATTERS[asked]:
        print(f"\nattribution at {at}\n  {first(seen.attribution(at))}")


if __name__ == "__main__":
    main()
