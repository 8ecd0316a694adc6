"""What a trace finds: the effects of every cell, and all that they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from scrub.engine.metrics import Floats
from scrub.mediation.carrying import Direction
from scrub.mediation.cells import Cell
from scrub.mediation.corruption import Corruption
from scrub.mediation.findings import Finding, Row
from scrub.mediation.measuring import Setting, bounds_cells
from scrub.mediation.pictures import Grid, grids, image
from scrub.mediation.sweep import Swept
from scrub.statistics.effects import mean_effects, shares
from scrub.statistics.recovered import Bounds

EFFECTS = ("total", "direct", "indirect")


@dataclass(frozen=True)
class Traced:
    """One cell: what was carried over, where, and what came of it, in units of the metric.

    - `kind`, `component`, `space`, `position`: as the cell was written; `token` what stands there
      in every example ("" where that differs), `role` the roles that cover the position.
    - `total`: the metric with the cell carried over, less the base's. `direct`: with its difference
      added to the final stream alone. `indirect`: total − direct.
    - `share`: total / (wild − corrupted) as a ratio of means, of a knock-out with its sign turned;
      None where the ratio is refused.
    """

    kind: str
    component: str
    space: str
    position: str
    token: str
    role: str
    total: Bounds
    direct: Bounds
    indirect: Bounds
    share: Bounds | None


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Finding):
    """The effects of all cells under a corruption, with intervals over examples.

    - `wild`, `corrupted`: means of the metric in the two runs; `whole`: wild − corrupted.
    - `refusal`: why there are no shares, else None.
    - `unchanged`: the share of draws that changed nothing, None where nothing is drawn from data.
    - `grids`: for each position space in which an image lies, how its patches are laid out.
    - `cost`: forward passes over all items (at most), cells run, equal and known, seconds.

    `per_example` holds `rows`, `wild`, `corrupted` [example] and `total`, `direct` [cell, example].
    """

    KIND: ClassVar[str] = "trace"

    metric: str
    direction: str
    corruption: tuple[str, ...]
    wild: Bounds
    corrupted: Bounds
    whole: Bounds
    cells: tuple[Traced, ...]
    refusal: str | None
    unchanged: float | None
    notes: tuple[str, ...]
    grids: tuple[Grid, ...]
    cost: Mapping[str, float]

    def __getitem__(self, name: str) -> Traced:
        """The first cell of a name, `a1.h0@end`. Raises KeyError."""
        for cell in self.cells:
            if f"{cell.component}@{cell.position}" == name:
                return cell
        raise KeyError(name)

    def top(self, most: int | None = None, effect: str = "total") -> tuple[Traced, ...]:
        """The cells with the largest effects (their absolute values), the largest first."""
        order = sorted(self.cells, key=lambda cell: -abs(getattr(cell, effect).value))
        return tuple(order[:most])

    def table(self) -> Sequence[Row]:
        said = [f.name for f in fields(Traced) if f.type == "str"]
        found = []
        for cell in self.cells:
            named: dict[str, object] = {name: getattr(cell, name) for name in said}
            for name in (*EFFECTS, "share"):
                named |= bounds_cells(name, getattr(cell, name))
            found.append(named)
        return found


def assembled(
    setting: Setting,
    made: Corruption,
    some: Sequence[Cell],
    way: Direction,
    swept: Swept,
    seconds: float,
) -> Trace:
    """Means over draws, and their intervals over examples."""
    subject, units, how = setting.subject, setting.units, setting.how
    wild, corrupted, total, direct = (
        subject.averaged(values)
        for values in (swept.wild, swept.corrupted, swept.total, swept.direct)
    )
    base, source = (corrupted, wild) if way is Direction.RESTORE else (wild, corrupted)
    parts = [total - base, direct - base, total - direct]
    found = [_effects(part, setting) for part in parts]
    ratios, refusal = _shares(total, source, base, setting)
    runs = mean_effects(np.stack([wild, corrupted, wild - corrupted]), units, how)
    traced = [
        Traced(
            cell.row.kind,
            cell.row.name,
            cell.row.space,
            cell.column.position,
            cell.column.token,
            cell.column.role,
            effects[0],
            effects[1],
            effects[2],
            share,
        )
        for cell, share, *effects in zip(some, ratios, *found, strict=True)
    ]
    held = {"rows": subject.rows, "wild": wild, "corrupted": corrupted}
    return Trace(
        conventions=setting.conventions(
            direction=way.value,
            corruption=list(made.written),
            cells=len(some),
            direct="the difference in the final stream alone",
            device=subject.model.device.type,
            dtype=str(subject.model.dtype).removeprefix("torch."),
        ),
        per_example={**held, "total": total, "direct": direct, **image(subject)},
        metric=subject.task.metric_name,
        direction=way.value,
        corruption=made.written,
        wild=runs.bounds(0),
        corrupted=runs.bounds(1),
        whole=runs.bounds(2),
        cells=tuple(traced),
        refusal=refusal,
        unchanged=swept.unchanged,
        notes=runs.notes,
        grids=grids(subject),
        cost={
            "forward_passes": swept.passes,
            "evaluated": swept.evaluated,
            "same": swept.same,
            "known": swept.known,
            "seconds": seconds,
        },
    )


def _is_alone(setting: Setting) -> bool:
    """One unit, which has no intervals."""
    units = setting.subject.rows if setting.units is None else setting.units
    return len(set(units.tolist())) == 1


def _effects(values: Floats, setting: Setting) -> list[Bounds]:
    """Mean effects [cell, example]; of what is 0 in every example nothing is resampled."""
    some = np.flatnonzero(values.any(axis=1))
    ends = None if _is_alone(setting) else 0.0
    found = [Bounds(0.0, ends, ends)] * len(values)
    if len(some):
        effects = mean_effects(values[some], setting.units, setting.how)
        for i, cell in enumerate(some.tolist()):
            found[cell] = effects.bounds(i)
    return found


def _shares(
    values: Floats, source: Floats, base: Floats, setting: Setting
) -> tuple[list[Bounds | None], str | None]:
    """Shares of the whole effect, and why there are none."""
    some = np.flatnonzero((values != base).any(axis=1))
    ends = None if _is_alone(setting) else 0.0
    found: list[Bounds | None] = [Bounds(0.0, ends, ends)] * len(values)
    ratios = shares(values[some], source, base, setting.units, setting.how)
    if ratios.refusal is not None:
        return [None] * len(values), ratios.refusal
    for i, cell in enumerate(some.tolist()):
        found[cell] = ratios.bounds(i)
    return found, None
