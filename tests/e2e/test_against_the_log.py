"""Many streams at once, request by request against what the service itself logged, on the same clock."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from streams import STREAMS, TOKENS, Pair, StreamsRun

from fastbench.units import NS_PER_MS

pytestmark = pytest.mark.alone

LIMIT_MS = 0.5


@pytest.fixture(scope="module")
def pairs(calm: StreamsRun) -> list[Pair]:
    """The requests as both sides saw them."""
    return calm.pairs


def median_ms(values: Sequence[float] | NDArray[np.int64]) -> float:
    return float(np.median(values)) / NS_PER_MS


def test_every_request_is_there(pairs: list[Pair]) -> None:
    """Each planned request reached the service once, and ended well on both sides."""
    assert sorted(pair.row["request"] for pair in pairs) == list(range(STREAMS))
    assert all(pair.entry["status"] == 200 and not pair.entry["aborted"] for pair in pairs)


def test_token_counts_are_the_services(pairs: list[Pair]) -> None:
    """Output events, output tokens and prompt tokens of each request are those that the service counted."""
    for pair in pairs:
        assert len(pair.arrivals) == len(pair.writes) == pair.row["events"] == TOKENS
        assert pair.row["output_tokens"] == pair.entry["output_tokens"] == TOKENS
        assert pair.row["input_tokens"] == pair.entry["prompt_tokens"]


def test_moments_are_in_order(pairs: list[Pair]) -> None:
    """Nothing is received before it was sent: neither the request by the service nor a token by the client."""
    for pair in pairs:
        assert pair.row["intended_ns"] <= pair.row["sent_ns"] <= pair.entry["received_ns"]
        # The kernel's stamp is of another clock, and was converted.
        assert pair.row["sent_ns"] <= pair.entry["arrived_ns"] + 100_000
        # Token times are kept to the microsecond.
        assert (pair.arrivals - pair.writes >= -1000).all()
        assert pair.row["end_ns"] >= pair.row["last_token_ns"] >= pair.row["first_token_ns"]


def test_arrivals_are_the_services_writes(pairs: list[Pair]) -> None:
    """A token's arrival is the moment at which the service wrote it."""
    distance = np.concatenate([pair.arrivals - pair.writes for pair in pairs]) / NS_PER_MS
    print(f"arrival - write, ms: p50 {np.median(distance):.4f}, p99 {np.percentile(distance, 99):.4f}")
    assert np.median(distance) < LIMIT_MS / 5


def test_reported_itl_is_the_services(calm: StreamsRun, pairs: list[Pair]) -> None:
    """The reported ITL median is the service's, and each request's own median is too."""
    logged = np.concatenate([np.diff(pair.writes) for pair in pairs])
    assert calm.ended.parameters()["ITL"] == pytest.approx(np.median(logged) / NS_PER_MS, abs=LIMIT_MS)
    apart = [abs(np.median(np.diff(pair.arrivals)) - np.median(np.diff(pair.writes))) for pair in pairs]
    assert median_ms(apart) < LIMIT_MS


def test_reported_ttft_is_the_services(calm: StreamsRun, pairs: list[Pair]) -> None:
    """The reported TTFT median is the service's, from a request's arrival to its first write; so is each request's."""
    logged = np.array([pair.writes[0] - pair.entry["arrived_ns"] for pair in pairs])
    seen = np.array([pair.row["first_token_ns"] - pair.row["sent_ns"] for pair in pairs])
    apart = np.abs(seen - logged)
    reported = calm.ended.parameters()["TTFT"]
    print(f"TTFT, ms: reported {reported}, logged {median_ms(logged):.4f}")
    print(f"TTFT apart, ms: p50 {median_ms(apart):.4f}, p99 {np.percentile(apart, 99) / NS_PER_MS:.4f}")
    assert reported == pytest.approx(median_ms(logged), abs=LIMIT_MS)
    assert median_ms(apart) < LIMIT_MS


def test_other_numbers_are_the_services(calm: StreamsRun, pairs: list[Pair]) -> None:
    """The medians of TPOT and E2EL, too, are those of the service's own moments."""
    e2el = [pair.entry["end_ns"] - pair.entry["arrived_ns"] for pair in pairs]
    tpot = [(pair.entry["end_ns"] - pair.writes[0]) / (TOKENS - 1) for pair in pairs]
    assert calm.ended.parameters()["E2EL"] == pytest.approx(median_ms(e2el), abs=LIMIT_MS)
    assert calm.ended.parameters()["TPOT"] == pytest.approx(median_ms(tpot), abs=LIMIT_MS)
    assert calm.ended.common()["Total Generated Tokens"] == STREAMS * TOKENS
    assert calm.ended.trust["load"]["peak_concurrency"] == STREAMS
