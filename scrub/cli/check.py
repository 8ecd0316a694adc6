"""scrub check"""

from __future__ import annotations

from scrub.cli.options import File, ModelPath


def check(file: File, model: ModelPath = None) -> None:
    """Check a hypothesis against the model's config and the data, without loading weights.

    Reports every violation at once: the node, what was found, and the fix. When all is well it
    says what the claim says. Where nodes carry `value`, what they compute is tried on the data.
    """
    from scrub.cli.reading import read
    from scrub.report.summary import summary
    from scrub.report.writing import show
    from scrub.study.check import check_all

    hypothesis = read(file, model)
    show(summary(hypothesis, check_all(hypothesis)))
