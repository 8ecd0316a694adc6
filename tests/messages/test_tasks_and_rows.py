"""Messages about tasks, and about rows given from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrub import Dataset, Task, each
from scrub.data.tasks import resolve_task, task
from tests.messages.tables import Case, changed, check, rows

DATA = Dataset.from_rows(rows())
HERE = Path("/nowhere")

# What type checkers would not let through.
NUMBER: Any = 7
PATH: Any = "facts.jsonl"
LISTS: Any = [[1, 2]]
NAME: Any = "names"


def words(text: str, return_offsets_mapping: bool = False, **_: Any) -> dict[str, Any]:
    """A tokenizer of words, by their number in a list; without offsets, as slow ones are."""
    if return_offsets_mapping:
        raise NotImplementedError
    return {"input_ids": [hash(word) % 7 for word in text.split()]}


def letters(text: str, **_: Any) -> dict[str, Any]:
    """A tokenizer of letters."""
    spans = [(i, i + 1) for i in range(len(text))]
    return {"input_ids": [ord(letter) - 97 for letter in text], "offset_mapping": spans}


def from_rows(row: int = 1, **values: Any) -> object:
    """The usual rows, one of them spoilt."""
    return Dataset.from_rows(changed(row, **values))


TASKS = [
    Case(
        "unknown metric",
        lambda: Task(DATA, metric="los"),
        "task 'task': metric 'los' does not exist. Did you mean loss?",
    ),
    Case(
        "metric of no kind",
        lambda: Task(DATA, metric=NUMBER),
        "task 'task': metric must be a name or a function, not 7. One of loss, "
        "logit_difference, probability, accuracy, kl, or a function (output, columns) "
        "-> [row].",
    ),
    Case(
        "no answer column",
        lambda: Task(DATA, answer="answers"),
        "task 'task': no column 'answers' to score against. Set answer= to the column "
        "with the right token. Did you mean answer or partner?",
    ),
    Case(
        "no wrong answer",
        lambda: Task(DATA, metric="logit_difference"),
        "task 'task': logit_difference needs a wrong answer too. Set wrong= to the "
        "column with the wrong token.",
    ),
    Case(
        "wrong column absent",
        lambda: Task(DATA, metric="logit_difference", wrong="no"),
        "task 'task': no column 'no'. Set wrong= to the column with the wrong token. "
        "Known: name, number, answer, partner.",
    ),
    Case(
        "answers are words",
        lambda: Task(DATA, answer="name"),
        "task 'task': column 'name' must hold token ids, found 'a' in row 0. "
        "Dataset.from_text(rows, tokenizer, answers=['name']) turns words into ids.",
    ),
    Case(
        "too few answers",
        lambda: Task(DATA, at="pair"),
        "task 'task': the output is scored at 2 position(s), and column 'answer' holds "
        "1 token(s) in row 0. Give one token for each position, or score at one role.",
    ),
    Case(
        "label column absent",
        lambda: Task(DATA, label=NAME),
        "task 'task': no label column 'names'. Did you mean name or number?",
    ),
    Case(
        "unknown role to score at",
        lambda: Task(DATA, at="last"),
        "task 'task': no role 'last' to score the output at. Set at= to a role, an "
        "index or 'all'. Known: start, pair, end.",
    ),
    Case(
        "scored at each",
        lambda: Task(DATA, at=each("pair")),
        "task 'task': the output is scored at positions, not at each(...).",
    ),
    Case(
        "scored at no place",
        lambda: Task(DATA, at=0.5),
        "task 'task': positions must be a role's name, an index, a list of indices, "
        "'all' or each(...), not 0.5.",
    ),
    Case(
        "data is a path",
        lambda: Task(PATH),
        "task 'task': dataset must be a Dataset, not 'facts.jsonl'. Use "
        "Dataset.from_rows, or scrub.data.readers.read.",
    ),
    Case(
        "two problems",
        lambda: Task(DATA, metric="los", at="last"),
        "task 'task': metric 'los' does not exist. Did you mean loss?\n"
        "task 'task': no role 'last' to score the output at. Set at= to a role, an "
        "index or 'all'. Known: start, pair, end.",
    ),
    Case(
        "unknown task",
        lambda: task("repeated_token"),
        "task 'repeated_token': does not exist. Did you mean repeated_tokens?",
    ),
    Case(
        "unknown option of a task",
        lambda: task("repeated_tokens", rows=3),
        "task 'repeated_tokens': has no option 'rows'. Known: n, seed, vocabulary, "
        "length, shortest_period, longest_period.",
    ),
    Case(
        "task option of no kind",
        lambda: task("repeated_tokens", n=0, seed="x"),
        "task 'repeated_tokens': n must be a whole number of at least 1, not 0.\n"
        "task 'repeated_tokens': seed must be a whole number of at least 0, not 'x'.",
    ),
    Case(
        "sizes that do not fit",
        lambda: task("repeated_tokens", n=4, length=8),
        "task 'repeated_tokens': a period of 16, a query and its target need a length "
        "of at least 18, not 8.",
    ),
    Case(
        "task named nowhere",
        lambda: resolve_task("repeated", HERE),
        "task 'repeated': is neither a built-in nor a data file. Did you mean repeated_tokens?",
    ),
    Case(
        "task of no kind",
        lambda: resolve_task(NUMBER, HERE),
        "task: must be a Task, a built-in task's name or a data file, not 7.",
    ),
    Case(
        "options by position",
        lambda: resolve_task("repeated_tokens(256)", HERE),
        "task 'repeated_tokens(256)': options are written name=value, with plain "
        "values. For example repeated_tokens(n=256, seed=1).",
    ),
]

ROWS = [
    Case(
        "no rows", lambda: Dataset.from_rows([]), "data: holds no examples. Give at least two rows."
    ),
    Case(
        "a row is a list",
        lambda: Dataset.from_rows(LISTS),
        "data, row 0: must map names to values, found list.",
    ),
    Case(
        "no tokens",
        lambda: Dataset.from_rows([{"name": "a"}]),
        "data, row 0: has no 'tokens'. Each row needs a list of token ids.",
    ),
    Case(
        "text and no tokenizer",
        lambda: Dataset.from_rows([{"text": "abc"}]),
        "data, row 0: has no 'tokens'. Each row needs a list of token ids. For text, "
        "use Dataset.from_text(rows, tokenizer).",
    ),
    Case(
        "tokens nested",
        lambda: from_rows(tokens=[[1], [2, 3]]),
        "data, row 1: 'tokens' must be a list of at least one token id, not [[1], [2, 3]].",
    ),
    Case(
        "tokens empty",
        lambda: from_rows(tokens=[]),
        "data, row 1: 'tokens' must be a list of at least one token id, not [].",
    ),
    Case(
        "tokens are real",
        lambda: from_rows(tokens=[1, 2.5]),
        "data, row 1: 'tokens' must be whole numbers, found 2.5.",
    ),
    Case(
        "NaN among tokens",
        lambda: from_rows(tokens=[1, float("nan")]),
        "data, row 1: 'tokens' must be whole numbers, found nan.",
    ),
    Case(
        "a negative token",
        lambda: from_rows(tokens=[1, -2]),
        "data, row 1: token ids cannot be negative, found -2.",
    ),
    Case(
        "mask of another size",
        lambda: from_rows(attention_mask=[1]),
        "data, row 1: 6 tokens but 1 entries in 'attention_mask'.",
    ),
    Case(
        "mask of words",
        lambda: from_rows(attention_mask=["a"] * 6),
        "data, row 1: 'attention_mask' must be a list of 0 and 1, not ['a', 'a', 'a', "
        "'a', 'a', 'a'].",
    ),
    Case(
        "mask hides all",
        lambda: from_rows(attention_mask=[0] * 6),
        "data, row 1: 'attention_mask' hides every token.",
    ),
    Case(
        "mask with a hole",
        lambda: from_rows(attention_mask=[1, 0, 1, 1, 1, 1]),
        "data, row 1: 'attention_mask' hides tokens between others; pad at the ends only.",
    ),
    Case(
        "roles are a list",
        lambda: from_rows(roles=["end"]),
        "data, row 1: 'roles' must map names to positions, not ['end'].",
    ),
    Case(
        "role outside",
        lambda: from_rows(roles={"end": 6}),
        "data, row 1: role 'end' is at 6, outside the row's 6 tokens.",
    ),
    Case(
        "role in the padding",
        lambda: from_rows(roles={"end": 1}, attention_mask=[0, 0, 1, 1, 1, 1]),
        "data, row 1: role 'end' is at 1, outside the row's 4 tokens (after 2 of padding).",
    ),
    Case(
        "role is real",
        lambda: from_rows(roles={"end": 2.0}),
        "data, row 1: role 'end' must be a position or a list of them, not 2.0.",
    ),
    Case(
        "role is a text",
        lambda: from_rows(roles={"end": "Mary"}),
        "data, row 1: role 'end' must be a position or a list of them, not 'Mary'. A "
        "role given by its text needs Dataset.from_text.",
    ),
    Case(
        "role named twice",
        lambda: from_rows(roles={"pair": [5, -1]}),
        "data, row 1: role 'pair' names a position twice: [5, -1].",
    ),
    Case(
        "role called all",
        lambda: from_rows(roles={"all": 5}),
        "data, row 1: a role cannot be called 'all', which stands for all positions.",
    ),
    Case(
        "column lacking",
        lambda: Dataset.from_rows([rows()[0], {"tokens": [1]}]),
        "data, row 1: lacks the column 'answer' that the first row has.",
    ),
    Case(
        "column too many",
        lambda: from_rows(place="here"),
        "data, row 1: has a column 'place' that the first row lacks.",
    ),
    Case(
        "many rows",
        lambda: Dataset.from_rows([{"tokens": [0.5]} for _ in range(12)]),
        "data, row 0: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 1: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 2: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 3: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 4: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 5: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 6: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 7: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 8: 'tokens' must be whole numbers, found 0.5.\n"
        "data, row 9: 'tokens' must be whole numbers, found 0.5.\n"
        "data: and 2 more problems like these.",
    ),
    Case(
        "batch is ragged",
        lambda: Dataset.from_tokens([[1, 2], [3]]),
        "tokens: must be a batch [row, length], all rows equally long. Pad the rows "
        "and give attention_mask=, or use Dataset.from_rows.",
    ),
    Case(
        "batch of other sizes",
        lambda: Dataset.from_tokens(
            [[1, 2], [3, 4]], attention_mask=[[1, 1]], roles={"end": -1}, columns={"name": ["a"]}
        ),
        "attention_mask: must be as large as tokens, (2, 2).\n"
        "role 'end': must have one entry for each of 2 rows, not 0.\n"
        "column 'name': must have one entry for each of 2 rows, not 1.",
    ),
    Case(
        "inputs absent",
        lambda: Dataset.from_columns({"x0": [1.0]}, ["x0", "x1"]),
        "input 'x1': is no column. Did you mean x0?",
    ),
    Case(
        "inputs empty",
        lambda: Dataset.from_columns({"x0": []}, ["x0"]),
        "data: holds no examples. Give columns of numbers.",
    ),
    Case(
        "inputs not finite",
        lambda: Dataset.from_columns({"x0": [1.0, None]}, ["x0"]),
        "input 'x0': must hold finite numbers only.",
    ),
    Case(
        "inputs uneven",
        lambda: Dataset.from_columns({"x": [1], "y": [1, 2]}, ["x"]),
        "data: columns differ in length (x: 1, y: 2).",
    ),
]

TEXTS = [
    Case(
        "neither tokens nor text",
        lambda: Dataset.from_text([{"name": "a"}], letters),
        "data, row 0: has neither 'tokens' nor a 'text' that could be tokenized.",
    ),
    Case(
        "role not in the text",
        lambda: Dataset.from_text([{"text": "abc", "roles": {"io": "d"}}], letters),
        "data, row 0: role 'io': 'd' does not occur in its text 'abc'.",
    ),
    Case(
        "tokenizer without offsets",
        lambda: Dataset.from_text([{"text": "a b", "roles": {"io": "b"}}], words),
        "data, row 0: names a role by its text, which needs a fast tokenizer (one with "
        "offsets). Load one with use_fast=True, or give positions.",
    ),
    Case(
        "answer of several tokens",
        lambda: Dataset.from_text([{"text": "abc", "answer": "abc"}], letters, ["answer"]),
        "data, row 0: column 'answer' holds 'abc', which is 3 tokens (0, 1, 2). An "
        "answer is one token; many words are one only with the space before them.",
    ),
    Case(
        "answer column absent",
        lambda: Dataset.from_text([{"text": "abc"}], letters, ["answer"]),
        "data, row 0: lacks the answer column 'answer'.",
    ),
]


@pytest.mark.parametrize("case", [*TASKS, *ROWS, *TEXTS], ids=str)
def test_message(case: Case) -> None:
    check(case)
