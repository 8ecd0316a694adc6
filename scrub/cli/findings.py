"""Where what an intervention found goes: the screen, and the files that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from scrub.mediation.findings import Finding


def require_targets(
    json: Path | None, csv: Path | None, png: Path | None, svg: Path | None, report: Path | None
) -> None:
    """Refuse files that could not be written, before anything is measured. Raises
    `InputRefused`."""
    from scrub.report.writing import REPORTS, require_target

    targets = {"json": json, "csv": csv, "png": png, "svg": svg}
    for name, path in targets.items():
        require_target(f"--{name}", path, (f".{name}",))
    require_target("--report", report, REPORTS)


def keep_wired(
    found: Finding,
    text: RenderableType,
    *,
    json: Path | None,
    csv: Path | None,
    pictures: Sequence[Path],
    report: Path | None,
) -> None:
    """As `keep`, of what was found about edges, paths and attributions."""

    def picture(finding: Finding) -> Figure:
        from scrub.report.wired_plots import picture as made  # brings matplotlib

        return made(finding)

    _kept(found, text, picture, json, csv, pictures, report)


def keep_text(
    found: Finding,
    text: RenderableType,
    *,
    json: Path | None,
    csv: Path | None,
    report: Path | None,
) -> None:
    """As `keep`, of what has no picture."""

    def picture(finding: Finding) -> Figure:
        raise TypeError(f"there is no picture of a {type(finding).__name__}.")

    _kept(found, text, picture, json, csv, (), report)


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

    def picture(finding: Finding) -> Figure:
        from scrub.report.patching_plots import picture as made  # brings matplotlib

        return made(finding)

    _kept(found, as_text(found), picture, json, csv, pictures, report)


def _kept(
    found: Finding,
    text: RenderableType,
    picture: Callable[[Finding], Figure],
    json: Path | None,
    csv: Path | None,
    pictures: Sequence[Path],
    report: Path | None,
) -> None:
    from scrub.report.writing import show, write

    show(text)
    if json:
        found.write_json(json)
    if csv:
        found.write_csv(csv)
    if report:
        write(text, report, title=found.KIND)
    if pictures:
        from scrub.report.canvas import save

        for path in pictures:
            save(picture(found), path)
