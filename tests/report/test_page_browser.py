"""The page in headless Chromium: wide and narrow, light and dark, by keyboard, without a network.

Skipped where no Chromium is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from scrub.report.page import render
from tests.report.browser import CHROMIUM, Browser, browser
from tests.report.fixed import RESULT, refused
from tests.report.handed import DRAWN, comparison, controls, second

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

EVIL = "<script>document.title = 'obeyed'</script><img src=x onerror=\"document.title='obeyed'\">"


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    evil = replace(DRAWN, name=EVIL, claim=EVIL, cautions=(EVIL,))
    made = {
        "one": render([DRAWN], controls=[controls()]),
        "several": render(
            [second(f"hypothesis {n}") for n in range(5)],
            comparisons=[comparison()],
            controls=[controls()],
        ),
        "evil": render([evil, replace(second(), name=EVIL)], title=EVIL),
        "refused": render([refused(), replace(RESULT, name="x" * 300)]),
        "none": render([]),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page)
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("name", ["several", "evil", "refused", "none"])
def test_it_fits_any_width_and_asks_nothing_of_a_network(
    name: str, tab: Browser, pages: dict[str, Path]
) -> None:
    for width in (1280, 360):
        tab.open(pages[name], width)
        assert tab.ask("document.documentElement.scrollWidth") <= width
        assert tab.requests == [pages[name].as_uri()]
        assert tab.complaints == []


def test_a_name_that_is_a_script_does_nothing(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["evil"])
    assert tab.ask("document.title") == EVIL
    assert tab.ask("document.images.length + document.scripts.length") == 1
    assert tab.ask("document.querySelector('h1').textContent") == EVIL


def test_not_even_a_script_that_got_in_would_run(
    tab: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """The page's security policy names our own script alone."""
    path = tmp_path / "broken.html"
    page = pages["one"].read_text()
    path.write_text(page.replace("<h1>", "<script>document.title = 'obeyed'</script><h1>"))
    tab.open(path)
    assert tab.ask("document.title") == "induction"
    assert "Content Security Policy" in "".join(tab.complaints)


CONTRAST = """
(() => {
  const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const c = parse(getComputedStyle(one).backgroundColor);
      if (c.length === 3 || c[3] > 0) return c;
    }
  };
  for (const one of document.querySelectorAll("details")) one.open = true;
  const poor = [];
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const text = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (text.nextNode()) {
    const one = text.currentNode.parentElement;
    if (!text.currentNode.data.trim() || one.closest("svg, script, style, .unseen")) continue;
    const found = ratio(luminance(parse(getComputedStyle(one).color)), luminance(behind(one)));
    if (found < 4.5) poor.push(`${one.tagName}.${one.className} ${found.toFixed(2)}`);
  }
  for (const one of document.querySelectorAll("svg text")) {
    const fill = getComputedStyle(one).fill;
    const box = one.classList.contains("in-box") ? document.querySelector(".box.head") : null;
    const cell = one.classList.contains("cell-text") && one.previousElementSibling;
    const face = box ? getComputedStyle(box).fill
      : cell && one.classList.contains("named") ? getComputedStyle(cell).fill
      : getComputedStyle(document.body).backgroundColor;
    const found = ratio(luminance(parse(fill)), luminance(parse(face)));
    if (found < 4.5) poor.push(`text.${one.getAttribute("class")} ${found.toFixed(2)}`);
  }
  return [...new Set(poor)];
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out_from_what_is_behind_it(
    scheme: str, tab: Browser, pages: dict[str, Path]
) -> None:
    """4.5 to 1 at least, WCAG 2.2 AA."""
    for name in ("one", "several"):
        tab.open(pages[name], scheme=scheme)
        assert tab.ask(CONTRAST) == []


def test_text_that_does_not_stand_out_is_found(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["one"])
    tab.ask("document.querySelector('.word').style.color = 'rgb(200, 200, 200)'")
    assert [one.split()[0] for one in tab.ask(CONTRAST)] == ["P.word"]


PAPER = "getComputedStyle(document.body).backgroundColor"


def test_light_and_dark_follow_the_system_until_the_reader_chooses(
    tab: Browser, pages: dict[str, Path]
) -> None:
    tab.open(pages["one"], scheme="light")
    light = tab.ask(PAPER)
    tab.open(pages["one"], scheme="dark")
    dark = tab.ask(PAPER)
    assert light != dark
    assert tab.ask("document.getElementById('theme').textContent") == "Light page"
    for key, paper in (("Enter", light), (" ", dark)):
        tab.ask("document.getElementById('theme').focus()")
        tab.press(key)
        assert tab.ask(PAPER) == paper


def test_the_first_thing_that_tab_reaches_skips_to_the_report(
    tab: Browser, pages: dict[str, Path]
) -> None:
    tab.open(pages["one"])
    tab.press("Tab")
    assert tab.ask("document.activeElement.className") == "skip"
    assert tab.ask("document.activeElement.getBoundingClientRect().top") >= 0
    tab.press("Enter")
    assert tab.ask("document.activeElement.id") == "content"


ROWS = "[...document.querySelector('#overview-table').parentElement.tBodies[0].rows]"
COLUMN = f"{ROWS}.map(r => r.cells[2].textContent)"


def test_a_table_is_sorted_by_keyboard_and_says_how(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["several"])
    before = tab.ask(COLUMN)
    th = "document.querySelector('#overview-table').parentElement.tHead.rows[0].cells[2]"
    assert tab.ask(f"{th}.textContent") == "recovered"
    tab.ask(f"{th}.querySelector('button').focus()")
    focus = tab.ask("getComputedStyle(document.activeElement).outlineStyle")
    tab.press("Enter")
    assert tab.ask(f"{th}.getAttribute('aria-sort')") == "ascending"
    assert tab.ask(COLUMN) == sorted(before)
    assert tab.ask("document.getElementById('spoken').textContent") == (
        "Sorted by recovered, ascending."
    )
    tab.press(" ")
    assert tab.ask(f"{th}.getAttribute('aria-sort')") == "descending"
    assert tab.ask(COLUMN) == sorted(before, reverse=True)
    assert tab.ask("document.querySelectorAll('[aria-sort]').length") == 1
    assert focus in ("solid", "auto", "none")


def test_numbers_are_sorted_as_numbers_and_what_is_missing_comes_last(
    tab: Browser, tmp_path: Path
) -> None:
    shown = [
        replace(second(f"h{n}"), divergence=value)
        for n, value in enumerate((12000.0, 3.5, float("nan"), -2e-7, 800.0))
    ]
    path = tmp_path / "numbers.html"
    path.write_text(render(shown))
    tab.open(path)
    titles = "[...document.querySelector('#overview-table').parentElement.tHead.rows[0].cells]"
    place = tab.ask(f"{titles}.findIndex(c => c.textContent === 'divergence')")
    cells = f"{ROWS}.map(r => r.cells[{place}].textContent)"
    ordered = ["−2.000e−07", "3.5", "800", "12,000"]
    for expected in (ordered, ordered[::-1]):
        tab.ask(f"{titles}[{place}].querySelector('button').click()")
        assert tab.ask(cells) == [*expected, "not finite"]


def test_a_link_opens_what_is_folded(tab: Browser, pages: dict[str, Path]) -> None:
    tab.open(pages["several"])
    folded = "document.getElementById('result-3').open"
    assert tab.ask(folded) is False
    link = "document.querySelector('#overview-table').parentElement.querySelectorAll('tbody a')[2]"
    tab.ask(f"{link}.focus()")
    tab.press("Enter")
    tab.ask("new Promise(done => setTimeout(done, 50))")
    assert tab.ask(folded) is True


def test_what_scrolls_sideways_can_be_reached_by_keyboard(
    tab: Browser, pages: dict[str, Path]
) -> None:
    tab.open(pages["one"], width=360)
    found = tab.ask(
        "[...document.querySelectorAll('.scroll')].every(s =>"
        " (s.scrollWidth > s.clientWidth + 1) === (s.tabIndex === 0))"
    )
    assert found is True
    assert tab.ask("document.querySelectorAll('.scroll[tabindex]').length") > 2


def test_everything_is_named_for_those_who_do_not_see_it(
    tab: Browser, pages: dict[str, Path]
) -> None:
    tab.open(pages["several"])
    bare = tab.ask(
        "[...document.querySelectorAll('svg:not([aria-hidden]), [role=region], button, a, table')]"
        ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby'))).length"
    )
    assert bare == 0
    levels = tab.ask("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_on_paper_it_is_light_and_nothing_is_folded_away(
    tab: Browser, pages: dict[str, Path]
) -> None:
    tab.open(pages["several"], scheme="dark")
    tab.ask("dispatchEvent(new Event('beforeprint'))")
    assert tab.ask("document.querySelectorAll('details:not([open])').length") == 0
    assert tab.ask("document.documentElement.dataset.theme") == "light"
    tab.ask("dispatchEvent(new Event('afterprint'))")
    assert tab.ask("document.querySelectorAll('details:not([open])').length") > 0
