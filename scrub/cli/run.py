"""scrub run"""

from __future__ import annotations

from scrub.cli import options as o
from scrub.cli.asking import CONVENTIONS, MACHINE, NULL, STATISTICS, STOPPING, Asked, asking


@asking(STOPPING | STATISTICS | NULL | MACHINE | CONVENTIONS)
def run(
    file: o.File,
    json: o.JsonPath = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    *,
    asked: Asked,
) -> None:
    """Scrub a hypothesis and report how much of the model's performance it recovers."""
    from scrub.cli.findings import keep_all, require_targets
    from scrub.cli.progress import bars
    from scrub.report.text import report as as_text

    settings, hypothesis = asked.settings(), asked.hypothesis(file)
    require_targets(json, report=report)
    with bars(quiet) as progress:
        from scrub.study.experiment import run as scrubbed  # brings torch, behind the first bar

        result = scrubbed(hypothesis, settings, progress=progress)
    keep_all(result, as_text(result), result.name, json=json, report=report)
