"""The tables themselves: long enough, no case twice, and their check can fail."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from scrub import InputRefused
from scrub.errors import Problem
from scrub.hypothesis.rules import RULES
from tests.messages import (
    test_features_and_options,
    test_files,
    test_nodes_and_edges,
    test_spaces,
    test_tasks_and_rows,
)
from tests.messages.tables import Case, check

MODULES = (
    test_nodes_and_edges,
    test_features_and_options,
    test_tasks_and_rows,
    test_files,
    test_spaces,
)


def cases_of(module: ModuleType) -> list[Case]:
    tables = [value for value in vars(module).values() if isinstance(value, list)]
    return [case for table in tables for case in table if isinstance(case, Case)]


CASES = [case for module in MODULES for case in cases_of(module)]


def test_there_are_many_malformed_inputs() -> None:
    assert len(CASES) >= 45
    for module in MODULES:
        names = [case.name for case in cases_of(module)]
        assert len(names) == len(set(names))


def test_every_message_says_where_and_ends_a_sentence() -> None:
    for case in CASES:
        for line in case.message.splitlines():
            assert ": " in line, case.name
            assert line.endswith((".", "?")) or "raised" in line, case.name


def _refuse(message: str) -> None:
    raise InputRefused(Problem("here", message))


def test_check_passes_where_the_message_is_the_stated_one() -> None:
    check(Case("same", lambda: _refuse("is wrong."), "here: is wrong."))


@pytest.mark.parametrize("case", cases_of(test_nodes_and_edges)[:3], ids=str)
def test_check_fails_if_a_message_changes(case: Case) -> None:
    with pytest.raises(AssertionError):
        check(replace(case, message=case.message + " "))


def test_check_fails_if_nothing_is_refused() -> None:
    with pytest.raises(pytest.fail.Exception):
        check(Case("nothing wrong", lambda: None, "here: is wrong."))


def test_every_rule_has_a_case() -> None:
    """Each rule reports at least one of the problems in the tables."""
    fired: set[str] = set()
    for module in (test_nodes_and_edges, test_features_and_options, test_spaces):
        for case in cases_of(module):
            with pytest.raises(InputRefused) as caught:
                case.call()
            fired |= {problem.rule for problem in caught.value.problems}
    assert {rule.__name__ for rule in RULES} <= fired
