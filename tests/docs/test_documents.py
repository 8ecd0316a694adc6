"""The documents' Python blocks run as written, top to bottom, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("scrub/**/*.md")]
)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)(#[^)]*)?\)")


def blocks(path: Path) -> list[str]:
    return BLOCK.findall(path.read_text())


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if blocks(path)], ids=lambda path: path.name
)
def test_python_blocks_run_as_written(path):
    namespace: dict[str, object] = {}
    for block in blocks(path):
        exec(compile(block, str(path), "exec"), namespace)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    for target, _ in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_readme_quotes_the_shipped_hypothesis_word_for_word():
    source = (ROOT / "hypotheses" / "induction_chain.py").read_text()
    code = source.split('"""')[2].strip()
    assert code in (ROOT / "README.md").read_text()
