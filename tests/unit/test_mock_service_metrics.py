"""The mock's metrics page, as a scrape reads it."""

import time
import urllib.request

import pytest
from mock_client import chat, connect, request_bytes
from nursery import Mock

from fastbench.client.scrape import kept_series
from fastbench.metrics.server.spec_decode import spec_counters, spec_decode_of
from fastbench.recording import Scrape
from fastbench.recording.scrapes import scrape_of


def scrape(mock: Mock) -> Scrape:
    with urllib.request.urlopen(f"{mock.url}/metrics", timeout=120) as answer:
        return scrape_of({"t_ns": time.monotonic_ns(), "series": kept_series(answer.read())})


def serve(mock: Mock, tokens: int) -> None:
    with connect(mock.url) as connection:
        connection.sendall(request_bytes(chat("a b", max_tokens=tokens)))
        while scrape(mock).value("generated_tokens") != tokens:
            assert connection.recv(1 << 16)


def test_what_it_always_tells() -> None:
    """Requests, seats, preemptions and tokens are told; of caches and drafts there is no word unless asked for."""
    with Mock(model='m "x"\\') as mock:
        found = scrape(mock)
    told = {series.name.removeprefix("vllm:"): series.value for series in found.series}
    assert told == {
        "num_requests_running": 0,
        "num_requests_waiting": 0,
        "kv_cache_usage_perc": 0,
        "num_preemptions_total": 0,
        "generation_tokens_total": 0,
    }
    assert {series.labels["model_name"] for series in found.series} == {'m "x"\\'}


def test_seats_stand_for_the_cache() -> None:
    """The share of the cache in use is that of the seats that are taken."""
    with Mock(itl_ms=50, max_num_seqs=4) as mock, connect(mock.url) as connection:
        connection.sendall(request_bytes(chat(stream=True, max_tokens=500)))
        give_up = time.monotonic() + 120
        while scrape(mock).value("requests_running") != 1 and time.monotonic() < give_up:
            pass
        assert scrape(mock).value("kv_cache_use") == 0.25


def test_prefix_cache() -> None:
    """By option the asked share of the prompt tokens was in the cache."""
    with Mock(prefix_hits=0.25) as mock:
        serve(mock, 5)
        found = scrape(mock)
    queries = found.value("prefix_cache_queries")
    assert queries
    assert found.value("prefix_cache_hits") == int(0.25 * queries)


@pytest.mark.parametrize("accept", [0.0, 0.3, 0.7, 1.0])
def test_speculative_decoding(accept: float) -> None:
    """By option drafts of two tokens, of which the asked share was accepted, give the tokens that were sent."""
    with Mock(spec_accept=accept) as mock:
        before = scrape(mock)
        serve(mock, 9000)
        after = scrape(mock)
    (result,) = spec_decode_of([before, after])
    assert result.data is not None
    assert result.data.acceptance_rate == pytest.approx(100 * accept, abs=0.1)
    assert result.data.acceptance_length == pytest.approx(1 + 2 * accept, abs=0.01)
    assert result.data.num_drafts + result.data.accepted_tokens == pytest.approx(9000, abs=3)
    first, second = result.data.per_position_acceptance_rates.values()
    assert 0 <= second <= first <= 1
    counters = spec_counters(after)
    assert counters is not None
    assert sum(counters.accepted_per_pos.values()) == counters.num_accepted_tokens
