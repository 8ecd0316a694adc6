"""The documentation's table of coverage is that of the cases which the tests here run."""

from __future__ import annotations

import pytest
from transformers import CONFIG_MAPPING

from scrub.models.families import FAMILIES
from scrub.models.families.kinds import KINDS, kind_of
from tests.architectures.coverage import CASES, PAGE, covered, page


@pytest.mark.skipif(
    any(name not in CONFIG_MAPPING for name in FAMILIES),
    reason="the page holds architectures that this transformers does not have",
)
def test_the_page_is_what_the_cases_say():
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "python -m tests.architectures.coverage writes it anew"


def test_every_architecture_with_facts_has_a_case():
    assert {case.model_type for case in CASES} == {n for n in FAMILIES if n in CONFIG_MAPPING}


def test_as_many_of_each_kind_as_is_promised():
    found = {kind: set() for kind in KINDS}
    for case in CASES:
        found[kind_of(covered(case).family)].add(case.model_type)
    least = dict(zip(KINDS, (40, 8, 4, 3, 3), strict=True))
    assert all(len(found[kind]) >= least[kind] for kind in KINDS)
    mixing = {case.model_type for case in CASES if "mixers" in covered(case).parts}
    assert len(mixing) >= 2
    assert len({case.model_type for case in CASES}) >= 60
