"""Metrics: one float64 value for each example, from the model's output at the scored positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scrub.data.dataset import Dataset, Ints
from scrub.data.task import Task
from scrub.errors import InputRefused, Problem
from scrub.models.sending import sent

Floats = NDArray[np.float64]


AT_ONCE = 2**22  # logits that are copied to float64 together: 32 MiB a copy


@dataclass(frozen=True)
class Scored:
    """What a metric sees: the output, the answers, and the model's own log-probabilities.

    `logits` [item, n, vocabulary] in float64, `answer` and `wrong` [item, n], `own` [item, n, V].
    """

    logits: torch.Tensor
    answer: torch.Tensor | None
    wrong: torch.Tensor | None
    own: torch.Tensor | None


def loss(scored: Scored) -> torch.Tensor:
    """Cross-entropy of the answer, in nats."""
    return -_picked(scored.logits.log_softmax(-1), scored.answer)


def probability(scored: Scored) -> torch.Tensor:
    """Probability of the answer."""
    return _picked(scored.logits.softmax(-1), scored.answer)


def logit_difference(scored: Scored) -> torch.Tensor:
    """Logit of the answer less that of the wrong answer."""
    return _picked(scored.logits, scored.answer) - _picked(scored.logits, scored.wrong)


def accuracy(scored: Scored) -> torch.Tensor:
    """1 where the answer has the largest logit, shared where several have it: uniform, 1/V."""
    largest = scored.logits.amax(-1, keepdim=True)
    first = torch.eq(_picked(scored.logits, scored.answer), largest[..., 0])  # [item, n]
    return first.double() / torch.eq(scored.logits, largest).sum(-1)


def kl(scored: Scored) -> torch.Tensor:
    """Divergence of the output from the model's own on the same example, in nats."""
    assert scored.own is not None  # whoever asks for KL keeps the model's output
    own = scored.own.log_softmax(-1)
    apart = own - scored.logits.log_softmax(-1)  # NaN where both are -inf: 0 · log 0 is 0
    return torch.where(own > -torch.inf, own.exp() * apart, 0).sum(-1)


METRICS: Mapping[str, Callable[[Scored], torch.Tensor]] = {
    "loss": loss,
    "logit_difference": logit_difference,
    "probability": probability,
    "accuracy": accuracy,
    "kl": kl,
}


def _given(tokens: torch.Tensor | None) -> torch.Tensor:
    assert tokens is not None  # a task without the column was refused
    return tokens


def _picked(values: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
    return values.gather(-1, _given(tokens)[..., None])[..., 0]  # [item, n]


class Scorer:
    """A task's metric on outputs; answers are looked up by the reference's row."""

    def __init__(self, task: Task, dataset: Dataset, device: torch.device) -> None:
        self.task, self.dataset, self.device = task, dataset, device
        known = isinstance(task.metric, str)
        self._answers = self._tokens(task.answer) if known and task.metric != "kl" else None
        self._wrong = self._tokens(task.wrong) if known and task.wrong else None
        self._columns = {} if known else {k: _as_array(v) for k, v in dataset.columns.items()}

    def _tokens(self, column: str) -> NDArray[np.int64]:
        """A column of token ids, [row, n]: one for each scored position, as `Task` has checked."""
        rows = [v if isinstance(v, tuple) else (v,) for v in self.dataset.columns[column]]
        return np.array(rows, dtype=np.int64)

    def __call__(self, output: torch.Tensor, own: torch.Tensor | None, rows: Ints) -> Floats:
        """One value for each item, its positions averaged, against `rows`' answers."""
        metric = self.task.metric
        if isinstance(metric, str):
            return self.named(metric, output, own, rows)
        return self._custom(metric, output, rows)

    def named(
        self, metric: str, output: torch.Tensor, own: torch.Tensor | None, rows: Ints
    ) -> Floats:
        """A built-in metric's value for each item, a few items at a time.

        Copies of logits in float64 are large where the vocabulary is; in slices they stay small
        however many items a chunk holds. A device is waited for once, at the end.
        """
        size = max(1, AT_ONCE // max(output[0].numel(), 1))
        slices = [slice(i, i + size) for i in range(0, len(output), size)]
        scored = [
            self._values(metric, output[s], None if own is None else own[s], rows[s])
            for s in slices
        ]
        values: Floats = torch.cat(scored).cpu().numpy()
        _require_finite(metric, values, output, rows)
        return values

    def differentiable(
        self, output: torch.Tensor, own: torch.Tensor | None, rows: Ints
    ) -> torch.Tensor:
        """The metric's value for each item as a tensor, [item], which has a gradient where it can.

        Raises `InputRefused` for a user's metric that raises, or gives no tensor [item].
        """
        metric = self.task.metric
        if isinstance(metric, str):
            return self._values(metric, output, own, rows)
        columns = {name: values[rows] for name, values in self._columns.items()}
        where = f"metric '{self.task.metric_name}'"
        try:
            values = metric(output, columns)
        except Exception as error:  # the user's code: whatever it raises is reported
            kind = type(error).__name__
            raise InputRefused(Problem(where, f"raised {kind}: {error}")) from error
        if not isinstance(values, torch.Tensor) or values.shape != (len(rows),):
            found = f"must give a tensor with one value for each of {len(rows)} examples."
            raise InputRefused(Problem(where, found, "Gradients need torch operations."))
        return values

    def _values(
        self, metric: str, output: torch.Tensor, own: torch.Tensor | None, rows: Ints
    ) -> torch.Tensor:
        scored = Scored(
            logits=output.double(),
            answer=self._of(self._answers, rows, output),
            wrong=self._of(self._wrong, rows, output),
            own=None if own is None else own.double(),
        )
        return METRICS[metric](scored).mean(-1)

    def _of(
        self, table: NDArray[np.int64] | None, rows: Ints, output: torch.Tensor
    ) -> torch.Tensor | None:
        if table is None:
            return None
        answers = table[rows]
        if answers.size and (answers.max() >= output.shape[2] or answers.min() < 0):
            raise InputRefused(
                Problem(
                    "task",
                    f"answer {int(answers.max())} is no token of the model, whose outputs are "
                    f"{output.shape[2]} wide.",
                )
            )
        return sent(answers, output.device)

    def _custom(self, metric: Callable[..., Any], output: torch.Tensor, rows: Ints) -> Floats:
        """The user's function, on the output and the reference rows' columns."""
        columns = {name: values[rows] for name, values in self._columns.items()}
        name = self.task.metric_name
        try:
            # a clone: the output is read again (for KL), and a metric may mask it in place
            values = metric(output.clone(), columns)
            found = np.asarray(torch.as_tensor(values).double().cpu())
        except Exception as error:  # the user's code: whatever it raises is reported
            kind = type(error).__name__
            raise InputRefused(Problem(f"metric '{name}'", f"raised {kind}: {error}")) from error
        if found.shape != (len(rows),):
            shape = " × ".join(map(str, found.shape)) or "a number"
            raise InputRefused(
                Problem(
                    f"metric '{name}'",
                    f"must give one value for each of {len(rows)} examples, found {shape}.",
                    "Average over positions: output is [row, position, width].",
                )
            )
        _require_finite(name, found, output, rows)
        return found


def _as_array(column: Sequence[Any]) -> NDArray[Any]:
    """A column, [row]; of tuples where these are of unequal size."""
    try:
        return np.array(column)
    except ValueError:
        found = np.empty(len(column), dtype=object)
        for row, value in enumerate(column):
            found[row] = value
        return found


def _require_finite(metric: str, values: Floats, output: torch.Tensor, rows: Ints) -> None:
    """Refuse NaN and infinite values, which would make all means and intervals NaN."""
    bad = np.nonzero(~np.isfinite(values))[0]
    if not len(bad):
        return
    item = int(bad[0])
    found = f"gives {values[item]} on row {rows[item]}"
    fix = "Give each example a finite value, or leave out those that have none."
    if not torch.isfinite(output[item]).all():
        found += ", where the model's output holds NaN or infinite numbers"
        fix = "Look at the weights and the dtype: float16 ends at 65504, bfloat16 does not."
    raise InputRefused(Problem(f"metric '{metric}'", f"{found}.", fix))
