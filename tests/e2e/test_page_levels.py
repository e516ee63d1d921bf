"""How a page aggregates, function by function, against numpy."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from benchmarks.browser import CHROMIUM, chromium
from fastbench.metrics.samples.timeline import InFlight
from fastbench.report.page.document import asset

pytestmark = [
    pytest.mark.skipif(find_spec("playwright") is None, reason="playwright is not installed: pip install playwright"),
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def blank() -> Iterator[Any]:
    """An empty page."""
    with chromium() as browser:
        yield browser.new_page()


@pytest.fixture
def run(blank: Any) -> Any:
    """Runs an expression of the page's language beside the functions of levels.js; `given` is what it is given."""
    return lambda expression, **given: blank.evaluate(
        f"(given) => {{ {asset('levels.js')}; return {expression} }}", given
    )


def flight_of(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    starts = np.sort(rng.integers(0, 10_000, count))
    return starts, starts + rng.integers(1, 2_000, count)


@pytest.mark.parametrize("share", [0, 0.3, 0.5, 0.99, 1])
def test_quantiles_are_numpys(run: Any, share: float) -> None:
    """A quantile interpolates as numpy does."""
    values = np.sort(np.random.default_rng(1).random(101))
    assert run("quantile(given.values, given.share)", values=values.tolist(), share=share) == pytest.approx(
        np.quantile(values, share)
    )


def test_steps_are_the_number_in_flight(run: Any) -> None:
    """Just after each start there are as many as the report counts; at one moment the ending ones leave first."""
    starts, ends = flight_of(300)
    found = run(
        "(({at, number}) => [[...at], [...number]])(steps(given.starts, given.ends))",
        starts=starts.tolist(),
        ends=ends.tolist(),
    )
    at, number = map(np.array, found)
    assert number[-1] == 0
    after = number[np.searchsorted(at, starts, side="right") - 1]
    expected = InFlight(starts, np.sort(ends)).at_starts()
    # Starts at one moment are one step.
    last = np.searchsorted(starts, starts, side="right") - 1
    assert after.tolist() == expected[last].tolist()


@pytest.mark.parametrize(("begin", "end"), [(-100, 13_000), (3_000, 4_000), (9_990, 9_999)])
def test_an_envelope_has_every_extreme(run: Any, begin: int, end: int) -> None:
    """In aggregated steps the least and the greatest number in sight are those of all steps in sight."""
    starts, ends = flight_of(3_000)
    given = {"starts": starts.tolist(), "ends": ends.tolist(), "begin": begin, "end": end}
    coarse = run("visibleSteps(steps(given.starts, given.ends), given.begin, given.end, 20)", **given)
    exact = run("visibleSteps(steps(given.starts, given.ends), given.begin, given.end, 10000)", **given)
    assert exact["exact"]
    inside = [number for x, number in zip(exact["x"], exact["high"], strict=True) if begin <= x < end]
    assert max(coarse["high"]) >= max(inside)
    assert min(coarse["low"]) <= min(inside)
    assert max(coarse["high"]) <= max(exact["high"])


def test_bands_have_medians_and_extremes(run: Any) -> None:
    """Each band has the medians of its lines, its first start and its last end, and every line is in one band."""
    starts, ends = flight_of(1_000)
    tokens = starts + (ends - starts) // 3
    lines = {name: values.tolist() for name, values in (("start", starts), ("token", tokens), ("end", ends))}
    found = run(
        "bands(Object.fromEntries(Object.entries(given.lines).map(([k, v]) => [k, Float64Array.from(v)])), 0, 1000, 7)",
        lines=lines,
    )
    assert [band["from"] for band in found] + [1_000] == [0] + [band["to"] for band in found]
    for band in found:
        part = slice(band["from"], band["to"])
        assert band["begin"] == starts[part].min()
        assert band["last"] == ends[part].max()
        assert band["token"] == np.median(tokens[part])
        assert band["ttft"] == np.median((tokens - starts)[part])
        assert band["e2e"] == np.median((ends - starts)[part])


@pytest.mark.parametrize("log", [False, True])
def test_a_grid_holds_every_point_once(run: Any, log: bool) -> None:
    """The cells add up to the points, each in the cell whose edges hold it."""
    rng = np.random.default_rng(2)
    x, y = rng.random(500) * 10, 10 ** rng.uniform(0, 3, 500)
    given = {"x": x.tolist(), "y": y.tolist(), "log": log}
    edges, counts = run(
        "(() => { const across = cells(0, 10, 8, false), up = cells(1, 1000, 6, given.log);"
        " const all = given.x.map((_, at) => at);"
        " return [[across.edges, up.edges], grid(given.x, given.y, all, across, up).map((row) => [...row])]; })()",
        **given,
    )
    expected, _, _ = np.histogram2d(y, x, [edges[1], edges[0]])
    assert counts == expected.tolist()


def test_a_percentile_stands_only_where_it_has_samples(run: Any) -> None:
    """Bins have one width, their values are numpy's, and where one has too few points there is none."""
    x = np.repeat([0.5, 1.5, 2.5], [100, 30, 100])
    y = np.arange(230.0)
    line = run(
        "equalBins(given.x, given.y, given.x.map((_, at) => at), [0, 3], 3, [['P50', 0.5, 50]])",
        x=x.tolist(),
        y=y.tolist(),
    )
    assert line["x"] == [0, 1, 1, 2, 2, 3]
    assert line["y"][0] == [np.median(y[:100])] * 2 + [None] * 2 + [np.median(y[130:])] * 2


@pytest.mark.parametrize("columns", [3, 12, 1_000])
def test_rates_keep_the_sum(run: Any, columns: int) -> None:
    """However coarse a rate is drawn, its area is the number of events; the last stretch ends with the run."""
    counts = np.random.default_rng(3).integers(0, 9, 101)
    found = run(
        "perSecond(given.counts, 1000, 100500, 0, 100500, given.columns)", counts=counts.tolist(), columns=columns
    )
    begins = [x * 1e6 for x in found["x"]] + [100_500]
    assert np.sum(np.diff(begins) * found["y"]) / 1e6 == pytest.approx(counts.sum())
