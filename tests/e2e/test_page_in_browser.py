"""The report page in a browser that has no network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import MS, Request, record

from benchmarks.browser import CHROMIUM, chromium, open_page
from benchmarks.varied_recording import make_varied
from fastbench.metrics import Selection, compute_for_page
from fastbench.metrics.samples.timeline import InFlight
from fastbench.recording import Recording, recorded_id
from fastbench.report import answer_of
from fastbench.report.page.page import page
from fastbench.report.page.rate_chart import actual_chart

pytestmark = [
    pytest.mark.skipif(find_spec("playwright") is None, reason="playwright is not installed: pip install playwright"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium"),
]

MANY = 3_000
FLIGHT = "document.getElementById('timeline').data.find((trace) => trace.uid === 'flight')"
TRACES = "document.getElementById('timeline').data.map((trace) => trace.uid)"
RANGES = (
    """['timeline', 'rates', 'latency', 'client'].map((id) => document.getElementById(id)._fullLayout.xaxis.range)"""
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A run of 8 requests."""
    return Recording.open(make_varied(tmp_path_factory.mktemp("few") / "r", 8, rate=2))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A run of more requests than a screen has lines."""
    return Recording.open(make_varied(tmp_path_factory.mktemp("many") / "r", MANY, rate=100))


def written(path: Path, recording: Recording) -> Path:
    """The page of a recording."""
    computed = compute_for_page(recording, ("Average", "P99"))
    path.write_bytes(page(recording, computed, answer_of(computed, "m/d")))
    return path


@pytest.fixture(scope="module")
def page_of_few(few: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of few requests."""
    return written(tmp_path_factory.mktemp("page") / "few.html", few)


@pytest.fixture(scope="module")
def page_of_many(many: Recording, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of many requests."""
    return written(tmp_path_factory.mktemp("page") / "many.html", many)


@pytest.fixture(scope="module")
def opened_few(browser: Any, page_of_few: Path) -> Iterator[Any]:
    """The page of few requests, opened once for all tests that leave it as it was."""
    opened = open_page(browser, page_of_few)
    yield opened
    opened.context.close()


@pytest.fixture
def shown_few(opened_few: Any) -> Any:
    """The page of few requests, with its timeline on the screen."""
    opened_few.locator("#timeline").scroll_into_view_if_needed()
    return opened_few


@pytest.fixture(scope="module")
def opened_many(browser: Any, page_of_many: Path) -> Iterator[Any]:
    """The page of many requests, opened once."""
    opened = open_page(browser, page_of_many)
    yield opened
    opened.context.close()


@pytest.fixture
def shown_many(opened_many: Any) -> Any:
    """The page of many requests with the whole run in its timeline, on the screen, for tests that change no more than
    the range of time."""
    opened_many.mouse.move(0, 0)
    show_all(opened_many)
    return opened_many


@pytest.fixture
def fresh_many(browser: Any, page_of_many: Path) -> Iterator[Any]:
    """The page of many requests, opened for one test."""
    opened = open_page(browser, page_of_many)
    yield opened
    opened.context.close()


def show_all(shown: Any) -> None:
    """The timeline on the screen, with the whole run."""
    shown.locator("#timeline").scroll_into_view_if_needed()
    shown.evaluate("Plotly.relayout('timeline', {'xaxis.autorange': true})")
    settled(shown, f"({RANGES}).every(([from, to]) => from <= 0 && to > 20)")


def settled(shown: Any, condition: str) -> None:
    """Waits until a condition in the page's own language holds. The page's policy forbids to wait inside of it."""
    deadline = time.monotonic() + 120
    while not shown.evaluate(condition):
        assert time.monotonic() < deadline, f"this does not come true: {condition}"
        shown.wait_for_timeout(20)


def zoom(shown: Any, begin_s: float, end_s: float) -> None:
    """What a drag over the concurrency chart does: another range of time."""
    shown.evaluate(
        "([begin, end]) => Plotly.relayout('timeline', {'xaxis.range[0]': begin, 'xaxis.range[1]': end})",
        [begin_s, end_s],
    )
    settled(shown, f"({RANGES}).every(([from, to]) => Math.abs(from - {begin_s}) + Math.abs(to - {end_s}) < 1e-6)")


def test_each_request_is_where_it_was(shown_few: Any, few: Recording) -> None:
    """Of few requests each has an orange and a blue line, from its start to its first token and to its end."""
    rows = np.sort(few.rows, order="sent_ns")
    origin = rows["sent_ns"][0]
    for name, begin, end in (("ttft", "sent_ns", "first_token_ns"), ("decode", "first_token_ns", "end_ns")):
        trace = shown_few.evaluate(
            f"(({{x, y}}) => ({{x, y}}))(document.getElementById('timeline').data.find((t) => t.uid === '{name}'))"
        )
        ok = rows["outcome"] == 1
        assert trace["x"][::3] == pytest.approx(((rows[begin] - origin) / 1e9)[ok], abs=1e-6)
        assert trace["x"][1::3] == pytest.approx(((rows[end] - origin) / 1e9)[ok], abs=1e-6)
        assert trace["y"][::3] == (np.flatnonzero(ok) + 1).tolist()
    assert shown_few.complaints == []


def test_hovering_tells_the_request(shown_few: Any, few: Recording) -> None:
    """The pointer over a line's start shows TTFT, Decode and E2E of that request, from, to and how long."""
    first = np.sort(few.rows, order="sent_ns")[0]
    x, y = shown_few.evaluate(
        """() => {
          const div = document.getElementById('timeline'), {xaxis, yaxis} = div._fullLayout;
          const box = div.getBoundingClientRect();
          return [box.left + xaxis._offset + xaxis.l2p(0), box.top + yaxis._offset + yaxis.l2p(1)];
        }"""
    )
    shown_few.mouse.move(x - 30, y)
    shown_few.mouse.move(x + 1, y, steps=4)
    told = shown_few.locator("#timeline .hoverlayer .hovertext").text_content(timeout=120_000)
    ttft, e2e = ((int(first[name]) - int(first["sent_ns"])) / 1e9 for name in ("first_token_ns", "end_ns"))
    assert f"TTFT(s): 0.000000→{ttft:.6f}={ttft:.6f}" in told
    assert f"Decode(s): {ttft:.6f}→{e2e:.6f}={e2e - ttft:.6f}" in told
    assert f"E2E(s): 0.000000→{e2e:.6f}={e2e:.6f}" in told
    assert f"id: {recorded_id(few.header['run_id'], int(first['request']))}" in told


def test_a_line_tells_its_place_and_its_request(shown_few: Any, few: Recording) -> None:
    """The text over a request has both numbers: its place among the starts, from 1, and that in the plan, from 0."""
    (told, *_) = shown_few.evaluate("document.getElementById('timeline').data.find((t) => t.uid === 'ttft').text")
    first = np.sort(few.rows, order="sent_ns")[0]
    assert told.startswith(f"<b>Index 1: request {first['request']} of the plan</b>")


def test_where_nothing_succeeded_no_chart_is_empty(browser: Any, tmp_path: Path) -> None:
    """A page without a success has a sentence in the place of the charts of latencies, and whole numbers as counts."""
    requests = [
        Request(k, sent_ns=(1000 + k) * MS, token_ns=(), end_ns=(1001 + k) * MS, outcome="http_error", status=500)
        for k in range(3)
    ]
    recording = Recording.open(record(tmp_path / "r", requests))
    shown = open_page(browser, written(tmp_path / "p.html", recording))
    assert shown.get_by_text("No request succeeded.").count() == 2
    assert shown.locator("#latency, #input").count() == 0
    ticks = (
        "Array.from(document.querySelectorAll('#timeline .ytick text, #timeline .y2tick text'), (t) => t.textContent)"
    )
    assert all(tick.isdigit() for tick in shown.evaluate(ticks))
    times = shown.evaluate("Array.from(document.querySelectorAll('#timeline .xtick text'), (t) => t.textContent)")
    assert all(float(tick) < 1 for tick in times)
    assert shown.complaints == []
    shown.context.close()


def test_a_narrow_screen_has_one_column_of_panels(browser: Any, page_of_few: Path) -> None:
    """On a phone the panels of percentiles stand below each other, on a wide screen two by two."""
    shown = open_page(browser, page_of_few)
    panels = "Object.values(document.getElementById('curves')._fullLayout).filter((axis) => axis?._id?.[0] === 'x')"
    lefts = f"new Set({panels}.map((axis) => axis.domain[0])).size"
    assert shown.evaluate(lefts) == 2
    shown.set_viewport_size({"width": 390, "height": 800})
    shown.reload()
    settled(shown, "document.documentElement.dataset.drawn === 'all'")
    assert shown.evaluate(lefts) == 1
    assert shown.evaluate("document.getElementById('curves').clientHeight") > 800
    shown.context.close()


def test_many_open_at_a_typical_stretch(fresh_many: Any) -> None:
    """The timeline of many requests begins with a few seconds of the middle; what its strip shows moves it alone."""
    first, *others = fresh_many.evaluate(RANGES)
    assert all(found == others[0] for found in others)
    assert others[0][1] / 2 - 3 < first[0] < first[1] < others[0][1] / 2 + 3
    brush = fresh_many.locator("#overview .brush")
    brush.focus()
    brush.press("ArrowRight")
    settled(fresh_many, f"({RANGES})[0][0] > {first[0]} + 0.1")
    assert fresh_many.evaluate(RANGES)[1:] == others
    assert fresh_many.complaints == []


def test_the_first_screen_can_be_taken_along(browser: Any, page_of_few: Path, tmp_path: Path) -> None:
    """Its words are copied as Markdown, and its picture is saved as PNG."""
    shown = open_page(browser, page_of_few)
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.locator("#copy").click()
    settled(shown, "document.getElementById('copy').textContent === 'Copied'")
    text = shown.evaluate("navigator.clipboard.readText()")
    assert "| TTFT first token |" in text
    with shown.expect_download(timeout=120_000) as download:
        shown.locator("#picture").click()
    download.value.save_as(tmp_path / "fold.png")
    assert (tmp_path / "fold.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "fold.png").stat().st_size > 30_000
    assert shown.complaints == []
    shown.context.close()


def test_no_screen_is_too_narrow(browser: Any, page_of_few: Path) -> None:
    """Nothing on a phone lies beyond its right edge, also without scripts."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, java_script_enabled=False)
    shown = context.new_page()
    shown.goto(page_of_few.resolve().as_uri())
    assert shown.locator("#fold h1").is_visible()
    assert shown.locator("#keepup svg.static").first.bounding_box()["width"] > 250
    assert shown.locator("body").bounding_box()["width"] <= 390
    context.close()


def test_paper_has_the_timeline_on_one_sheet(shown_few: Any) -> None:
    """For printing the timeline is drawn as low as a sheet leaves room for, and afterwards as before."""
    height = "document.querySelector('#timeline .main-svg').getBoundingClientRect().height"
    before = shown_few.evaluate(height)
    shown_few.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert shown_few.evaluate(height) == 460 < before
    shown_few.evaluate("dispatchEvent(new Event('afterprint'))")
    assert shown_few.evaluate(height) == before


def test_dropped_requests_have_a_line(browser: Any, tmp_path: Path) -> None:
    """Requests that were never sent are in the chart of the rates, under their own name."""
    dropped = Request(1, intended_ns=1_050 * MS, sent_ns=0, token_ns=(), end_ns=1_050 * MS, outcome="dropped")
    recording = Recording.open(record(tmp_path / "r", [Request(0), dropped]))
    shown = open_page(browser, written(tmp_path / "p.html", recording))
    names = shown.evaluate("document.getElementById('rates').data.map((trace) => trace.name)")
    assert names[1:] == ["sent", "answered", "dropped (when due)"]
    shown.context.close()


def test_the_steps_are_the_runs_own(shown_few: Any, few: Recording) -> None:
    """The concurrency steps have the peak and the moments of the recording."""
    x, y = shown_few.evaluate(f"[({FLIGHT}).x, ({FLIGHT}).y]")
    flight = InFlight.of(Selection(few).final)
    moments = np.sort(np.concatenate((flight.starts, flight.ends)) - flight.starts[0]) / 1e9
    assert x == pytest.approx(moments, abs=1e-6)
    assert max(y) == flight.peak
    assert y[-1] == 0


def test_many_are_aggregated_and_zooming_shows_each(shown_many: Any, many: Recording) -> None:
    """Seen whole, many requests are bands; in a short stretch of time each is a line, and no other is there."""
    assert shown_many.evaluate(TRACES)[:3] == ["range", "ttft", "decode"]
    zoom(shown_many, 20, 21)
    assert "range" not in shown_many.evaluate(TRACES)
    rows = many.rows
    origin = int(rows["sent_ns"].min())
    inside = (rows["end_ns"] >= origin + 20 * 10**9) & (rows["sent_ns"] <= origin + 21 * 10**9)
    lines = shown_many.evaluate(
        "document.getElementById('timeline').data.flatMap(({uid, y}) => ['ttft', 'failed'].includes(uid) ? [...y] : [])"
    )
    assert len({line for line in lines if line is not None}) == np.count_nonzero(inside)
    assert shown_many.complaints == []


def test_the_envelope_keeps_the_peak(shown_many: Any, many: Recording) -> None:
    """Aggregated steps lose neither the highest nor the lowest number in flight."""
    high = shown_many.evaluate(f"({FLIGHT}).y")
    assert max(high) == InFlight.of(Selection(many).final).peak


def test_charts_over_time_zoom_together(shown_many: Any) -> None:
    """A drag in one chart over time sets the range of all, and a double click brings the whole run back."""
    before = shown_many.evaluate(RANGES)
    assert all(found == before[0] for found in before)
    chart = shown_many.locator("#rates .nsewdrag").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    shown_many.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    shown_many.mouse.down()
    shown_many.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2, steps=5)
    shown_many.mouse.up()
    settled(shown_many, f"({RANGES}).every(([from, to]) => to - from < {before[0][1]} * 0.3)")
    zoomed = shown_many.evaluate(RANGES)
    assert all(found == pytest.approx(zoomed[0]) for found in zoomed)
    shown_many.locator("#rates .nsewdrag").first.dblclick()
    settled(shown_many, f"({RANGES}).every(([from, to]) => Math.abs(to - {before[0][1]}) < 1e-6)")


def test_the_wheel_zooms_the_timeline(shown_many: Any) -> None:
    """Scrolling over the timeline shows less of the time, and the other charts follow."""
    whole = shown_many.evaluate(RANGES)[0]
    chart = shown_many.locator("#timeline .nsewdrag").first
    box = chart.bounding_box()
    shown_many.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(3):
        shown_many.mouse.wheel(0, -300)
    settled(shown_many, f"({RANGES}).every(([from, to]) => to - from < {whole[1] - whole[0]} * 0.9)")


@pytest.mark.parametrize("button", ["Reset axes", "Autoscale"])
def test_the_buttons_show_all_again(shown_many: Any, button: str) -> None:
    """Autoscale and reset bring back the whole run, not only what is drawn at the moment."""
    before = shown_many.evaluate(RANGES)[0]
    zoom(shown_many, 20, 21)
    shown_many.locator("#timeline").hover()
    shown_many.locator(f'#timeline .modebar-btn[data-title="{button}"]').click()
    settled(shown_many, f"({RANGES}).every(([from, to]) => Math.abs(to - {before[1]}) < 1e-6)")
    rows = shown_many.evaluate("document.getElementById('timeline')._fullLayout.yaxis.range")
    assert rows[1] >= MANY


def test_a_trace_can_be_switched_off(fresh_many: Any) -> None:
    """A click in the legend hides a trace, and it stays hidden through a zoom."""
    show_all(fresh_many)
    fresh_many.locator("#timeline .legendtoggle").nth(1).click()
    hidden = (
        "document.getElementById('timeline')._fullData.find((trace) => trace.uid === 'ttft').visible === 'legendonly'"
    )
    settled(fresh_many, hidden)
    zoom(fresh_many, 10, 25)
    assert fresh_many.evaluate(hidden)


def test_a_picture_can_be_saved(shown_few: Any, tmp_path: Path) -> None:
    """The camera button saves a PNG of the chart."""
    shown_few.locator("#timeline").hover()
    with shown_few.expect_download(timeout=120_000) as download:
        shown_few.locator('#timeline .modebar-btn[data-title^="Download plot"]').click()
    target = tmp_path / "timeline.png"
    download.value.save_as(target)
    assert download.value.suggested_filename.endswith("_timeline.png")
    assert target.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert target.stat().st_size > 10_000


def test_light_and_dark(browser: Any, page_of_few: Path) -> None:
    """The page takes the system's scheme, its button changes it, and the charts follow."""
    shown = open_page(browser, page_of_few, scheme="dark")
    ink = "document.getElementById('timeline')._fullLayout.font.color"
    dark = shown.evaluate(ink)
    assert shown.evaluate("document.documentElement.dataset.theme") == "dark"
    shown.locator("#theme").click()
    settled(shown, f"{ink} !== '{dark}'")
    assert shown.evaluate("document.documentElement.dataset.theme") == "light"
    assert shown.complaints == []
    shown.context.close()


def test_another_latency_can_be_chosen(fresh_many: Any) -> None:
    """The chart of latencies shows the one that its selector names."""
    fresh_many.locator("#latency-choice").select_option("E2EL")
    settled(fresh_many, "document.getElementById('latency')._fullLayout.yaxis.title.text === 'E2EL (ms)'")
    assert fresh_many.complaints == []


def test_other_pages_open(browser: Any, many: Recording, tmp_path: Path) -> None:
    """A chart of request rates is drawn without a complaint."""
    chart = actual_chart(many, "m/d")
    assert chart is not None
    (tmp_path / "rates.html").write_bytes(chart.page)
    shown = open_page(browser, tmp_path / "rates.html")
    assert shown.locator(".main-svg").count() > 0
    assert shown.complaints == []
    shown.context.close()
