"""scrub show"""

from __future__ import annotations

from scrub.cli import options as o


def show(
    file: o.File, svg: o.SvgPath = None, png: o.PngPath = None, model: o.ModelPath = None
) -> None:
    """Draw a hypothesis beside the model's layers: as text here, as SVG or PNG in a file."""
    from scrub.cli.reading import read
    from scrub.report.outline import outline
    from scrub.report.writing import require_target
    from scrub.report.writing import show as on_screen
    from scrub.study.check import check

    require_target("--svg", svg, (".svg",))
    require_target("--png", png, (".png",))
    hypothesis = read(file, model)
    claim = check(hypothesis)
    on_screen(outline(hypothesis, claim))
    targets = [path for path in (svg, png) if path is not None]
    if targets:
        from scrub.report.drawing import draw  # brings matplotlib

        draw(hypothesis, claim, targets)
