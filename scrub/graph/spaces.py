"""Position spaces: the axes along which a model's components are laid out.

A decoder has one, its tokens. An encoder-decoder has two; a vision model has the patches of its
image, and what it pools lives at a single position. Positions of two spaces are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from scrub.errors import InputRefused, Problem

TOKENS = "tokens"
SEQUENCES = (TOKENS, "decoder_tokens")  # fields that hold one entry for each position
IMAGE = "image"


@dataclass(frozen=True)
class Space:
    """One position axis of a model: what lays it out, and its bounds.

    `name` is also that of the field of an example that lays it out. `length` is a fixed number of
    positions (patches of an image, 1 for a pooled output), 0 where there are as many as the field
    has entries; `vocabulary` how many token ids it knows, 0 where it holds no tokens; `longest`
    the most positions, 0 where unbounded; `given` whether an example must bring the field; `shape`
    that of an image, (channels, height, width). `placeholder` is the token in whose places a model
    puts the features of an image, and `placeholders` how many of them each example has.

    >>> Space("image", length=4, shape=(3, 8, 8)).fixed, Space("tokens").fixed
    (True, False)
    """

    name: str
    length: int = 0
    vocabulary: int = 0
    longest: int = 0
    given: bool = True
    shape: tuple[int, ...] = ()
    placeholder: int = -1
    placeholders: int = 0

    def __post_init__(self) -> None:
        if not self.length and self.name not in SEQUENCES:
            found = "is laid out by no sequence of an example, and says no length."
            fix = f"Give length=, or name it {' or '.join(SEQUENCES)}."
            raise InputRefused(Problem(f"space '{self.name}'", found, fix))

    @property
    def fixed(self) -> bool:
        """Whether it has equally many positions in every example."""
        return self.length > 0
