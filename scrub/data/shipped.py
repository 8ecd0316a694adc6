"""What is shipped along with the code: hypotheses, and the small models beside them.

In a source checkout it lies in `hypotheses/`, in an installed package in `scrub/shipped/`.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def shipped_folder() -> Path:
    """The folder of shipped hypotheses; its `models/` holds one folder for each model.

    >>> (shipped_folder() / "models").is_dir()
    True
    """
    installed = PACKAGE / "shipped"
    return installed if installed.is_dir() else PACKAGE.parent / "hypotheses"


def shipped_models() -> dict[str, Path]:
    """The folder of each shipped model, by its name."""
    configs = sorted((shipped_folder() / "models").glob("*/config.json"))
    return {config.parent.name: config.parent for config in configs}


def shipped_hypotheses() -> dict[str, Path]:
    """The file of each shipped hypothesis, by its stem."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.py"))}
