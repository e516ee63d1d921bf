"""The trust block: load fidelity, client error, coalescing, the verdict."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recordings import MS, Request, header_of, record

from fastbench._core.counts import Hdr
from fastbench.metrics import Metrics, compute
from fastbench.recording import Recording
from fastbench.report.trust_table import trust_rows

STATS = ("Average", "Median", "P99")


def metrics_of(
    directory: Path, requests: list[Request], health: list[dict[str, Any]] | None = None, **load: Any
) -> Metrics:
    """The numbers of a recording with this load."""
    header = header_of(load=load)
    return compute(Recording.open(record(directory, requests, header=header, health=health or [])), STATS)


def spaced(count: int, ms: float = 10, **changes: Any) -> list[Request]:
    """Requests sent every `ms`, on time, each lasting 141 ms."""
    made = []
    for k in range(count):
        sent = 1_000 * MS + int(k * ms * MS)
        made.append(
            Request(
                k,
                **{
                    "sent_ns": sent,
                    "token_ns": tuple(sent + at * MS for at in (100, 120, 140)),
                    "end_ns": sent + 141 * MS,
                    **changes,
                },
            )
        )
    return made


def test_an_undisturbed_run_is_valid(tmp_path: Path) -> None:
    """A run on time, whole and without stalls is VALID without a reason or a note."""
    metrics = metrics_of(tmp_path, spaced(20))
    assert metrics.verdict.valid
    assert metrics.verdict.word == "VALID"
    assert (metrics.verdict.reasons, metrics.notes) == ((), ())


def test_the_rate_of_conversations(tmp_path: Path) -> None:
    """Asked and sent are those that begin: when a next turn goes out, the replies decide, not the plan."""
    run = []
    for k, first in enumerate(spaced(20)):
        follows = {"request": 2 * k + 1, "turn": 1, "sent_ns": first.sent_ns + 5_000 * MS, "token_ns": ()}
        run += [replace(first, request=2 * k, session=k + 1)]
        run += [replace(first, **follows, session=k + 1, outcome="timeout", end_ns=first.end_ns + 5_000 * MS)]
    load = metrics_of(tmp_path, run, kind="open", arrival="constant", rate=100.0).load
    assert (load.asked_rate, load.sent_rate) == (pytest.approx(100), pytest.approx(100))


def test_peak_concurrency_counts_failed_requests_and_not_warmups(tmp_path: Path) -> None:
    """The peak counts whatever was in flight, a retried request once, and one that ends at a start not."""
    run = [
        Request(0, sent_ns=100, end_ns=200),
        Request(1, sent_ns=150, end_ns=300, outcome="timeout", token_ns=()),
        Request(2, sent_ns=200, end_ns=400),
        Request(2, sent_ns=200, end_ns=250, outcome="reset", token_ns=(), flags=("superseded",)),
        Request(3, sent_ns=120, end_ns=400, flags=("warmup", "stream")),
    ]
    assert metrics_of(tmp_path, run).load.peak_concurrency == 2


def test_response_time_counts_from_the_intended_moment(tmp_path: Path) -> None:
    """Response time, TTFT from intended and send lateness all start when the plan wanted the request sent."""
    late = [Request(k, sent_ns=1_000 * MS, intended_ns=400 * MS) for k in range(3)]
    load = metrics_of(tmp_path, late).load
    assert load.response_time.values["Median"] == 741
    assert load.ttft_from_intended.values["Max"] == 700
    assert load.send_lateness.values["P99"] == 600


@pytest.mark.parametrize(("stretch", "valid"), [(1.0, True), (1.009, True), (1.02, False), (0.97, False)])
def test_sent_rate_decides_in_an_open_loop(tmp_path: Path, stretch: float, valid: bool) -> None:
    """A rate more than 1 % off the asked one is INVALID in an open loop, and means nothing in a closed."""
    # Early enough that lateness stays within the limit of 1 % of the median TTFT.
    run = [
        Request(
            k,
            sent_ns=10_000 * MS + int(k * stretch * MS),
            intended_ns=10_000 * MS + k * MS,
            token_ns=(20_000 * MS,),
            end_ns=20_001 * MS,
        )
        for k in range(101)
    ]
    opened = metrics_of(tmp_path / "open", run, kind="open", rate=1000)
    assert opened.load.configured_rate == 1000
    assert opened.load.asked_rate == pytest.approx(1000)
    assert opened.load.sent_rate == pytest.approx(1000 / stretch)
    assert opened.verdict.valid is valid
    closed = metrics_of(tmp_path / "closed", run)
    assert closed.load.asked_rate is None
    assert closed.verdict.valid


def test_client_error_adds_up_health(tmp_path: Path) -> None:
    """Lag histograms merge, counters and stalls of all health records are summed, of those before the load neither
    stalls nor priority."""
    lag = Hdr()
    lag.record_values([1_000] * 98 + [50_000, 2_000_000])
    pairs = lag.sparse()
    half = {"lag": pairs, "reads": 100, "unstamped_reads": 1, "starved": 2, "cpu_ns": 5 * 10**8}
    half |= {"t_ns": 1_500 * MS, "ordinary_ns": 10**8, "real_time_ns": 3 * 10**8}
    before, across, inside = 990 * MS, 998 * MS, 1_020 * MS
    health = [
        half | {"stalls": [[before, 9 * MS], [across, 3 * MS]]},
        {"t_ns": before, "real_time_ns": 10**12},
        half | {"stalls": [[inside, 8 * MS], [inside, MS]]},
    ]
    client = metrics_of(tmp_path, spaced(3), health).client
    assert client.lag.samples == 200
    assert client.lag.values["Median"] == pytest.approx(1, rel=2e-3)
    assert client.lag.values["P99"] == pytest.approx(50, rel=2e-3)
    assert client.lag.values["Max"] == pytest.approx(2_000, rel=2e-3)
    assert (client.reads, client.unstamped_reads, client.starved_turns, client.cpu_s) == (200, 2, 4, 1.0)
    assert (client.stalls, client.stall_longest_ms, client.stall_total_ms) == (3, 8, 12)
    assert (client.stamps, client.kernel_stamp_share, client.real_time_share) == ("kernel", 1.0, 0.75)


def test_an_unknown_priority_is_not_told(tmp_path: Path) -> None:
    """A recording from before priorities were recorded has no share of real-time, not one of 0."""
    assert metrics_of(tmp_path, spaced(3), [{"t_ns": 1_500 * MS, "reads": 3}]).client.real_time_share is None


def test_marks_make_gaps_uncertain(tmp_path: Path) -> None:
    """A mark makes as many gaps uncertain as events; at the first event one fewer, but the TTFT."""
    run = [
        Request(0, marks=((1, 2, 30_000),)),
        Request(1, marks=((0, 3, 100),)),
        Request(2, marks=((1, 1, 99_999),), outcome="timeout"),
        Request(3, marks=((1, 1, 99_999),), flags=("stream", "warmup")),
        Request(4),
    ]
    metrics = metrics_of(tmp_path, run)
    client = metrics.client
    assert metrics.output.gaps == 6
    assert (client.uncertain_gaps, client.uncertain_ttfts) == (4, 1)
    assert client.uncertain_gap_share == pytest.approx(4 / 6)
    # 1 % of the ITL median of 20 ms is 200 µs.
    assert client.notable_gaps == 2
    assert (client.bound_max_ms, client.ttft_bound_max_ms) == (30, 0.1)


@pytest.mark.parametrize(("bound_us", "noted"), [(50, False), (30_000, True)])
def test_a_note_on_uncertain_ttfts(tmp_path: Path, bound_us: int, noted: bool) -> None:
    """TTFTs that may be off by more than 1 % of their median are noted, others are not."""
    run = [Request(0, marks=((0, 3, bound_us),)), *map(Request, range(1, 5))]
    assert any("TTFT of 1 request is uncertain" in note for note in metrics_of(tmp_path, run).notes) is noted


def test_coalesced_events(tmp_path: Path) -> None:
    """Events that shared a read and events of several tokens are shares of the events."""
    run = [
        Request(0, shared_events=1, event_tokens=(1, 3, 1), output_tokens=5),
        Request(1, shared_events=2, event_tokens=(2, 2, 1), output_tokens=5),
    ]
    metrics = metrics_of(tmp_path, run)
    output = metrics.output
    assert (output.events, output.shared_share) == (6, 0.5)
    assert (output.multi_token_events, output.multi_token_share) == (3, 0.5)
    assert output.tokens_per_event == pytest.approx(10 / 6)
    assert any("50.00% of the output events hold several tokens" in note for note in metrics.notes)


def test_several_tokens_by_the_counts_of_whole_replies(tmp_path: Path) -> None:
    """Where usage counts more tokens than events, a note and a time per token say so, and no line denies it."""
    metrics = metrics_of(tmp_path, [Request(k, output_tokens=18) for k in range(4)])
    assert metrics.output.tokens_per_event == 6
    # Gaps of 20 ms, of six tokens each.
    assert metrics.output.itl_per_token_ms == pytest.approx(20 / 6)
    assert any(note.startswith("There are 6.0000 tokens for each output event") for note in metrics.notes)
    rows = dict(trust_rows(metrics))
    assert rows["ITL per Token"] == "3.3333 ms"
    assert "known to hold" not in rows["Coalesced Events"]


@pytest.mark.parametrize(("tokens", "told"), [(21, False), (22, True)])
def test_a_little_more_than_a_token_an_event_is_not_told(tmp_path: Path, tokens: int, told: bool) -> None:
    """Up to 1.05 tokens an event, as of a last token without text, ITL stands for itself."""
    stamps = tuple((1_100 + 20 * k) * MS for k in range(20))
    metrics = metrics_of(tmp_path, [Request(0, token_ns=stamps, end_ns=stamps[-1] + MS, output_tokens=tokens)])
    assert any("tokens for each output event" in note for note in metrics.notes) is told
    assert ("ITL per Token" in dict(trust_rows(metrics))) is told


@pytest.mark.parametrize(("cached", "told"), [(1, False), (5, True)])
def test_cached_input_is_told(tmp_path: Path, cached: int, told: bool) -> None:
    """Above 1 % of the input tokens a note tells of the prefix cache; requests that tell no count have no say."""
    run = [Request(0, input_tokens=100, cached_tokens=cached), Request(1, input_tokens=900, cached_tokens=-1)]
    metrics = metrics_of(tmp_path, run)
    assert metrics.output.cached_share == cached / 100
    assert any("came from the service's prefix cache" in note for note in metrics.notes) is told


def test_token_sources_are_named(tmp_path: Path) -> None:
    """Counts that do not come from usage are named with their number of requests."""
    run = [
        *spaced(2),
        Request(5, output_source="token_ids"),
        Request(6, output_tokens=-1, output_source="unknown", input_tokens=-1, input_source="unknown"),
    ]
    metrics = metrics_of(tmp_path, run)
    assert metrics.output.output_sources == {"token_ids": 1, "usage": 2, "events": 1}
    assert metrics.output.input_sources == {"unknown": 1, "usage": 3}
    assert metrics.notes == (
        "InputTokens of 1 of 4 requests is not known.",
        "OutputTokens of 1 of 4 requests comes from token_ids, not usage.",
        "OutputTokens of 1 of 4 requests is the number of output events.",
    )


def test_unstamped_streams_lower_the_share(tmp_path: Path) -> None:
    """The share of streams stamped by the kernel alone counts streams, and clipped rows are noted."""
    run = [*spaced(3), Request(8, flags=("stream", "clipped"))]
    metrics = metrics_of(tmp_path, run)
    assert metrics.client.kernel_stamp_share == 0.75
    assert metrics.client.clipped_requests == 1
    assert metrics.notes == ("1 requests have token times beyond what a row can hold: clipped.",)


@pytest.mark.parametrize("resent", [0, 2])
def test_resent_requests_are_no_retries(tmp_path: Path, resent: int) -> None:
    """A request that was sent again on another connection is counted as resent, and not as retried."""
    requests = [Request(k, flags=("stream", "resent")) for k in range(resent)] + [Request(5)]
    rows = dict(trust_rows(metrics_of(tmp_path, requests)))
    assert rows.get("Resent Requests") == (str(resent) if resent else None)
    assert rows["Retried Requests"] == "0 (0 failed attempts)"


@pytest.mark.parametrize(("counted", "ratio"), [(0, None), (1, 2.0)])
def test_tokens_per_event_of_what_was_counted(tmp_path: Path, counted: int, ratio: float | None) -> None:
    """Where nobody counted the tokens, the number of output events says nothing of how many there are in one."""
    uncounted: list[dict[str, Any]] = [{"output_tokens": -1, "output_source": "unknown"}, {"output_source": "events"}]
    requests = [Request(k, **how) for k, how in enumerate(uncounted)]
    requests += [Request(2 + k, output_tokens=6) for k in range(counted)]
    metrics = compute(Recording.open(record(tmp_path, requests)), ("Average",))
    assert metrics.output.tokens_per_event == ratio
    assert ("Tokens per Event" in dict(trust_rows(metrics))) == (ratio is not None)
