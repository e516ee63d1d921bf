"""The intervals of a report's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from correlated import normal_ar1
from recordings import MS, Request, record
from steady_run import opened, random_values

from fastbench.answers import uncertainty
from fastbench.answers.uncertainty import Times, of_gaps, of_requests, with_intervals
from fastbench.metrics import Selection, compute_for_page
from fastbench.recording import Recording

STATS = ("Average", "Median", "P90", "P99")
EACH_NS = 100 * MS


def times(count: int, took_ns: int = 50 * MS) -> Times:
    """Of requests that are sent each 100 ms."""
    return Times(np.arange(count) * EACH_NS, np.full(count, took_ns, np.int64))


@pytest.mark.parametrize("name", ["Average", "Median", "P90"])
def test_they_hold_the_truth(name: str) -> None:
    """Of independent values the interval holds the truth in at least 90 of 100 runs, and is not far wider than it has
    to be."""
    truth = {"Average": float(np.exp(0.125)), "Median": 1.0, "P90": float(np.exp(0.5 * 1.2815515655446004))}[name]
    found = [of_requests(times(800), random_values(800, seed), (name,)).intervals[name] for seed in range(100)]
    assert sum(one.low <= truth <= one.high for one in found) >= 90
    assert np.median([one.high - one.low for one in found]) < 0.3 * truth


def test_dependence_widens_them() -> None:
    """Where requests depend on their neighbours the interval is wider than of as many independent ones, and holds the
    truth all the same."""
    runs = np.exp(0.5 * normal_ar1(60, 2_000, 0.9, seed=5))
    found = [of_requests(times(2_000), values, ("Median",)) for values in runs]
    told = [one.intervals["Median"] for one in found if one.blocks]
    apart = of_requests(times(2_000), random_values(2_000, 1), ("Median",)).intervals["Median"]
    assert len(told) >= 50
    assert sum(one.low <= 1.0 <= one.high for one in told) >= 0.85 * len(told)
    assert np.median([one.high - one.low for one in told]) > 2 * (apart.high - apart.low)


def test_too_short_to_tell() -> None:
    """Fewer than six blocks tell nothing: here of requests that last as long as a fifth of the run."""
    found = of_requests(times(800, 16_000 * MS), random_values(800, 1), STATS)
    assert (found.blocks, dict(found.intervals)) == (0, {})


def test_a_percentile_of_too_few(tmp_path: Path) -> None:
    """A run has intervals for those percentiles alone that its requests can bound on both sides."""
    found = of_requests(times(200), random_values(200, 1), ("P90", "P99"))
    assert set(found.intervals) == {"P90"}


def test_a_report_has_them(tmp_path: Path) -> None:
    """What is measured in a unit has its intervals in that unit, around the figure; counts have none."""
    recording = opened(tmp_path / "run", is_slow=lambda number: number % 3 == 0)
    metrics = with_intervals(compute_for_page(recording, STATS)).metrics
    rows = {row.name: row for row in metrics.parameters}
    low, high = rows["TTFT"].intervals["Average"]
    assert low <= rows["TTFT"].values["Average"] == 15.0 <= high < 16.5  # type: ignore[operator]
    assert rows["TTFT"].intervals["P90"] == (25.0, 25.0)
    assert rows["ITL"].intervals["P99"] == (5.0, 5.0)
    assert rows["TTFT"].blocks >= 6
    second = next(row for row in metrics.further if row.name == "Second Token")
    assert second.intervals["P90"] == (5.0, 5.0)
    assert second.blocks >= 6
    assert (rows["InputTokens"].intervals, rows["InputTokens"].blocks) == ({}, 0)


def streams(directory: Path, scale: list[float]) -> Selection:
    """A stream each 100 ms, of 20 gaps around 10 ms times a factor of the stream's own."""
    random = np.random.default_rng(7)
    requests = []
    for number, factor in enumerate(scale):
        sent = number * EACH_NS
        gaps = np.maximum(np.rint(random.normal(10_000, 1_000, 20) * factor), 1).astype(np.int64) * 1_000
        stamps = tuple((sent + MS + np.concatenate(([0], np.cumsum(gaps)))).tolist())
        requests.append(Request(number, max(sent, 1), stamps, stamps[-1] + MS))
    return Selection(Recording.open(record(directory, requests)))


def gap_interval(selection: Selection) -> tuple[float, float, float]:
    """(low, point, high) of the median gap, µs."""
    point = float(selection.gaps.at(selection.gaps.size // 2))
    rows = selection.streamed
    (found,) = of_gaps(selection, Times.of(rows), {"Median": point}).intervals.values()
    return found.low, point, found.high


def test_gaps_depend_on_their_time(tmp_path: Path) -> None:
    """The interval of a percentile of gaps is as wide as blocks differ: gaps of one law have a narrow one, and those
    of streams whose speeds differ a wider one."""
    alike = gap_interval(streams(tmp_path / "alike", [1.0] * 600))
    factors = np.exp(np.random.default_rng(3).normal(0, 0.3, 600)).tolist()
    other = gap_interval(streams(tmp_path / "other", factors))
    for low, point, high in (alike, other):
        assert low <= point <= high
    assert alike[2] - alike[0] < 0.01 * alike[1]
    assert 0.02 * other[1] < other[2] - other[0] < 0.3 * other[1]


def test_of_very_many_gaps_some_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many gaps to count again, those of every so many requests bound the very same percentile."""
    factors = np.exp(np.random.default_rng(3).normal(0, 0.3, 600)).tolist()
    selection = streams(tmp_path / "run", factors)
    whole = gap_interval(selection)
    monkeypatch.setattr(uncertainty, "MOST_GAPS", 4_000)
    some = gap_interval(selection)
    assert some[0] <= some[1] == whole[1] <= some[2]
    assert whole[2] - whole[0] < some[2] - some[0] < 5 * (whole[2] - whole[0])
