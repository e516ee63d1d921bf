"""Stages and windows of a run, against runs whose truth is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, header_of, record

from fastbench.errors import UsageError
from fastbench.metrics import Metrics, compute
from fastbench.metrics.samples.window import parse_bounds, truncation
from fastbench.recording import Recording

S = 1_000 * MS
STATS = ("Average",)


def value(metrics: Metrics, name: str) -> float:
    """A value of the table "Common Metric"."""
    (found,) = [row.value for row in metrics.common if row.name == name]
    assert found is not None
    return float(found)


def clients(lengths: Sequence[Sequence[int]], every_ns: int = 100 * MS, begin_ns: int = 10 * S) -> list[Request]:
    """Clients that each send one request after the other; each token of a request takes `every_ns`."""
    requests = []
    for own in lengths:
        now = begin_ns
        for tokens in own:
            stamps = tuple(now + every_ns * (k + 1) for k in range(tokens))
            requests.append(Request(len(requests), sent_ns=now, token_ns=stamps, end_ns=stamps[-1]))
            now = stamps[-1] + 1000
    return requests


def recorded(directory: Path, requests: Sequence[Request], concurrency: int | None = 4) -> Recording:
    header = header_of(load={"concurrency": concurrency, "planned": len(requests)})
    return Recording.open(record(directory, requests, header=header, footer={"planned": len(requests)}))


def forty(directory: Path) -> Recording:
    """40 requests of 4 clients, each of which gets 10 token/s all the time: the truth is 40 token/s."""
    lengths = np.random.default_rng(3).integers(20, 101, (4, 10)).tolist()
    return recorded(directory, clients(lengths))


def test_the_stable_stage_of_the_known_case(tmp_path: Path) -> None:
    """40 requests of 4 clients at an exact 40 token/s give 40 +- 0.5 in the stable stage, less over the whole run."""
    recording = forty(tmp_path)
    stable, total = compute(recording, STATS, "stable"), compute(recording, STATS)
    assert value(stable, "Output Token Throughput") == pytest.approx(40, abs=0.5)
    assert value(total, "Output Token Throughput") < 39
    assert value(stable, "Concurrency") == pytest.approx(4, abs=0.01)
    assert stable.window is not None
    assert stable.stage == "stable"


def test_a_window_stands_in_the_place_of_a_stage(tmp_path: Path) -> None:
    """A window gives the numbers of the stage of its name; beside another stage it is refused."""
    recording = forty(tmp_path)
    assert compute(recording, STATS, window="5s:20s") == compute(recording, STATS, "5s:20s")
    with pytest.raises(UsageError, match="the stage auto and the window 5s:20s exclude each other: name one of them"):
        compute(recording, STATS, "auto", window="5s:20s")


def test_the_originals_rule_stands_beside_it(tmp_path: Path) -> None:
    """The figure by whole requests counts all tokens of the requests that began inside, and overstates."""
    recording = forty(tmp_path)
    stable = compute(recording, STATS, "stable")
    assert stable.window is not None
    first = int(recording.rows["sent_ns"].min())
    begin, end = (first + round(moment * S) for moment in (stable.window.begin_s, stable.window.end_s))
    rows = recording.rows[(recording.rows["sent_ns"] >= begin) & (recording.rows["sent_ns"] < end)]
    whole = value(stable, "Output Token Throughput (whole-request rule)")
    assert whole == pytest.approx(rows["output_tokens"].sum() / (end - begin) * S, rel=1e-6)
    assert whole > value(stable, "Output Token Throughput")
    assert stable.success == len(rows)


def test_where_the_stable_stage_lies(tmp_path: Path) -> None:
    """It begins with the second start that reaches the limit and ends at the last moment at the limit."""
    requests = [
        Request(0, sent_ns=1 * S, token_ns=(2 * S,), end_ns=9 * S),
        Request(1, sent_ns=2 * S, token_ns=(3 * S,), end_ns=4 * S),
        Request(2, sent_ns=5 * S, token_ns=(5 * S,), end_ns=6 * S),
        Request(3, sent_ns=7 * S, token_ns=(7 * S,), end_ns=8 * S),
    ]
    metrics = compute(recorded(tmp_path, requests, 2), STATS, "stable")
    assert metrics.window is not None
    assert (metrics.window.begin_s, metrics.window.end_s) == (4.0, 7.0)
    assert value(metrics, "Benchmark Duration") == 3000
    assert value(metrics, "Total Requests") == metrics.success == 2


def test_failures_take_part_in_the_number_in_flight(tmp_path: Path) -> None:
    """A request that failed was in flight as well as any other; it is counted as failed where it began."""
    requests = clients([[10] * 6, [10] * 6])
    requests[3] = Request(3, requests[3].sent_ns, (), requests[3].end_ns, outcome="http_error", status=500)
    metrics = compute(recorded(tmp_path, requests, 2), STATS, "stable")
    assert value(metrics, "Failed Requests") == metrics.outcomes["http_error"] == 1
    assert value(metrics, "Total Requests") == metrics.success + 1


@pytest.mark.parametrize(
    ("concurrency", "message"),
    [
        (9, r"its limit of 9 in flight was reached 0 times, and twice is needed \(at most 2 were in flight\)"),
        (None, "the run has no limit of requests in flight"),
    ],
)
def test_a_run_without_a_stable_stage(tmp_path: Path, concurrency: int | None, message: str) -> None:
    """Where the limit was never reached twice, or there is none, the message says so and names the ways out."""
    recording = recorded(tmp_path, clients([[10] * 3, [10] * 3]), concurrency)
    with pytest.raises(UsageError, match=message) as caught:
        compute(recording, STATS, "stable")
    assert "--window" in str(caught.value)


def test_a_window_by_time(tmp_path: Path) -> None:
    """A window counts the requests that begin in it and the tokens that arrive in it, from the first send on."""
    recording = forty(tmp_path)
    metrics = compute(recording, STATS, "5s:25s")
    since = (recording.rows["sent_ns"] - recording.rows["sent_ns"].min()) / S
    assert metrics.success == np.count_nonzero((since >= 5) & (since < 25))
    assert value(metrics, "Benchmark Duration") == 20_000
    assert value(metrics, "Output Token Throughput") == pytest.approx(40, abs=0.3)


def test_the_tokens_of_a_window_exactly(tmp_path: Path) -> None:
    """Tokens are counted by their own moments at both edges, those of requests that began before among them."""
    recording = forty(tmp_path)
    moments = np.concatenate([recording.token_ns(row) for row in range(len(recording.rows))])
    since = moments - recording.rows["sent_ns"].min()
    metrics = compute(recording, STATS, "7300ms:11100ms")
    inside = np.count_nonzero((since >= 7_300 * MS) & (since < 11_100 * MS))
    assert value(metrics, "Output Token Throughput") == pytest.approx(inside / 3.8, abs=1e-9)


def test_tokens_by_event(tmp_path: Path) -> None:
    """Where events hold several tokens, an event counts as many as the service says, or its even share."""
    told = Request(0, 1 * S, (2 * S, 4 * S), 4 * S, output_tokens=10, event_tokens=(7, 3), output_source="token_ids")
    untold = Request(1, 1 * S, (2 * S, 4 * S), 4 * S, output_tokens=10)
    metrics = compute(recorded(tmp_path, [told, untold]), STATS, ":2s")
    assert value(metrics, "Output Token Throughput") == (7 + 5) / 2


@pytest.mark.parametrize("window", ["0s:30s", ":30s", "0:30", "0s:1h", "0s:"])
def test_windows_that_reach_the_end(tmp_path: Path, window: str) -> None:
    """A window without an end, or with a late one, ends with the run."""
    metrics = compute(recorded(tmp_path, clients([[10, 10]])), STATS, window)
    assert metrics.success == 2
    assert value(metrics, "Benchmark Duration") == pytest.approx(2000, abs=0.01)


@pytest.mark.parametrize("stage", ["total", "0s:"])
def test_the_tokens_of_failed_requests(tmp_path: Path, stage: str) -> None:
    """What failed requests brought before they failed is in no throughput, neither the whole run's nor a window's."""
    requests = [
        Request(0, 1 * S, (2 * S, 3 * S), 3 * S),
        Request(1, 1 * S, (2 * S,), 2 * S, outcome="truncated"),
    ]
    assert value(compute(recorded(tmp_path, requests), STATS, stage), "Output Token Throughput") == 2 / 2


@pytest.mark.parametrize("window", ["0s:", "0s:1h", ":3s"])
@pytest.mark.parametrize("flags", [("stream",), ()])
def test_what_arrives_last_is_inside(tmp_path: Path, window: str, flags: tuple[str, ...]) -> None:
    """A window that ends with the run counts the tokens that its last moment brought, streamed or not."""
    request = Request(0, 1 * S, (2 * S, 4 * S), 4 * S, flags=flags, output_tokens=12)
    metrics = compute(recorded(tmp_path, [request]), STATS, window)
    assert value(metrics, "Output Token Throughput") == 12 / 3
    assert value(metrics, "Benchmark Duration") == 3000


def test_the_stable_stage_has_its_last_token(tmp_path: Path) -> None:
    """A token that arrives at the moment at which the limit is left for good is in the stable stage."""
    requests = clients([[10] * 3, [10] * 3])
    stable = compute(recorded(tmp_path, requests, 2), STATS, "stable")
    moments = np.array([moment for request in requests for moment in request.token_ns])
    begin = sorted(request.sent_ns for request in requests)[3]  # the two clients begin together, and again later
    assert value(stable, "Benchmark Duration") == (moments.max() - begin) / MS
    arrived = np.count_nonzero(moments >= begin)
    assert value(stable, "Output Token Throughput") == pytest.approx(arrived / (moments.max() - begin) * S, abs=1e-9)


def test_neighbouring_windows_share_no_moment(tmp_path: Path) -> None:
    """What arrives at the time at which one window ends and the next begins is in the next alone."""
    recording = recorded(tmp_path, [Request(0, 1 * S, (2 * S, 3 * S, 5 * S), 5 * S)])
    early, late = (value(compute(recording, STATS, stage), "Output Token Throughput") for stage in (":2s", "2s:"))
    assert (early * 2, late * 2) == (1, 2)


@pytest.mark.parametrize("text", ["", "5s", "90s:30s", "5s:5s", "a:b", "-1s:3s", "1s:2s:3s", "stabel"])
def test_what_is_no_window(text: str) -> None:
    """What is no window is refused with the forms that are."""
    with pytest.raises(
        UsageError, match="is not a stage; it is total, stable, auto, or a window from:to such as 30s:90s"
    ):
        parse_bounds(text)


def test_a_window_behind_the_end(tmp_path: Path) -> None:
    """A window in which nothing happened is refused, and the message says how long the run took."""
    recording = recorded(tmp_path, clients([[10, 10]]))
    with pytest.raises(UsageError, match=r"the window 1h:2h lies behind the run's end: it took 2\.000 s"):
        compute(recording, STATS, "1h:2h")


def test_the_automatic_window_leaves_ramp_and_drain_out(tmp_path: Path) -> None:
    """Clients that come and go one by one are no part of the stationary window between."""
    ramp = [(5 + k, clients([[25] * 12], begin_ns=(5 + k) * S)) for k in range(10)]
    requests = [request for _, own in ramp for request in own]
    metrics = compute(recorded(tmp_path, requests, 10), STATS, "auto")
    assert metrics.window is not None
    assert 7 <= metrics.window.begin_s <= 12
    assert 27 <= metrics.window.end_s <= 33
    assert "marginal standard error rule" in metrics.window.method
    assert value(metrics, "Output Token Throughput") == pytest.approx(100, rel=0.03)


CLIMBING = [Request(k, 10 * k * MS, (10 * k * MS + MS,), 700 * MS + k) for k in range(60)]
"""Requests that all stay to the end: there are more and more of them."""
SLOWING = [Request(0, MS, tuple(k * k * MS for k in range(1, 400)), 400 * 400 * MS)]
"""One request whose tokens come slower and slower."""


@pytest.mark.parametrize("requests", [CLIMBING, SLOWING], ids=["climbing", "slowing"])
def test_a_run_that_never_settles(tmp_path: Path, requests: list[Request]) -> None:
    """Where requests in flight climb all the time, or the token rate falls all the time, no window is made up."""
    with pytest.raises(UsageError, match="no stationary window"):
        compute(recorded(tmp_path, requests), STATS, "auto")


def test_truncation() -> None:
    """The rule cuts a transient at its end, and nothing from a series without one."""
    noise = np.random.default_rng(1).normal(100, 1, 200)
    with_ramp = noise.copy()
    with_ramp[:30] = np.linspace(0, 97, 30)
    assert 28 <= truncation(with_ramp) <= 34
    assert truncation(np.full(50, 7.0)) == 0


def test_nothing_sent_has_no_stage(tmp_path: Path) -> None:
    """A run in which nothing was sent has no stage but the whole."""
    with pytest.raises(UsageError, match="no request was sent; take the stage total"):
        compute(recorded(tmp_path, []), STATS, "stable")


def test_an_open_loop_without_a_stable_stage(tmp_path: Path) -> None:
    """Of an open loop it is not said that it missed a limit which nobody meant it to reach."""
    header = header_of(load={"kind": "open", "arrival": "constant", "concurrency": 1000})
    recording = Recording.open(record(tmp_path / "r", clients([[10] * 3, [10] * 3]), header=header))
    with pytest.raises(UsageError, match="an open loop has one only where 1000 in flight, the most that were allowed"):
        compute(recording, STATS, "stable")
