"""scrub run"""

from __future__ import annotations

from scrub.cli import options as o
from scrub.study.settings import Settings


def run(
    file: o.File,
    json: o.JsonPath = None,
    report: o.ReportPath = None,
    quiet: o.Quiet = False,
    references: o.References = Settings.references,
    draws: o.Draws = Settings.draws,
    until: o.Until = Settings.until,
    most_references: o.MostReferences = Settings.most_references,
    most_draws: o.MostDraws = Settings.most_draws,
    seed: o.Seed = Settings.seed,
    level: o.Level = Settings.level,
    interval: o.IntervalName = Settings.interval,
    estimand: o.EstimandName = Settings.estimand,
    null: o.NullName = Settings.null,
    model: o.ModelPath = None,
    batch: o.Batch = Settings.batch,
    memory: o.Memory = Settings.memory,
    device: o.Device = Settings.device,
    dtype: o.Dtype = Settings.dtype,
    threads: o.Threads = Settings.threads,
    unimportant: o.Unimportant = None,
    nodes: o.Nodes = None,
    replacement: o.Replacement = None,
    donors: o.Donors = None,
    baseline: o.Baseline = None,
    root: o.Root = None,
    self_donation: o.SelfDonation = None,
    limit: o.Limit = None,
) -> None:
    """Scrub a hypothesis and report how much of the model's performance it recovers."""
    from scrub.cli.progress import bars
    from scrub.cli.reading import read
    from scrub.report.text import report as as_text
    from scrub.report.writing import REPORTS, require_target, show, write

    settings = Settings(
        references=references,
        draws=draws,
        seed=seed,
        batch=batch,
        memory=memory,
        device=device,
        dtype=dtype,
        level=level,
        interval=interval,
        estimand=estimand,
        null=null,
        threads=threads,
        until=until,
        most_references=most_references,
        most_draws=most_draws,
    )
    hypothesis = read(
        file,
        model,
        unimportant=unimportant,
        nodes=nodes,
        replacement=replacement,
        donors=donors,
        baseline=baseline,
        root=root,
        self_donation=self_donation,
        limit=limit,
    )
    require_target("--json", json, (".json",))
    require_target("--report", report, REPORTS)
    with bars(quiet) as progress:
        from scrub.study.experiment import run as scrubbed  # brings torch, behind the first bar

        result = scrubbed(hypothesis, settings, progress=progress)
    show(as_text(result))
    if json:
        result.write_json(json)
    if report:
        write(as_text(result), report, title=result.name)
