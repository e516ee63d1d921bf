"""The page of a comparison in a browser that has no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from recordings import MS, Request, record
from synthetic_comparison import comparison, comparison_of

from benchmarks.browser import CHROMIUM, chromium, open_page
from fastbench import compare
from fastbench.answers.comparison import Comparison
from fastbench.report import comparison_page

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium")

PHONE, TABLET, DESK = 390, 1024, 1440
BEYOND = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const {left, right, width} = one.getBoundingClientRect();
  return width && !one.closest("svg, script") && (right > innerWidth + 0.5 || left < -0.5);
}).map((one) => one.outerHTML.slice(0, 120))"""
"""What lies beyond the screen's edges, as columns of a table that one would have to scroll to."""
COVERED = """() => [...document.querySelectorAll(".forest tbody tr:not(.group)")].map((row) => {
  const [plot, axis] = [row, row.parentElement.querySelector(".group")]
    .map((one) => one.querySelector("td.plot").getBoundingClientRect());
  const mark = row.querySelector("td.plot path.shape").getBoundingClientRect();
  return plot.width > 200 && plot.left === axis.left && plot.right === axis.right
    && mark.left >= plot.left - 1 && mark.right <= plot.right + 1;
})"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with chromium() as started:
        yield started


def opened(browser: Any, directory: Path, one: Comparison, width: int, scheme: str = "light") -> Any:
    """The page on a screen so wide, with all that is folded away open."""
    path = directory / "page.html"
    path.write_bytes(comparison_page(one))
    shown = open_page(browser, path, scheme=scheme)
    shown.set_viewport_size({"width": width, "height": 800})
    shown.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    return shown


@pytest.mark.parametrize("width", [PHONE, TABLET, DESK])
@pytest.mark.parametrize("sides", [1, 4])
def test_nothing_is_off_the_screen(browser: Any, tmp_path: Path, width: int, sides: int) -> None:
    """Neither on a phone nor on a desk does anything lie beyond the edge: no column has to be scrolled to."""
    one = comparison() if sides == 1 else comparison_of(sides)
    shown = opened(browser, tmp_path, one, width)
    assert shown.evaluate(BEYOND) == []
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.complaints == []
    shown.context.close()


@pytest.mark.parametrize("width", [PHONE, TABLET, DESK])
def test_marks_have_room(browser: Any, tmp_path: Path, width: int) -> None:
    """Each row's plot is wide enough to be read, lies below its axis, and holds its mark."""
    shown = opened(browser, tmp_path, comparison("better"), width)
    covered = shown.evaluate(COVERED)
    assert len(covered) == len(comparison().effects)
    assert all(covered)
    shown.context.close()


def test_the_theme_is_the_systems(browser: Any, tmp_path: Path) -> None:
    """The page takes the system's scheme, and its button changes it without a script for any chart."""
    shown = opened(browser, tmp_path, comparison("noise"), DESK, "dark")
    ink = "getComputedStyle(document.querySelector('.forest th')).color"
    dark = shown.evaluate(ink)
    shown.locator("#theme").click()
    assert shown.evaluate(ink) != dark
    assert shown.complaints == []
    shown.context.close()


def test_recordings_become_a_page(browser: Any, tmp_path: Path) -> None:
    """Two recordings, compared anyway, make a page with the tables of both reports that opens without a complaint."""
    for name, slower in (("a", 1), ("b", 2)):
        begins = [(1_000 + 50 * place) * MS for place in range(60)]
        moments = [tuple(begin + slower * step * MS for step in (20, 30, 40, 55)) for begin in begins]
        requests = [
            Request(place, begin, tokens, tokens[-1] + MS)
            for place, (begin, tokens) in enumerate(zip(begins, moments, strict=True))
        ]
        record(tmp_path / f"{name}_recording", requests)
    found = compare(tmp_path / "a_recording", tmp_path / "b_recording", anyway=True)
    shown = opened(browser, tmp_path, found, PHONE)
    assert shown.locator("h3").all_inner_texts()[:2] == ["Run", "Performance Parameters"]
    assert shown.evaluate(BEYOND) == []
    assert shown.complaints == []
    shown.context.close()
