"""What results are called where one hypothesis has several."""

from __future__ import annotations

from dataclasses import replace

from scrub.report.page.called import called
from tests.report.fixed import RESULT


def test_results_of_one_name_are_told_apart_by_what_differs() -> None:
    one = RESULT
    other = replace(one, metric="accuracy")
    assert called([one]) == (one.name,)
    assert called([one, other]) == (f"{one.name} · {one.metric}", f"{one.name} · accuracy")
    assert called([one, one]) == (one.name, f"{one.name} (2)")
    seeded = replace(one, conventions={**one.conventions, "seed": 99})
    assert called([one, seeded])[1] == f"{one.name} · seed 99"
