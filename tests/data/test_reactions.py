"""Reactions: their tokens, what is hidden of them, and that all are equally long."""

from __future__ import annotations

import pytest

from scrub.data.reactions import LEFT, LENGTH, REACTIONS, RIGHT, TOKEN, reactions

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture
def folder(tmp_path):
    texts = [*LEFT, *RIGHT, *(part for kind in REACTIONS.values() for part in kind), ".", ">>"]
    words = sorted({piece for text in texts for piece in TOKEN.findall(text)})
    (tmp_path / "vocab.txt").write_text("\n".join(SPECIAL + words) + "\n", encoding="utf-8")
    return tmp_path


def written(folder, tokens):
    words = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return "".join(words[token] for token in tokens)


def test_a_row_is_a_reaction_with_one_atom_of_its_product_hidden(folder):
    task = reactions(folder, n=20)
    for row in range(20):
        tokens, example = list(task.dataset.tokens(row)), task.dataset.example(row)
        (hidden,) = example["roles"]["hidden"]
        assert len(tokens) == LENGTH
        assert tokens[hidden] == SPECIAL.index("[MASK]")
        tokens[hidden] = example["atom"]
        text = written(folder, tokens).removeprefix("[CLS]").removesuffix("[SEP]")
        _, _, product = text.partition(">>")
        assert product
        assert "[" not in text
        assert hidden > tokens.index(SPECIAL.index("[CLS]"))
        assert written(folder, [example["atom"]])[0].isalpha()


def test_blocks_close_their_rings_and_their_parentheses():
    for text in (*LEFT, *RIGHT):
        assert "".join(TOKEN.findall(text)) == text
        assert text.count("(") == text.count(")")
        assert all(text.count(digit) % 2 == 0 for digit in "123")


def test_a_longer_task_begins_with_the_same_rows(folder):
    short, long = reactions(folder, n=5), reactions(folder, n=9)
    for row in range(5):
        assert dict(short.dataset.example(row)) == dict(long.dataset.example(row))
