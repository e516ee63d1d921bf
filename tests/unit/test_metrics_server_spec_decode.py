"""Speculative decoding: its numbers, its block and its file, from recordings made by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from pages import URL, failed_record, page, scrape_record, spec_record
from recordings import Request, header_of, record

from fastbench.client.scrape import kept_series
from fastbench.metrics.server.spec_decode import SpecCounters, SpecDecode, outer_scrapes, spec_counters, spec_decode_of
from fastbench.recording import Recording
from fastbench.recording.scrapes import scrape_of
from fastbench.report import publish_spec_decode
from fastbench.report.service_tables import file_name, spec_decode_text


def result_of(*records: dict[str, Any]) -> SpecDecode:
    (result,) = spec_decode_of(map(scrape_of, records))
    return result


def test_the_numbers() -> None:
    """Rate, length and rates by position are those of the drafts between the first and the last scrape."""
    result = result_of(
        spec_record(1, 100, 300, 200, (90, 60, 50)),
        spec_record(2, 9, 9, 9, (9, 9, 9)),
        spec_record(3, 300, 900, 500, (240, 160, 100)),
    )
    assert (result.status, result.url, result.error) == ("ok", URL, None)
    data = result.data
    assert data is not None
    assert (data.num_drafts, data.draft_tokens, data.accepted_tokens) == (200, 600, 300)
    assert (data.acceptance_rate, data.acceptance_length) == (50.0, 2.5)
    assert data.per_position_acceptance_rates == {0: 0.75, 1: 0.5, 2: 0.25}
    assert result.raw.before == SpecCounters(100, 300, 200, {0: 90, 1: 60, 2: 50})


def test_the_example_of_the_original() -> None:
    """50,115 of 77,100 drafted tokens are 65.0 %."""
    data = result_of(spec_record(1, 0, 0, 0), spec_record(2, 25_700, 77_100, 50_115)).data
    assert data is not None
    assert (data.acceptance_rate, data.acceptance_length) == (pytest.approx(65.0), pytest.approx(2.95))


def test_counters_of_a_page() -> None:
    """A page's counters are added up over its labels, by position where they have one."""
    scrape = scrape_of({"t_ns": 1, "series": kept_series(page("vllm_v1"))})
    assert spec_counters(scrape) == SpecCounters(1000, 3000, 1700, {0: 900, 1: 500, 2: 300})


def test_a_position_that_is_none() -> None:
    """Accepted tokens without a position that is a number are not given one."""
    record_ = spec_record(1, 1, 2, 2)
    name = "vllm:spec_decode_num_accepted_tokens_per_pos_total"
    record_["series"] += [
        (name, {}, 5.0),
        (name, {"position": "x"}, 5.0),
        (name, {"position": "1", "engine": "0"}, 2.0),
    ]
    record_["series"] += [(name, {"position": "1", "engine": "1"}, 1.0)]
    counters = spec_counters(scrape_of(record_))
    assert counters is not None
    assert counters.accepted_per_pos == {1: 3}


def test_a_service_that_counts_no_drafts() -> None:
    """Without a counter of drafts there is a rate, and neither a length nor rates by position."""
    names = ("spec_decode_num_draft_tokens_total", "spec_decode_num_accepted_tokens_total")
    first, last = (scrape_record(t, **dict.fromkeys(names, 10.0 * t)) for t in (1, 2))
    data = result_of(first, last).data
    assert data is not None
    assert (data.acceptance_rate, data.acceptance_length, data.per_position_acceptance_rates) == (100.0, None, {})


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (
            [failed_record(1), spec_record(2, 1, 2, 1)],
            "the metrics page could not be had before the run: HTTP status 404",
        ),
        (
            [spec_record(1, 1, 2, 1), failed_record(2)],
            "the metrics page could not be had after the run: HTTP status 404",
        ),
        ([scrape_record(1), scrape_record(2)], "the metrics page has no counters of speculative decoding"),
        ([spec_record(1, 1, 2, 1), scrape_record(2)], "the metrics page has no counters of speculative decoding"),
        ([spec_record(1, 1, 2, 1), spec_record(2, 1, 2, 1)], "no draft tokens during the run"),
        ([spec_record(1, 1, 2, 1)], "no draft tokens during the run"),
        (
            [spec_record(1, 5, 9, 5), spec_record(2, 1, 2, 1)],
            "the counters fell: the service was started anew during the run",
        ),
    ],
)
def test_not_available(records: list[dict[str, Any]], reason: str) -> None:
    """Where there is nothing to compare the status is na and says why."""
    result = result_of(*records)
    assert (result.status, result.error, result.data) == ("na", reason, None)
    assert spec_decode_text(result) == (
        "========== Speculative Decoding Metrics  [http://127.0.0.1:8000] ==========\n"
        "Status                                        N/A\n"
        f"Reason                                        {reason}"
    )


def test_the_block() -> None:
    """The block has labels of 45 characters in the original's words and order."""
    text = spec_decode_text(result_of(spec_record(1, 0, 0, 0, (0, 0)), spec_record(2, 300, 600, 400, (250, 150))))
    assert text.splitlines()[1:] == [
        "Acceptance rate (%)                           66.6667",
        "Acceptance length                             2.3333",
        "Drafts                                        300",
        "Draft tokens                                  600",
        "Accepted tokens                               400",
        "Per-position acceptance rates                 {0: 0.8333, 1: 0.5000}",
    ]


def test_the_file(tmp_path: Path) -> None:
    """Each service has one file for the whole run, with what was counted before and after."""
    other = "https://[::1]:8443/api/metrics"
    scrapes = [spec_record(1, 0, 0, 0), spec_record(3, 1, 2, 1, url=other), spec_record(9, 4, 8, 4, (3, 1))]
    blocks = publish_spec_decode(map(scrape_of, scrapes), tmp_path)
    assert len(blocks) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "spec_decode_-1_8443_api.json",
        "spec_decode_127.0.0.1_8000.json",
    ]
    assert json.loads((tmp_path / "spec_decode_127.0.0.1_8000.json").read_bytes()) == {
        "status": "ok",
        "url": URL,
        "error": None,
        "data": {
            "num_drafts": 4,
            "draft_tokens": 8,
            "accepted_tokens": 4,
            "acceptance_rate": 50.0,
            "acceptance_length": 2.0,
            "per_position_acceptance_rates": {"0": 0.75, "1": 0.25},
        },
        "raw": {
            "before": {"num_drafts": 0, "num_draft_tokens": 0, "num_accepted_tokens": 0, "accepted_per_pos": {}},
            "after": {
                "num_drafts": 4,
                "num_draft_tokens": 8,
                "num_accepted_tokens": 4,
                "accepted_per_pos": {"0": 3, "1": 1},
            },
        },
    }


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://host.name/metrics", "spec_decode_host.name_80.json"),
        ("https://host.name/metrics", "spec_decode_host.name_443.json"),
        ("http://10.0.0.1:8080/a/b%20/metrics", "spec_decode_10.0.0.1_8080_a-b-20.json"),
        ("", "spec_decode_unknown_0.json"),
    ],
)
def test_the_name_of_the_file(url: str, name: str) -> None:
    """The name holds host, port and path, with nothing that a file system might take amiss."""
    assert file_name(url) == name


@pytest.mark.parametrize(("asked", "count"), [(True, 2), (False, 0), (None, 0)])
def test_only_where_it_was_asked_for(tmp_path: Path, asked: bool | None, count: int) -> None:
    """The first and the last scrape count, and only in a run that asked for speculative decoding."""
    header = header_of()
    header["config"] = {"spec_decode": asked}
    scrapes = [spec_record(t, t, t, t) for t in (5, 3, 9, 7)]
    found = outer_scrapes(Recording.open(record(tmp_path / "r", [Request(0)], header=header, scrapes=scrapes)))
    assert [scrape.t_ns for scrape in found] == [3, 9][:count]
