"""The positions of a trace, one column each, and what stands there: tokens by their strings.

Written: `roles`, `all` (every position by itself), `together` (all at once), a role (`subject`,
`subject[1]`), an index, a range (`0-19`); `image:all` speaks of one position space alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.data.dataset import Ints
from scrub.errors import InputRefused, Problem, nearest
from scrub.graph import ALL, SEQUENCES, Indices, Positions, Role
from scrub.mediation.subject import Subject
from scrub.models.base import Model

KEYWORDS = ("roles", "all", "together")
_RANGE = re.compile(r"^(?P<first>\d+)(?:-(?P<last>\d+))?$")
_ITEM = re.compile(r"^(?P<name>.+)\[(?P<item>\d+)\]$")

Spell = Callable[[int], str]
Written = str | int | Role | Sequence[str | int | Role]


@dataclass(frozen=True)
class Column:
    """A position, or several as one, of a space.

    `token` is what stands there in every example, "" where that differs; `role` the roles that
    cover the index in every example.
    """

    space: str
    at: Positions
    position: str
    token: str = ""
    role: str = ""


def columns(
    written: Written, subject: Subject, spaces: Iterable[str], spell: Spell | None = None
) -> tuple[Column, ...]:
    """The columns of these spaces, each once. Raises `InputRefused` with all that is wrong.

    `spell` gives a token's string; token ids stand for themselves without it.
    """
    given = [written] if isinstance(written, (str, int, Role)) else list(written)
    pieces = [p for g in given for p in (g.split(",") if isinstance(g, str) else [g])]
    known = list(dict.fromkeys(spaces))
    table = _Table(subject, known, spell or str)
    found: dict[tuple[str, Positions], Column] = {}
    problems: list[Problem] = []
    for piece in pieces:
        try:
            found |= {(c.space, c.at): c for c in table.read(piece)}
        except InputRefused as refused:
            problems += refused.problems
    if not found and not problems:
        fix = "Write all, together or an index."
        problems = [Problem(f"positions '{written}'", "there are none in these data.", fix)]
    if problems:
        raise InputRefused(problems)
    return tuple(found.values())


@dataclass(frozen=True, eq=False)
class _Table:
    subject: Subject
    spaces: Sequence[str]
    spell: Spell

    def read(self, piece: str | int | Role) -> list[Column]:
        """The columns that one piece stands for."""
        if isinstance(piece, Role):
            return self.roles([piece], self.spaces)
        where, name = f"positions '{piece}'", str(piece).strip()
        space, colon, rest = name.partition(":")
        some: Sequence[str] = self.spaces
        if colon and space in self.subject.model.graph.space:
            some, name = [s for s in self.spaces if s == space], rest.strip()
        if name == "all":
            return [self.index(s, i) for s in some for i in range(self.length(s, where))]
        if name == "together":
            return [Column(s, ALL, "together") for s in some]
        if name == "roles":
            return self.roles(map(Role, self.subject.task.dataset.roles), some)
        if match := _RANGE.match(name):
            first, last = int(match["first"]), int(match["last"] or match["first"])
            return self.indices(range(first, last + 1), some, where)
        item = _ITEM.match(name)
        role = Role(item["name"], int(item["item"])) if item else Role(name)
        known = self.subject.task.dataset.roles
        if role.name not in known:
            fix = nearest(role.name, [*known, *KEYWORDS])
            raise InputRefused(Problem(where, f"there is no role '{role.name}'.", fix))
        return self.roles([role], some)

    def roles(self, roles: Iterable[Role], spaces: Sequence[str]) -> list[Column]:
        dataset = self.subject.task.dataset
        found, problems = [], list[Problem]()
        for role in roles:
            if (space := dataset.role_space(role.name)) not in spaces:
                continue
            sizes = {len(spots) for spots in dataset.roles[role.name]}
            where = f"positions '{role}'"
            if len(sizes) > 1 or 0 in sizes:
                shown = " or ".join(map(str, sorted(sizes)))
                said = f"the role has {shown} positions in an example, and must have equally many."
                problems.append(Problem(where, said, "Name the other roles."))
            elif role.item is not None and role.item >= min(sizes):
                problems.append(Problem(where, f"the role has {min(sizes)} positions."))
            else:
                found.append(Column(space, role, str(role), self.token(space, role)))
        if problems:
            raise InputRefused(problems)
        return found

    def indices(self, wanted: range, spaces: Sequence[str], where: str) -> list[Column]:
        """Those in spaces that all examples have them in; some space must."""
        shortest = {space: int(self.lengths(space).min()) for space in spaces}
        fit = [space for space in spaces if wanted and wanted[-1] < shortest[space]]
        if not fit:
            shown = " and ".join(f"{n} positions in '{space}'" for space, n in shortest.items())
            found = f"the shortest example has {shown or 'no such positions'}."
            raise InputRefused(Problem(where, found, "Count from 0."))
        return [self.index(space, i) for space in fit for i in wanted]

    def index(self, space: str, i: int) -> Column:
        at = Indices((i,))
        return Column(space, at, str(i), self.token(space, at), self.role(space, i))

    def lengths(self, space: str) -> Ints:
        subject = self.subject
        graph = subject.model.graph
        return subject.task.dataset.lengths_in(graph.space[space])[subject.rows]

    def length(self, space: str, where: str) -> int:
        """Of every example; what is laid side by side must be equally long."""
        lengths = self.lengths(space)
        if lengths.min() == lengths.max():
            return int(lengths[0])
        found = f"examples must be of one length in '{space}', found lengths from "
        found += f"{lengths.min()} to {lengths.max()}."
        raise InputRefused(Problem(where, found, "Name roles, or give examples of one length."))

    def token(self, space: str, at: Positions) -> str:
        """What stands there in every example; "" where it differs, or is no token."""
        dataset, table = self.subject.task.dataset, self.subject.task.dataset.positions(at)
        if space not in SEQUENCES or space not in dataset.fields or table is None:
            return ""
        fields, rows = dataset.fields[space], self.subject.rows.tolist()
        held = {tuple(fields[int(dataset.sequence[r])][table[r]].tolist()) for r in rows}
        return "".join(map(self.spell, held.pop())) if len(held) == 1 else ""

    def role(self, space: str, i: int) -> str:
        """The roles that hold this index in every example."""
        dataset = self.subject.task.dataset
        rows = self.subject.rows.tolist()
        names = dataset.roles_in(space)
        return ", ".join(n for n in names if all(i in dataset.roles[n][row] for row in rows))


def speller(model: Model, tokenizer: Any = None) -> Spell | None:
    """How a model's tokens are spelt: by the tokenizer given, or the one in its folder."""
    found = tokenizer or _tokenizer(Path(str(getattr(model, "name", model.graph.name))))
    if found is None:
        return None
    return lambda token: str(found.decode([token]))


def _tokenizer(folder: Path) -> Any:
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        return None
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception:  # whatever is wrong with it: positions have their token ids instead
        return None
