"""What the service's metrics page said of a stage, from recordings made by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pages import failed_record, scrape_record
from recordings import MS, Request, record

from fastbench.metrics import Selection, compute
from fastbench.metrics.model import ServiceMetrics, Spread
from fastbench.metrics.server.scraped import service_metrics, service_series
from fastbench.recording import Recording, Scrape
from fastbench.report import publish
from fastbench.report.service_tables import service_rows

S = 1000 * MS
# Requests from 10 s to 14 s, one a second.
REQUESTS = [Request(k, (10 + k) * S, ((10 + k) * S + 1 * MS,), (11 + k) * S) for k in range(4)]


def recording_of(directory: Path, *scrapes: dict[str, Any]) -> Recording:
    return Recording.open(record(directory / "recording", REQUESTS, scrapes=scrapes))


def metrics_of(directory: Path, *scrapes: dict[str, Any], stage: str = "total") -> ServiceMetrics:
    found = compute(recording_of(directory, *scrapes), ("Average",), stage).service
    assert found is not None
    return found


def test_scrapes_come_back(tmp_path: Path) -> None:
    """A recording gives its scrapes back as they were, as often as they are asked for."""
    recording = recording_of(tmp_path, scrape_record(5 * S, num_requests_running=2), failed_record(6 * S, "no answer"))
    first, last = recording.scrapes
    assert (first.t_ns, first.value("requests_running"), first.error) == (5 * S, 2, None)
    assert last == Scrape(6 * S, 0, first.url, (), "no answer")
    assert list(recording.scrapes) == [first, last]


def test_without_scrapes(tmp_path: Path) -> None:
    """A run that did not ask for the page has no service metrics."""
    recording = recording_of(tmp_path)
    assert (service_series(recording), service_metrics(Selection(recording))) == (None, None)
    assert compute(recording, ("Average",)).service is None


def test_gauges_are_those_inside(tmp_path: Path) -> None:
    """Gauges are averaged over the scrapes between the first request sent and the last one's end."""
    found = metrics_of(
        tmp_path,
        scrape_record(9 * S, num_requests_running=90, num_requests_waiting=9, kv_cache_usage_perc=0.9),
        scrape_record(11 * S, num_requests_running=2, num_requests_waiting=0, kv_cache_usage_perc=0.1),
        scrape_record(13 * S, num_requests_running=5, num_requests_waiting=1, kv_cache_usage_perc=0.4),
        scrape_record(15 * S, num_requests_running=80, num_requests_waiting=8, kv_cache_usage_perc=0.8),
    )
    assert (found.requests_running, found.requests_waiting) == (Spread(3.5, 5), Spread(0.5, 1))
    assert found.kv_cache_use == Spread(0.25, 0.4)
    assert (found.scrapes, found.failed, found.error) == (4, 0, None)


def test_counters_are_differences(tmp_path: Path) -> None:
    """Counters are what they rose by from the last scrape before the stage to the first one after it."""
    moments = (8, 9.5, 12, 14.5, 16)
    found = metrics_of(
        tmp_path,
        *(
            scrape_record(
                int(t * S),
                generation_tokens_total=100 * t,
                num_preemptions_total=2 * k,
                prefix_cache_queries_total=1000 * k,
                prefix_cache_hits_total=250 * k + (400 if k in (0, 4) else 0),
            )
            for k, t in enumerate(moments)
        ),
    )
    assert (found.generated_tokens, found.preemptions, found.counted_s) == (500, 4, 5.0)
    assert found.prefix_cache_hit_rate == 0.25


def test_a_scrape_across_an_end_counts_for_neither(tmp_path: Path) -> None:
    """What a scrape says may be as old as its beginning: only those wholly before and wholly after a stage count."""
    scrapes = [
        scrape_record(int(t * S), generation_tokens_total=told) | {"took_ns": 200 * MS}
        for t, told in ((9.7, 5), (9.9, 7), (13.95, 40), (14.2, 60))
    ]
    assert metrics_of(tmp_path, *scrapes).generated_tokens == 55


def test_counters_of_a_window(tmp_path: Path) -> None:
    """A stage by time has the counters and gauges of that time alone."""
    scrapes = [scrape_record(t * S, generation_tokens_total=t * t, num_requests_running=t) for t in range(9, 16)]
    found = metrics_of(tmp_path, *scrapes, stage="1s:3s")
    assert (found.generated_tokens, found.counted_s, found.requests_running) == (13**2 - 11**2, 2.0, Spread(12, 13))


@pytest.mark.parametrize(
    ("name", "values", "rate"),
    [
        ("gpu_prefix_cache_hit_rate", (-1, 0.5, 0.7), 0.6),
        ("gpu_prefix_cache_hit_rate", (-1, -1, -1), None),
        ("prefix_cache_queries_total", (5, 6, 9), None),
    ],
)
def test_hit_rate_without_counters(tmp_path: Path, name: str, values: tuple[float, ...], rate: float | None) -> None:
    """Where no counters tell it, the service's own rate is averaged; below 0 it stands for none yet."""
    scrapes = [scrape_record((10 + k) * S, **{name: value}) for k, value in enumerate(values)]
    assert metrics_of(tmp_path, *scrapes).prefix_cache_hit_rate == (None if rate is None else pytest.approx(rate))


def test_no_query_is_no_rate(tmp_path: Path) -> None:
    """A prefix cache that was never asked has no hit rate."""
    scrapes = [scrape_record(t * S, prefix_cache_queries_total=7, prefix_cache_hits_total=7) for t in (9, 15)]
    assert metrics_of(tmp_path, *scrapes).prefix_cache_hit_rate is None


def test_a_service_that_began_anew(tmp_path: Path) -> None:
    """A counter that fell tells nothing of the stage."""
    scrapes = [scrape_record(t * S, generation_tokens_total=100 - t) for t in (9, 15)]
    assert metrics_of(tmp_path, *scrapes).generated_tokens is None


@pytest.mark.parametrize("moments", [(), (9,), (12,), (15,)])
def test_too_few_scrapes(tmp_path: Path, moments: tuple[int, ...]) -> None:
    """One scrape, or none that did not fail, gives no difference, and what failed is told."""
    good = [scrape_record(t * S, generation_tokens_total=t) for t in moments]
    found = metrics_of(tmp_path, *good, failed_record(11 * S, "HTTP status 503"), failed_record(12 * S))
    assert (found.generated_tokens, found.counted_s) == (None, None)
    assert (found.scrapes, found.failed, found.error) == (len(good) + 2, 2, "HTTP status 503")


def test_series(tmp_path: Path) -> None:
    """Series are in time order, at the middle of each scrape, without what failed; a figure that is missing is NaN."""
    late = {**scrape_record(12 * S, num_requests_running=3, num_preemptions_total=1), "took_ns": 2 * S}
    series = service_series(
        recording_of(tmp_path, late, scrape_record(11 * S, num_requests_running=2), failed_record(5))
    )
    assert series is not None
    assert series.t_ns.tolist() == [11 * S, 13 * S]
    assert set(series.values) == {"requests_running", "preemptions"}
    assert series.values["requests_running"].tolist() == [2, 3]
    assert np.isnan(series.values["preemptions"]).tolist() == [True, False]
    assert (series.origin_ns, series.failed, series.error) == (10 * S, 1, "HTTP status 404")


def test_rows_of_the_report(tmp_path: Path) -> None:
    """The table has a row for each figure that the page told, and how many scrapes there were."""
    found = metrics_of(
        tmp_path,
        scrape_record(9 * S, generation_tokens_total=5),
        scrape_record(12 * S, generation_tokens_total=5, num_requests_running=2, kv_cache_usage_perc=0.125),
        scrape_record(13 * S, generation_tokens_total=5, num_requests_running=3, kv_cache_usage_perc=0.25),
        failed_record(14 * S, "HTTP\n\x1b[31m status 503"),
        scrape_record(19 * S, generation_tokens_total=1005),
    )
    assert service_rows(found) == [
        ("Requests Running", "Average 2.5, Max 3"),
        ("KV Cache Use", "Average 18.7500 %, Max 25.0000 %"),
        ("Generated Tokens", "1000 in 10.0000 s (100.0000 token/s)"),
        ("Scrapes", "5, 1 failed (HTTP [31m status 503)"),
    ]


def test_files_of_the_report(tmp_path: Path) -> None:
    """The report has the table, and a file with the series since the first request was sent."""
    recording_of(tmp_path, scrape_record(9 * S, num_requests_running=0), scrape_record(12 * S, num_preemptions_total=1))
    published = publish(Recording.open(tmp_path / "recording"), tmp_path, "d", ("Average",))
    assert tmp_path / "d_service.json" in published.paths
    content = (tmp_path / "d_service.json").read_text()
    assert '"series":{"t_s":[-1.0,2.0],"requests_running":[0.0,null],"preemptions":[null,1.0]}' in content
    assert content.startswith('{"stage":"total","service":{"url":"http://127.0.0.1:8000/metrics","scrapes":2,')
    assert "Service Metric" in published.text


def test_no_file_without_scrapes(tmp_path: Path) -> None:
    """A run that did not ask for the page has neither the table nor the file."""
    recording_of(tmp_path)
    published = publish(Recording.open(tmp_path / "recording"), tmp_path, "d", ("Average",))
    assert not (tmp_path / "d_service.json").exists()
    assert "Service Metric" not in published.text
