"""A target's probability, read out of every residual state, and the gradient of its logit there.

Every state goes through the model's own final norm and head, as if the layers after it were not
there: the logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"). What the lens shows
is what the state would say if it were read now. What the rest of the model makes of it is another
question; of that the gradient tells the first order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.data.dataset import Ints
from scrub.engine.flow import edited
from scrub.engine.worlds import Edit, Input, World
from scrub.errors import InputRefused, Problem
from scrub.graph import TOKENS, Reach
from scrub.mediation.cells import states
from scrub.mediation.findings import Finding, Row
from scrub.mediation.gradients import slopes
from scrub.mediation.probes import Axis, Given, as_array

Tensor = torch.Tensor
LOGITS_AT_ONCE = 2**24  # numbers of a read-out that are held at a time


@dataclass(frozen=True, eq=False, repr=False)
class TokenTrace(Finding):
    """A target's probability in every residual state, and its logit's gradient there.

    - `states`: those that the output can read, from the input up; `left_out` the others, which lie
      in another stack of the model.
    - `target`: the token id of each row. `scored_at`: the position of each row's logit whose
      gradient was taken.

    `per_example` holds, at the positions as they were given, NaN (rank 0) where padding is:
    `probability` [state, row, position]; `rank` [state, row, position], 1 for the likeliest token;
    `gradient` [state, row, position, width]; and `tokens` [row, position], -1 for padding, where
    the output reads tokens.
    """

    KIND: ClassVar[str] = "token-trace"

    states: tuple[str, ...]
    left_out: tuple[str, ...]
    target: tuple[int, ...]
    scored_at: tuple[int, ...]

    def __repr__(self) -> str:
        rows, model = len(self.target), self.conventions.get("model")
        return f"<TokenTrace of {model}, {len(self.states)} states of {rows} rows>"

    @property
    def probability(self) -> NDArray[Any]:
        """[state, row, position]."""
        return self.per_example["probability"]

    @property
    def rank(self) -> NDArray[Any]:
        """[state, row, position]."""
        return self.per_example["rank"]

    @property
    def gradient(self) -> NDArray[Any]:
        """[state, row, position, width]."""
        return self.per_example["gradient"]

    def table(self) -> Sequence[Row]:
        """A row for each state, row and position, with the length of the gradient there.

        The gradient lies at the positions of the states. Where the output has others (one, of a
        pooled image), its probability stands at each of those beside no gradient.
        """
        found: list[Row] = []
        lengths = np.linalg.norm(self.gradient, axis=-1)  # [state, row, position]
        alike = lengths.shape == self.probability.shape
        for i, row, spot in np.argwhere(self.rank > 0).tolist():
            found.append(
                {
                    "state": self.states[i],
                    "row": row,
                    "position": spot,
                    "target": self.target[row],
                    "probability": float(self.probability[i, row, spot]),
                    "rank": int(self.rank[i, row, spot]),
                    "gradient_length": float(lengths[i, row, spot]) if alike else None,
                }
            )
        return found


def trace_token_probability(
    model: object,
    input_ids: Any,
    target: Any,
    attention_mask: Any = None,
    *,
    at: Any = None,
    fields: Mapping[str, Any] | None = None,
    batch: int | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    folder: Path | None = None,
) -> TokenTrace:
    """The target's probability after every layer and position, and its logit's gradient there.

    `model` is a transformers module in memory, a folder, a name, or a model of scrub's. `input_ids`
    are token ids [row, position] or [position] as lists, numpy or torch, padded left or right where
    `attention_mask` says so. `target` is a token id, or one for each row. The gradient is that of
    the target's logit at the last position that is no padding, or at `at`, one position or one for
    each row; the padding counts. `fields` holds what else the model reads: `decoder_tokens`,
    `token_types`, `image` (then `input_ids` may be None). `batch` rows run at a time.

    Raises `InputRefused` for what cannot be used, and `ModelRefused` where the probe fails.

    >>> found = trace_token_probability("induction-exact", [5, 6, 7, 5], target=6)
    >>> found.states[-1], found.probability.shape, found.gradient.shape
    ('final', (5, 1, 4), (5, 1, 4, 64))
    >>> int(found.rank[-1, 0, 3])
    1
    """
    how = {"dtype": dtype, "device": device, "folder": folder}
    given = Given.of(model, input_ids, attention_mask, fields, batch, **how)
    lens = _Lens.of(given)
    goal, spots = lens.target(target), lens.at(at)
    arrays = lens.blank()
    with torch.no_grad():
        for rows, world in given.worlds():
            wanted = given.tensor(goal[rows])
            for i, state in enumerate(lens.states):
                read = lens.read_out(world, state, wanted)
                for name, value in zip(("probability", "rank"), read, strict=True):
                    lens.read.spread(value.cpu().numpy(), rows, arrays[name][i])
            at_rows = given.tensor(spots[rows])
            for state, slope in lens.gradients(world, wanted, at_rows):
                i = lens.states.index(state)
                lens.held.spread(slope.cpu().numpy(), rows, arrays["gradient"][i])
    return TokenTrace(
        conventions=given.conventions(
            read_out="the model's own final norm and head",
            gradient="of the target's logit",
            positions=lens.read.space,
        ),
        per_example={**arrays, **lens.tokens()},
        states=lens.states,
        left_out=lens.left_out,
        target=tuple(goal.tolist()),
        scored_at=tuple((spots[:, 0] + lens.read.first).tolist()),
    )


@dataclass(frozen=True, eq=False)
class _Lens:
    """What reads the states: the output, and the positions that it has and that they have."""

    given: Given
    states: tuple[str, ...]
    left_out: tuple[str, ...]
    read: Axis
    held: Axis

    @staticmethod
    def of(given: Given) -> _Lens:
        graph = given.model.graph
        output = graph[graph.output]
        if len(output.ports) != 1:
            found = f"reads {len(output.ports)} sums, and a state is only one."
            raise InputRefused(Problem(f"output '{output.name}'", found))
        if output.width < 2:
            found = "is a single number at each position, and no probability."
            raise InputRefused(Problem(f"output '{output.name}'", found))
        stream = output.ports[0].stream
        space, known = graph.stream_spaces[stream], states(given.layout)
        some = tuple(name for name in known if graph.stream_spaces[name] == space)
        if stream not in some:  # a hand-made model: what the output's sum extends
            some = tuple(_before(given, stream))
        others = tuple(name for name in known if name not in some)
        return _Lens(given, some, others, given.axis(output.space), given.axis(space))

    @property
    def pooled(self) -> bool:
        """Whether the output reads all positions, and has others of its own."""
        graph = self.given.model.graph
        return graph[graph.output].ports[0].reach is not Reach.SAME

    def target(self, written: Any) -> Ints:
        """The token of each row, [row]."""
        rows, width = len(self.given), self.given.model.graph[self.given.model.graph.output].width
        tokens = as_array(written)
        if tokens.dtype.kind not in "iu" or tokens.shape not in ((), (1,), (rows,)):
            found = f"must be a token id, or one for each of {rows} rows."
            raise InputRefused(Problem("target", found))
        every: Ints = np.broadcast_to(tokens.astype(np.int64), (rows,)).copy()
        wrong = every[(every < 0) | (every >= width)]
        if len(wrong):
            found = f"{wrong[0]} is none of the {width} that the model's output tells apart."
            raise InputRefused(Problem("target", found, f"Give 0 to {width - 1}."))
        return every

    def at(self, written: Any) -> Ints:
        """The position of the output whose logit is followed back, [row, 1]."""
        last = (self.read.lengths - 1)[:, None]
        if written is None:
            return last
        spots = self.read.inner(written, "at")
        if spots.shape[1] != 1:
            found = f"names {spots.shape[1]} positions of a row, and one logit is followed back."
            raise InputRefused(Problem("option 'at'", found))
        return spots

    def blank(self) -> dict[str, NDArray[Any]]:
        """Arrays for what is found: padding everywhere."""
        graph, kind = self.given.model.graph, self.given.kind
        shape = (len(self.states), len(self.given), self.read.size)
        width = graph[graph.streams[self.states[-1]][0]].width
        held = (len(self.states), len(self.given), self.held.size, width)
        return {
            "probability": np.full(shape, np.nan, dtype=kind),
            "rank": np.zeros(shape, dtype=np.int64),
            "gradient": np.full(held, np.nan, dtype=kind),
        }

    def read_out(self, world: World, state: str, target: Tensor) -> tuple[Tensor, Tensor]:
        """The target's probability and rank in a state, each [row, position]."""
        output = world.model.graph[world.model.graph.output]
        there = Input(output.name, output.ports[0].name)
        other = edited(world, [Edit(there, lambda _: world.streams[state])])
        rows, length = world.streams[state].shape[:2]
        step = max(1, LOGITS_AT_ONCE // (rows * output.width))
        found = []
        for start in range(0, 1 if self.pooled else length, step):
            spots = torch.arange(start, min(start + step, length), device=target.device)
            at = None if self.pooled else spots.expand(rows, -1)
            logits = other.output(at)  # [row, n, vocabulary]
            own = logits.gather(2, target[:, None, None].expand(-1, logits.shape[1], 1))
            likelihood = (own[..., 0] - logits.logsumexp(2)).exp()
            found.append((likelihood, 1 + (logits > own).sum(2)))
        likely, ranks = zip(*found, strict=True)
        return torch.cat(likely, dim=1), torch.cat(ranks, dim=1)

    def gradients(self, world: World, target: Tensor, at: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The gradient of each row's logit at each state, [row, position, width]."""
        rows = torch.arange(len(target), device=target.device)
        spots = at[:, 0] if self.pooled else torch.zeros_like(rows)

        def score(output: Tensor) -> Tensor:
            return output[rows, spots, target]

        missing = set(self.states)
        for slope in slopes(world, score, None if self.pooled else at):
            for name, value in slope.streams.items():
                if name in missing:
                    missing.remove(name)
                    yield name, value
            if not missing:
                return  # nothing further back is asked for

    def tokens(self) -> dict[str, Ints]:
        """The token ids at the output's positions [row, position], if it has any."""
        dataset = self.given.dataset
        if self.read.space not in dataset.fields or dataset.fields[self.read.space][0].ndim != 1:
            return {}
        found = np.full((len(self.given), self.read.size), -1, dtype=np.int64)
        values = [dataset.fields[self.read.space][i] for i in dataset.sequence.tolist()]
        if self.read.space == TOKENS and values[0].dtype.kind not in "iu":
            return {}  # a hand-made model's vectors
        for row, value in enumerate(values):
            self.read.spread(value[None], slice(row, row + 1), found)
        return {"tokens": found}


def _before(given: Given, stream: str) -> list[str]:
    """The streams that a stream extends, and itself at the end."""
    found = [stream]
    while (before := given.layout.links[found[0]].before) is not None:
        found.insert(0, before)
    return found
