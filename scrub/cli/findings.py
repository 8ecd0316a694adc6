"""Where what an intervention found goes: the screen, and the files that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scrub.mediation.findings import Finding


def keep(
    found: Finding,
    *,
    json: Path | None,
    csv: Path | None,
    pictures: Sequence[Path],
    report: Path | None,
) -> None:
    """Print the report, and write each file that is named."""
    from scrub.report.patching import report as as_text
    from scrub.report.writing import show, write

    show(as_text(found))
    if json:
        found.write_json(json)
    if csv:
        found.write_csv(csv)
    if report:
        write(as_text(found), report, title=found.KIND)
    if pictures:
        from scrub.report.canvas import save
        from scrub.report.patching_plots import picture  # brings matplotlib

        for path in pictures:
            save(picture(found), path)
