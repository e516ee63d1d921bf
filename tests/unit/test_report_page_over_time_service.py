"""The service's own metrics on the report page."""

from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, batch_of, header_of

from fastbench.recording import Recording, RecordingWriter
from fastbench.report.page.over_time import MOST_POINTS, per_second, service_panels, spaced


def recording_with(directory: Path, *values: dict[str, float]) -> Recording:
    """A run with a scrape each 100 ms, which says these values."""
    writer = RecordingWriter(directory, header_of())
    writer.append(batch_of([Request(0, end_ns=2_000 * MS)]))
    for number, lines in enumerate(values):
        series = [[name, {}, value] for name, value in lines.items()]
        writer.scrape({"t_ns": (1_000 + 100 * number) * MS, "took_ns": 0, "url": "http://h/metrics", "series": series})
    writer.close({})
    return Recording.open(directory)


def test_no_scrapes_no_panels(tmp_path: Path) -> None:
    """A run whose service was not asked has no panels, and one scrape makes no line."""
    assert service_panels(recording_with(tmp_path / "a")) == []
    assert service_panels(recording_with(tmp_path / "b", {"vllm:num_requests_running": 1})) == []


def test_gauges_and_counters(tmp_path: Path) -> None:
    """Gauges are shown as they are, counters as what they rose by a second, shares in per cent."""
    running = "vllm:num_requests_running"
    recording = recording_with(
        tmp_path / "r",
        {running: 1, "vllm:kv_cache_usage_perc": 0.25, "vllm:generation_tokens_total": 100},
        {running: 3, "vllm:kv_cache_usage_perc": 0.5, "vllm:generation_tokens_total": 150},
        {running: 2, "vllm:kv_cache_usage_perc": 0.5, "vllm:generation_tokens_total": 250},
    )
    panels = {panel["title"]: panel["series"] for panel in service_panels(recording)}
    assert list(panels) == ["requests", "%", "token/s"]
    assert panels["requests"][0]["y"] == [1, 3, 2]
    assert panels["requests"][0]["x"] == [0, 0.1, 0.2]
    assert panels["%"][0]["y"] == [25, 50, 50]
    assert panels["token/s"][0]["y"] == [pytest.approx(500), pytest.approx(1_000)]
    assert panels["token/s"][0]["x"] == [0.1, 0.2]


def test_a_hit_rate_is_told_where_something_was_looked_for(tmp_path: Path) -> None:
    """The prefix cache's hit rate from scrape to scrape; nothing where no token was looked for."""
    queries, hits = "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"
    values = [{queries: 0, hits: 0}, {queries: 10, hits: 4}, {queries: 10, hits: 4}]
    (panel,) = service_panels(recording_with(tmp_path / "r", *values))
    assert panel["series"][0]["y"] == [40, None]


def test_a_service_that_began_anew(tmp_path: Path) -> None:
    """Where a counter falls its rate is not known."""
    found = per_second(np.array([5.0, 9.0, 1.0]), np.array([0.0, 2.0, 4.0]))
    assert found[0] == 2
    assert np.isnan(found[1])


def test_scrapes_that_are_close_are_one() -> None:
    """Of scrapes nearer than half the usual distance the last one is drawn, and the run's last one always."""
    t_ns = np.array([0, 5, 1_000, 2_000, 2_980, 3_000]) * MS
    assert spaced(t_ns).tolist() == [1, 2, 3, 5]
    assert spaced(np.arange(10_000) * MS).size <= MOST_POINTS
