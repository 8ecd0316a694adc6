"""What a run is corrupted with, as users write it: `embed@subject=noise:3`.

Before the first `=` stands a place (or several of one kind), after it what stands there instead.
Noise on the embeddings of named tokens is that of Meng et al. 2022 ("Locating and editing factual
associations in GPT", 2.1); a contrast is `embed=partner:COLUMN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from scrub.engine.edits import finer
from scrub.engine.replacements import Replacement, replacement
from scrub.engine.worlds import What
from scrub.errors import InputRefused, Problem
from scrub.graph import Part
from scrub.mediation.ablation import require_columns
from scrub.mediation.measuring import is_random
from scrub.mediation.places import Place
from scrub.mediation.scene import Change
from scrub.mediation.subject import Subject

EXAMPLE = "For example embed@subject=noise:3, or embed=partner:contrast."

Where = str | Place | What
Pair = tuple[Where, str | Replacement]
Written = str | Mapping[Where, str | Replacement] | Iterable[str | Pair]


@dataclass(frozen=True)
class Corruption:
    """Replacements at places, all at once.

    >>> from scrub.engine.replacements import Noise
    >>> from scrub.graph import Role
    >>> str(Corruption(((Place(Part("embed"), Role("subject")), Noise(3)),)))
    'embed@subject=noise:3'
    """

    changes: tuple[Change, ...]

    def __str__(self) -> str:
        return "; ".join(self.written)

    @property
    def written(self) -> tuple[str, ...]:
        """Each change as users write it."""
        return tuple(f"{place}={new}" for place, new in self.changes)

    @property
    def is_random(self) -> bool:
        return any(is_random(new) for _, new in self.changes)


def pairs(written: Written) -> list[tuple[Where, Replacement]]:
    """Places and what is put there, read off what users write. Raises `InputRefused`.

    A text may hold several, with `;` between them.

    >>> pairs("embed@subject=noise:3")
    [('embed@subject', Noise(scale=3.0))]
    >>> pairs({"embed": "toward:colour=red"})
    [('embed', Toward(column='colour', value='red'))]
    """
    listed: Iterable[str | Pair]
    if isinstance(written, str):
        listed = [written]
    else:
        listed = written.items() if isinstance(written, Mapping) else written
    given = [p for one in listed for p in (one.split(";") if isinstance(one, str) else [one])]
    if not given:
        raise InputRefused(Problem("corruption", "there is none.", EXAMPLE))
    found, problems = [], list[Problem]()
    for one in given:
        try:
            where, new = _split(one) if isinstance(one, str) else one
            found.append((where, replacement(new)))
        except InputRefused as refused:
            problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return found


def _split(written: str) -> tuple[str, str]:
    where, equals, new = written.partition("=")
    if not equals or not where.strip() or not new.strip():
        found = "is written PLACE=REPLACEMENT."
        raise InputRefused(Problem(f"corruption '{written}'", found, EXAMPLE))
    return where.strip(), new.strip()


def corruption(written: Written, subject: Subject) -> Corruption:
    """The corruption that users write, at places that the model and the data have.

    Raises `InputRefused` with all that is wrong.
    """
    changes: list[Change] = []
    problems: list[Problem] = []
    for where, new in pairs(written):
        try:
            require_columns(subject, new)
            changes += [(place, new) for place in subject.places(where)]
        except InputRefused as refused:
            problems += refused.problems
    if problems:
        raise InputRefused(problems)
    return Corruption(tuple(changes))


def require_apart(made: Corruption, whats: Iterable[What]) -> None:
    """Refuse neurons and experts of what is corrupted as a whole, or that share some with it: what
    they add is not known any more. Raises `InputRefused`."""
    problems = [
        Problem(
            f"cell '{what}'",
            f"is a part of what the corruption {place}={new} replaces, or shares one with it.",
            f"Name {place.what} itself, or another component.",
        )
        for what in dict.fromkeys(whats)
        for place, new in made.changes
        if _overlap(what, place.what)
    ]
    if problems:
        raise InputRefused(problems)


def _overlap(what: What, corrupted: What) -> bool:
    if not isinstance(what, Part) or not isinstance(corrupted, Part) or what == corrupted:
        return False
    if not finer(what) or what.component != corrupted.component:
        return False
    if finer(corrupted) and (what.neurons is None) == (corrupted.neurons is None):
        (first, last), (start, end) = what.place, corrupted.place
        return first <= end and start <= last
    return True
