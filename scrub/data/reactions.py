"""Chemical reactions as SMILES with one atom of the product hidden: what RXNMapper was trained on.

    O C C ( C ) C . C C ( = O ) O >> C C ( = O ) O C C ( [MASK] ) C

Each is one of a few textbook reactions between random building blocks, and its product is put
together from their text. Every reaction has equally many tokens, so that means can be taken
position by position. Nothing here needs rdkit, or the package that the model comes from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scrub.data.dataset import Dataset
from scrub.data.task import Task

# what rxnmapper splits SMILES into; its vocabulary goes with it
TOKEN = re.compile(
    r"\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|/|:|~|@|\?|>>?|\*|\$|"
    r"%[0-9]{2}|[0-9]"
)
ATOM = re.compile(r"\[|[A-Zbcnops]")
LENGTH = 41  # tokens of a reaction, [CLS] and [SEP] among them; always odd

# The last atom of these has a free place, ...
LEFT = (
    "C", "CC", "CCC", "CC(C)", "CCCC", "CC(C)C", "CC(C)(C)", "C1CCCCC1", "COCC", "C=CC",
    "N#CCC", "FC(F)(F)C", "Clc1ccccc1C", "COc1ccccc1C", "CCOC(=O)C", "CSCC", "CC(=O)C",
    "c1ccccc1", "Cc1ccccc1", "c1ccncc1", "Fc1ccccc1", "c1ccsc1", "c1ccoc1",
)  # fmt: skip
# ... and the first one of these.
RIGHT = (
    "C", "CC", "CCC", "C(C)C", "CC(C)C", "CCCC", "CC=C", "CCOC", "CC#N", "CC(F)(F)F", "C1CCCC1",
    "CC1CC1", "Cc1ccccc1", "CCc1ccccc1", "Cc1ccncc1", "Cc1ccc(F)cc1", "Cc1ccc(OC)cc1",
    "c1ccccc1", "c1ccc(C)cc1", "c1ccc(Cl)cc1", "c1ccncc1", "c1ccc(C#N)cc1", "CC(=O)OCC",
)  # fmt: skip
REACTIONS: Mapping[str, tuple[str, str, str]] = {  # what is left of both, and what joins them
    "ether": ("{}O", "Br{}", "{}O{}"),
    "thioether": ("{}S", "Br{}", "{}S{}"),
    "amine": ("{}N", "Br{}", "{}N{}"),
    "amide": ("{}C(=O)O", "N{}", "{}C(=O)N{}"),
    "ester": ("{}C(=O)O", "O{}", "{}C(=O)O{}"),
    "acylation": ("{}C(=O)Cl", "N{}", "{}C(=O)N{}"),
    "sulfonamide": ("{}S(=O)(=O)Cl", "N{}", "{}S(=O)(=O)N{}"),
    "urea": ("{}N=C=O", "N{}", "{}NC(=O)N{}"),
}


def reactions(folder: str | Path, *, n: int = 512, seed: int = 0) -> Task:
    """The task: the loss at a hidden atom of the product. The words are those of a model folder."""
    words = vocabulary(folder)
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    while len(rows) < n:
        kind, text = _reaction(rng)
        pieces = TOKEN.findall(text)
        if len(pieces) + 2 == LENGTH and all(piece in words for piece in pieces):
            rows.append(_row(rng, kind, pieces, words))
    return Task(
        Dataset.from_rows(rows, "task 'reactions'"),
        metric="loss",
        answer="atom",
        at="hidden",
        name="reactions",
    )


def vocabulary(folder: str | Path) -> Mapping[str, int]:
    """The number of each token, from a model's vocab.txt."""
    lines = (Path(folder) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return {line: number for number, line in enumerate(lines)}


def _reaction(rng: np.random.Generator) -> tuple[str, str]:
    """A reaction of some kind between two building blocks, in either order."""
    kind = str(rng.choice(list(REACTIONS)))
    first, second, product = REACTIONS[kind]
    left, right = str(rng.choice(LEFT)), str(rng.choice(RIGHT))
    reactants = [first.format(left), second.format(right)]
    if rng.random() < 0.5:
        reactants.reverse()
    return kind, f"{'.'.join(reactants)}>>{product.format(left, right)}"


def _row(
    rng: np.random.Generator, kind: str, pieces: list[str], words: Mapping[str, int]
) -> dict[str, Any]:
    tokens = [words[piece] for piece in ("[CLS]", *pieces, "[SEP]")]
    arrow = pieces.index(">>")
    atoms = [i for i, piece in enumerate(pieces) if i > arrow and ATOM.match(piece)]
    hidden = int(rng.choice(atoms)) + 1
    atom, tokens[hidden] = tokens[hidden], words["[MASK]"]
    return {"tokens": tokens, "roles": {"hidden": hidden}, "atom": atom, "kind": kind}
