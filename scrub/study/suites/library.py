"""A library: suites that one file names, run one after another on one store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrub.data.files import existing_file
from scrub.errors import InputRefused, Problem, nearest
from scrub.study.suites.jobs import matches
from scrub.study.suites.page import Page, page_of
from scrub.study.suites.suite import Suite
from scrub.study.suites.suite_file import parsed, suite_in

KEYS = ("suites", "page")


@dataclass(frozen=True)
class Library:
    """Several suites, and the page that has a line for each of their results.

    A suite that `needs` fetched models is run where they are asked for; those `given` need not be.
    """

    suites: tuple[Suite, ...]
    name: str
    page: Page | None = None
    given: Collection[str] = ()

    def chosen(self, fetched: Collection[str] = (), only: str | None = None) -> tuple[Suite, ...]:
        """The suites that need nothing but these fetched models, and have a job that matches.

        Raises `InputRefused` for a model that no suite needs, and where nothing matches.
        """
        every = dict.fromkeys(name for suite in self.suites for name in suite.needs)
        needed = [name for name in every if name not in self.given]
        problems = [
            Problem(
                "option 'with'",
                f"no suite needs '{name}'.",
                nearest(name, needed) if needed else "",
            )
            for name in fetched
            if name not in needed
        ]
        if problems:
            raise InputRefused(problems)
        there = {*fetched, *self.given}
        able = tuple(suite for suite in self.suites if there.issuperset(suite.needs))
        if only is None:
            return able
        matching = tuple(
            suite for suite in able if any(matches(job.label, only) for job in suite.jobs())
        )
        if not matching:
            found = f"'{only}' matches no job of {', '.join(suite.name for suite in able)}."
            raise InputRefused(Problem("option 'only'", found))
        return matching


def read_suites(path: str | Path) -> Library:
    """A library as it is, and a suite as a library of one that needs nothing: it is asked for by
    itself. Raises `InputRefused` with everything that is wrong at once."""
    path = existing_file(path, [".toml"]).resolve()
    written = parsed(path)
    if "suites" in written:
        return _library(path, written)
    suite = suite_in(path, written)
    return Library((suite,), suite.name, given=suite.needs)


def _library(path: Path, written: Mapping[str, Any]) -> Library:
    """The suites of a file, each looked for beside it.

    Raises `InputRefused` with everything that is wrong at once, in all of them.
    """
    problems = [
        Problem(f"{path.name}: '{name}'", "is no key of a library.", nearest(name, KEYS))
        for name in written
        if name not in KEYS
    ]
    suites = []
    for name in _named(written, path.name, problems):
        try:
            suites.append(Suite.read(path.parent / name))
        except InputRefused as refused:
            problems += refused.problems
    page = None
    if "page" in written and not problems:
        page = _page(written["page"], suites, path, problems)
    if problems:
        raise InputRefused(problems)
    return Library(tuple(suites), path.stem, page)


def _named(written: Mapping[str, Any], file: str, problems: list[Problem]) -> Iterator[str]:
    names = written.get("suites", ())
    if not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        found = f"must be a list of suites' files, found {names!r}."
        problems.append(Problem(f"{file}: suites", found))
        return
    yield from dict.fromkeys(names)


def _page(written: Any, suites: list[Suite], path: Path, problems: list[Problem]) -> Page | None:
    """The page of the library, which has a place for each suite; what is wrong is noted once."""
    page = None
    for suite in suites:
        try:
            page = page_of(written, suite)
        except InputRefused as refused:
            found = [Problem(f"{path.name}: page", p.found, p.fix) for p in refused.problems]
            problems += [one for one in found if one not in problems]
    return page
