"""Where what a command found goes: the screen, and the files that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from scrub.mediation.findings import Finding


def require_targets(
    json: Path | None = None,
    csv: Path | None = None,
    png: Path | None = None,
    svg: Path | None = None,
    report: Path | None = None,
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

    keep_all(
        found,
        text,
        found.KIND,
        picture=picture,
        json=json,
        csv=csv,
        pictures=pictures,
        report=report,
    )


def keep_text(
    found: Finding,
    text: RenderableType,
    *,
    json: Path | None,
    csv: Path | None,
    report: Path | None,
) -> None:
    """As `keep`, of what has no picture."""
    keep_all(found, text, found.KIND, json=json, csv=csv, report=report)


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

    keep_all(
        found,
        as_text(found),
        found.KIND,
        picture=picture,
        json=json,
        csv=csv,
        pictures=pictures,
        report=report,
    )


def keep_all(
    found: Any,
    text: RenderableType,
    title: str,
    *,
    picture: Callable[[Any], Figure] | None = None,
    json: Path | None = None,
    csv: Path | None = None,
    pictures: Sequence[Path | None] = (),
    report: Path | None = None,
) -> None:
    """Print a report, and write each file that is named; a title is what the report is called."""
    from scrub.report.writing import show, write

    show(text)
    if json:
        found.write_json(json)
    if csv:
        found.write_csv(csv)
    if report:
        write(text, report, title=title)
    for path in filter(None, pictures):
        from scrub.report.canvas import save

        assert picture is not None  # commands without a picture take no path for one
        save(picture(found), path)
