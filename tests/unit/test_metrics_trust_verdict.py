"""The verdict: each effect on both sides of its limit, with its cause and remedy, and what is never held against us."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from recordings import MS, Request, header_of, record

from fastbench.metrics import Metrics, compute
from fastbench.metrics.model import Reason
from fastbench.recording import Recording
from fastbench.report.trust_table import trust_rows

STATS = ("Average", "P99")
START = 1_000 * MS
US = 1_000


def metrics_of(
    directory: Path,
    requests: list[Request],
    health: list[dict[str, Any]] | None = None,
    service: dict[str, Any] | None = None,
    **load: Any,
) -> Metrics:
    """The numbers of a recording with this load."""
    header = header_of(load={"concurrency": 4} | load, service=service or {})
    return compute(Recording.open(record(directory, requests, header=header, health=health or [])), STATS)


def only_reason(metrics: Metrics) -> Reason:
    """The one reason of an INVALID run."""
    assert metrics.verdict.word == "INVALID"
    (reason,) = metrics.verdict.reasons
    return reason


def lasting(number: int, sent_ns: int, ms: int = 200, **changes: Any) -> Request:
    """A request with tokens after 100 ms and each 20 ms, that ends with its message after `ms`."""
    tokens = tuple(range(sent_ns + 100 * MS, sent_ns + (ms - 1) * MS, 20 * MS))
    end = sent_ns + ms * MS
    return Request(number, **{"sent_ns": sent_ns, "token_ns": tokens, "end_ns": end, "message_ns": end, **changes})


def closed_loop(late_ns: int, slots: int = 4, each: int = 10, tail_ns: int = 0, **changes: Any) -> list[Request]:
    """Slots that are each used again `late_ns` after the message on them ended, `tail_ns` after the reply."""
    made = []
    for slot in range(slots):
        free = START + slot * 20 * US
        for turn in range(each):
            request = lasting(slot * each + turn, free + (late_ns if turn else 0), intended_ns=free, **changes)
            free = request.end_ns + tail_ns
            made.append(replace(request, message_ns=free))
    return made


def open_loop(late_ns: int, count: int = 100, every_ns: int = 10 * MS, **changes: Any) -> list[Request]:
    """Requests due every 10 ms, that go out so much later."""
    due = [START + k * every_ns for k in range(count)]
    return [lasting(k, at + late_ns, intended_ns=at, **changes) for k, at in enumerate(due)]


OPEN = {"kind": "open", "arrival": "constant", "rate": 100.0, "concurrency": None}


@pytest.mark.parametrize(("late_us", "valid"), [(2_000, True), (2_100, False)])
def test_the_clients_share_of_slot_time(tmp_path: Path, late_us: int, valid: bool) -> None:
    """A closed loop whose slots the client leaves empty for more than 1 % of their time is INVALID."""
    metrics = metrics_of(tmp_path, closed_loop(late_us * US))
    assert metrics.effect.slot_share == pytest.approx(late_us / (200_000 + late_us))
    assert metrics.verdict.valid is valid
    assert valid or only_reason(metrics).effect == "The client left its slots empty for 1.04% of their time"


def test_lateness_alone_decides_nothing_in_a_closed_loop(tmp_path: Path) -> None:
    """A P99 of send lateness of 30 ms in a closed loop is no effect where the slots were full all the same."""
    run = closed_loop(0, each=100)
    late = replace(run[50], intended_ns=run[50].sent_ns, sent_ns=run[50].sent_ns + 30 * MS)
    metrics = metrics_of(tmp_path, [*run[:50], late, *run[51:]])
    assert metrics.load.send_lateness.values["Max"] == 30
    assert metrics.verdict.valid


def test_a_late_end_of_the_message_is_the_services(tmp_path: Path) -> None:
    """A service that ends its message 25 ms after the reply has that time itself."""
    metrics = metrics_of(tmp_path, closed_loop(0, tail_ns=25 * MS))
    assert metrics.effect.slot_share == 0
    assert metrics.verdict.valid


def test_replies_of_no_time_leave_the_client_its_own(tmp_path: Path) -> None:
    """Between replies of 0.2 ms the 40 µs that a client needs are a fifth of the load, and no fault."""
    run, free = [], START
    for k in range(50):
        sent = free + 40 * US
        free = sent + 200 * US
        run.append(Request(k, sent, (free - US,), free, sent - 40 * US, message_ns=free))
    metrics = metrics_of(tmp_path, run, concurrency=1)
    assert metrics.effect.load_share == pytest.approx(1 / 6, rel=0.01)
    assert metrics.verdict.valid


@pytest.mark.parametrize(("last_ms", "valid"), [(49, True), (51, False)])
def test_the_ramp(tmp_path: Path, last_ms: int, valid: bool) -> None:
    """A start of more than 50 ms and a tenth of the median E2EL, of 200 ms here, is INVALID."""
    run = [lasting(k, START + k * 20 * US) for k in range(3)] + [lasting(3, START + last_ms * MS)]
    metrics = metrics_of(tmp_path, run)
    assert metrics.effect.ramp_ms == last_ms
    assert metrics.verdict.valid is valid
    if not valid:
        assert only_reason(metrics).effect.startswith("It took 51.0 ms, 26% of the median E2EL, until all 4 slots")


@pytest.mark.parametrize(
    ("load", "length_s"), [({"arrival": "pressure"}, 0.2), ({"arrival": "profile"}, 0.2), ({"concurrency": 4}, 40)]
)
def test_a_start_that_was_asked_for_or_is_nothing(tmp_path: Path, load: dict[str, Any], length_s: float) -> None:
    """Slots that were to open one by one, and a start that is short beside the run, are VALID."""
    run = [lasting(k, START + k * 80 * MS) for k in range(4)]
    run.append(lasting(4, run[0].end_ns, int(length_s * 1000), intended_ns=run[0].end_ns))
    assert metrics_of(tmp_path, run, **load).verdict.valid


def test_a_slow_accept_is_the_services(tmp_path: Path) -> None:
    """The time until the service accepts a connection is in the ramp and the lateness, and never decides."""
    slow = {"connect_ns": 300 * MS}
    first = [lasting(0, START), *(lasting(k, START + 300 * MS, intended_ns=START, **slow) for k in (1, 2, 3))]
    metrics = metrics_of(tmp_path / "closed", first)
    assert (metrics.effect.ramp_ms, metrics.effect.own_ramp_ms) == (300, 0)
    assert metrics.verdict.valid
    opened = open_loop(300 * MS, **slow)
    assert metrics_of(tmp_path / "open", opened, **OPEN).verdict.valid
    spare = [replace(request, connect_ns=0, tried_ns=request.intended_ns) for request in opened]
    assert metrics_of(tmp_path / "spare", spare, **OPEN).verdict.valid


def test_encrypting_is_the_clients(tmp_path: Path) -> None:
    """Over TLS a request that goes out 30 ms after it was tried is late by the client's own work."""
    late = [replace(request, tried_ns=request.intended_ns or 0) for request in open_loop(30 * MS)]
    assert metrics_of(tmp_path / "clear", late, **OPEN).verdict.valid
    assert not metrics_of(tmp_path / "tls", late, service={"tls": "verified"}, **OPEN).verdict.valid


@pytest.mark.parametrize(("late_us", "valid"), [(990, True), (1_010, False)])
def test_send_lateness_decides_in_an_open_loop(tmp_path: Path, late_us: int, valid: bool) -> None:
    """In an open loop a P99 of lateness above 1 ms, and above 1 % of the TTFT median, is INVALID."""
    metrics = metrics_of(tmp_path, open_loop(late_us * US), **OPEN)
    assert metrics.verdict.valid is valid
    if not valid:
        assert only_reason(metrics).effect == "Requests were sent late, P99 1.0100 ms with 1.0000 ms allowed"


@pytest.mark.parametrize("tried", [True, False])
def test_a_refused_attempt_is_made_on_time(tmp_path: Path, tried: bool) -> None:
    """Where the service refuses most of an open loop the rate was sent; older recordings do not say when it tried."""
    run = open_loop(0)
    refused = {"sent_ns": 0, "token_ns": (), "outcome": "refused"}
    run[20:] = [replace(r, tried_ns=(r.intended_ns or 0) * tried, **refused) for r in run[20:]]
    metrics = metrics_of(tmp_path, run, **OPEN)
    assert metrics.load.sent_rate == pytest.approx(100)
    assert metrics.verdict.valid


@pytest.mark.parametrize(("dropped", "valid"), [(1, True), (2, False)])
def test_dropped(tmp_path: Path, dropped: int, valid: bool) -> None:
    """More than 0.1 % of dropped requests is INVALID, because the limit was reached."""
    run = open_loop(0, count=1_000 - dropped, every_ns=MS)
    gone = [Request(2_000 + k, 0, (), 0, START + k, outcome="dropped") for k in range(dropped)]
    metrics = metrics_of(tmp_path, run + gone, **(OPEN | {"concurrency": 300, "rate": 1000.0}))
    assert metrics.verdict.valid is valid
    if not valid:
        assert only_reason(metrics).sentence == (
            "2 requests were dropped, because the limit of 300 in flight was reached: "
            "raise --concurrency or lower --rate."
        )


def test_arrivals_that_are_not_as_asked(tmp_path: Path) -> None:
    """Even sends where Poisson's were asked for are INVALID."""
    load = OPEN | {"arrival": "poisson", "burstiness": 1.0}
    reason = only_reason(metrics_of(tmp_path, open_loop(0, count=300), **load))
    assert reason.effect == "The sent arrivals do not follow the requested process (poisson)"


def test_the_limit_is_named_with_its_remedy(tmp_path: Path) -> None:
    """Requests that waited for a place in flight were late for it, and not for the client."""
    run = []
    free = START
    for k in range(50):
        due = START + k * 10 * MS
        run.append(lasting(k, max(free, due), intended_ns=due))
        free = run[-1].end_ns
    metrics = metrics_of(tmp_path, run, **(OPEN | {"concurrency": 1}))
    assert {(r.cause, r.remedy) for r in metrics.verdict.reasons} == {
        ("the limit of 1 in flight was reached", "raise --concurrency or lower --rate")
    }


def test_starvation_is_a_cause(tmp_path: Path) -> None:
    """Requests that were not prepared in time decide nothing by themselves, and are named where they had an effect."""
    flags = ("stream", "starved")
    harmless = metrics_of(tmp_path / "harmless", closed_loop(100 * US, flags=flags))
    assert harmless.client.starved == 40
    assert harmless.verdict.valid
    assert dict(trust_rows(harmless))["Starved Requests"] == "40"
    reason = only_reason(metrics_of(tmp_path / "starved", closed_loop(9 * MS, flags=flags)))
    assert reason.cause == "40 requests were not prepared when due"
    assert "--workers" in reason.remedy


def test_stalls_are_a_cause_where_they_were(tmp_path: Path) -> None:
    """Sends that were late while the client stood still were late for that; others are not put down to it."""
    run = closed_loop(9 * MS)
    waits = [(early.message_ns, 9 * MS) for early, late in pairwise(run) if late.intended_ns == early.message_ns]
    inside = [{"t_ns": START + 1, "stalls": [*map(list, waits)]}]
    reason = only_reason(metrics_of(tmp_path / "inside", run, inside))
    assert reason.cause.startswith("the client was stopped or had no processor 36 times, 324.0 ms in all")
    elsewhere = [{"t_ns": START + 1, "stalls": [[START + 50 * MS, 4 * MS]]}]
    assert "had no processor" not in only_reason(metrics_of(tmp_path / "elsewhere", run, elsewhere)).cause


@pytest.mark.parametrize(
    ("cpu_s", "cause", "remedy"),
    [(0.95, "busy for 95% of the time", "--workers"), (0.3, "did not get a processor in time", "real-time")],
)
def test_saturation_is_a_cause(tmp_path: Path, cpu_s: float, cause: str, remedy: str) -> None:
    """A thread that computes all the time needs more of its kind; one that does not, a processor."""
    health: list[dict[str, Any]] = [{"t_ns": START + 1, "cpu_ns": int(cpu_s * 1e9), "ordinary_ns": 10**9}]
    reason = only_reason(metrics_of(tmp_path, closed_loop(9 * MS), health))
    assert cause in reason.cause
    assert remedy in reason.remedy


@pytest.mark.parametrize(("bound_us", "valid"), [(1_000, True), (1_020, False)])
def test_an_average_beyond_one_per_cent(tmp_path: Path, bound_us: int, valid: bool) -> None:
    """First events of 100 ms that may be more than 1 ms early make the TTFT, and with it the run, INVALID."""
    run = [replace(r, token_ns=r.token_ns[:1], marks=((0, 1, bound_us),)) for r in closed_loop(0)]
    metrics = metrics_of(tmp_path, run)
    assert metrics.verdict.valid is valid
    if not valid:
        assert only_reason(metrics).effect == (
            "TTFT Average may be anything from 98.9800 to 100.0000 ms, and TTFT Median, TTFT P90 may be off too"
        )


def test_fifty_microseconds_never_count(tmp_path: Path) -> None:
    """Of a TTFT of 1 ms, 5 % are less than any client can promise."""
    run = [Request(k, START + k * MS, (START + (k + 1) * MS,), START + (k + 2) * MS) for k in range(60)]
    marked = [replace(request, marks=((0, 1, 50),)) for request in run]
    assert metrics_of(tmp_path, marked, **OPEN).verdict.valid


@pytest.mark.parametrize(("bound_us", "marked"), [(1_000, False), (1_100, True)])
def test_a_rare_percentile_is_marked(tmp_path: Path, bound_us: int, marked: bool) -> None:
    """A P99 whose bounds leave 5 %, here of an ITL of 20 ms, is marked, and decides nothing."""
    run = closed_loop(0)
    run[:10] = [replace(request, marks=((2, 1, bound_us),)) for request in run[:10]]
    metrics = metrics_of(tmp_path, run)
    assert metrics.verdict.valid
    itl = next(row for row in metrics.parameters if row.name == "ITL")
    assert (itl.unsure, itl.bounds["Average"]) == (("P99",) if marked else (), (20, 20))


def test_a_blurred_read_without_a_stall_is_not_called_one(tmp_path: Path) -> None:
    """Where no stall was recorded, none is named: no contradiction to Client Stalls 0."""
    run = [replace(request, marks=((0, 1, 30_000),)) for request in closed_loop(0)]
    health = [{"t_ns": START + 1, "real_time_ns": 10**9, "cpu_ns": 10**8}]
    reason = only_reason(metrics_of(tmp_path / "none", run, health))
    assert reason.cause == "the client's thread did not get a processor in time, and read late"
    stalled = [health[0] | {"stalls": [[START + 50 * MS, 30 * MS]]}]
    reason = only_reason(metrics_of(tmp_path / "one", run, stalled))
    assert reason.cause == "the client was stopped or had no processor once, 30.0 ms in all"


def test_the_effect_stands_beside_the_verdict(tmp_path: Path) -> None:
    """The trust block has the ramp, the client's share of slot time, and what it can have changed at most."""
    run = [replace(request, marks=((1, 1, 5_000),)) for request in closed_loop(MS)]
    rows = dict(trust_rows(metrics_of(tmp_path, run)))
    assert rows["Ramp"] == "0.0600 ms (4 sent)"
    assert rows["Client Share of Slot Time"] == "0.4975 %"
    assert rows["Client Effect"] == (
        "at most TTFT Median 0.0000 ms, P99 0.0000 ms; ITL Median 0.0000 ms, P99 5.0000 ms; 0.4975 % of the load"
    )


def test_a_continued_run_begins_once(tmp_path: Path) -> None:
    """The first requests of a leg are neither the ramp of the run nor late for what was before."""
    begun = closed_loop(0, slots=2, each=2)
    later = [replace(lasting(10 + k, START + 9_000 * MS), intended_ns=START + 8_000 * MS) for k in range(2)]
    path = record(tmp_path, begun, header=header_of(load={"concurrency": 4}))
    leg = record(
        tmp_path / "leg",
        later,
        header=header_of(load={"concurrency": 4}) | {"leg": 1, "resumes_ns": START + 8_000 * MS},
    )
    (leg / "requests.fbr").rename(path / "requests-1.fbr")
    effect = compute(Recording.open(path), STATS).effect
    assert (effect.ramp_ms, effect.slot_share) == (0.02, 0)


@pytest.mark.parametrize("stalls", [0, 1])
@pytest.mark.parametrize(("priority", "named"), [("ordinary_ns", True), ("real_time_ns", False), ("unknown", False)])
def test_a_priority_that_it_has_is_no_remedy(tmp_path: Path, stalls: int, priority: str, named: bool) -> None:
    """A thread that ran as an ordinary one may be made real-time; one that was so already needs room."""
    run = [replace(request, marks=((0, 1, 30_000),)) for request in closed_loop(0)]
    health = [{"t_ns": START + 1, priority: 10**9, "stalls": [[START + 50 * MS, 30 * MS]] * stalls}]
    assert ("real-time" in only_reason(metrics_of(tmp_path, run, health)).remedy) is named


def test_refused_requests_have_no_share_of_slot_time(tmp_path: Path) -> None:
    """What was refused took no time in a slot that the client's own could be set against."""
    run = closed_loop(0)
    free = run[-1].message_ns
    refused = {"sent_ns": 0, "token_ns": (), "outcome": "refused", "intended_ns": free}
    run += [Request(100 + k, tried_ns=free + 50 * MS, end_ns=free + 51 * MS, **refused) for k in range(100)]
    metrics = metrics_of(tmp_path, run)
    assert metrics.effect.slot_share == 0
    assert metrics.verdict.valid


def test_a_start_that_is_slow_by_its_plan(tmp_path: Path) -> None:
    """Where slots open over a long time without any being late, more workers help, not a processor."""
    run = [lasting(k, START + k * 20 * US) for k in range(5_000)]
    reason = only_reason(metrics_of(tmp_path, run, concurrency=5_000))
    assert reason.cause == "slots open one after the other, these within 100.0 ms"
    assert "--workers" in reason.remedy
