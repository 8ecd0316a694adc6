"""What results are called where several of one hypothesis stand on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from scrub.results.result import Result

TOLD: Mapping[str, Callable[[Result], str]] = {  # what may tell them apart, in this order
    "model": lambda one: one.model,
    "metric": lambda one: one.metric,
    "task": lambda one: one.task,
}
CONVENTIONS = ("unimportant", "nodes", "replacement", "donors", "baseline", "root", "seed", "draws")


def called(results: Sequence[Result]) -> tuple[str, ...]:
    """Each result's name; where a name comes twice, all with what differs among the results.

    The last resort is a number.
    """
    names = [one.name for one in results]
    if len(set(names)) < len(names):
        apart = [tell for tell in _tellers() if len({tell(one) for one in results}) > 1]
        names = [" · ".join([one.name, *(tell(one) for tell in apart)]) for one in results]
    seen: Counter[str] = Counter()
    told = []
    for name in names:
        seen[name] += 1
        told.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return tuple(told)


def _tellers() -> list[Callable[[Result], str]]:
    def convention(name: str) -> Callable[[Result], str]:
        return lambda one: f"{name} {one.conventions.get(name)}"

    return [*TOLD.values(), *(convention(name) for name in CONVENTIONS)]
