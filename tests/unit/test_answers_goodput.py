"""`--slo`: what is read, what is refused, and which requests keep it."""

from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, header_of, record

from fastbench.answers import goodput_of, parse_slo
from fastbench.answers.goodput import kept
from fastbench.errors import UsageError
from fastbench.metrics import Selection
from fastbench.recording import Recording


def stream(number: int, ttft: int, *gaps: int, tail: int = 0, sent: int = 1_000, **more: object) -> Request:
    """A request by its TTFT and gaps, ms."""
    stamps = (sent + ttft + np.cumsum((0, *gaps))) * MS
    return Request(
        number,
        sent_ns=sent * MS,
        token_ns=tuple(int(stamp) for stamp in stamps),
        end_ns=int(stamps[-1]) + tail * MS,
        **more,  # type: ignore[arg-type]
    )


REQUESTS = (
    stream(0, 100, 20, 20, 20),
    stream(1, 600, 20, 20, 20),  # late first token
    stream(2, 100, 20, 90, 20),  # TPOT 43.3, longest gap 90
    stream(3, 100, 60, 60, 60, tail=40),  # TPOT 73.3
    stream(4, 100),  # one token: it has no time per token
    stream(5, 100, 20, intended_ns=200 * MS),  # waited 800 ms
    stream(6, 100, 20, outcome="truncated"),
    Request(7, sent_ns=0, token_ns=(), end_ns=0, intended_ns=1_000 * MS, outcome="dropped", flags=("stream",)),
)


@pytest.fixture
def selection(tmp_path: Path) -> Selection:
    return Selection(Recording.open(record(tmp_path / "run", REQUESTS)))


@pytest.mark.parametrize(
    ("clause", "numbers"),
    [
        ("ttft<500ms", [0, 2, 3, 4, 5]),
        ("ttft<600ms", [0, 2, 3, 4, 5]),
        ("tpot<50ms", [0, 1, 2, 4, 5]),
        ("itl_max<90ms", [0, 1, 3, 4, 5]),
        ("itl_max<91ms", [0, 1, 2, 3, 4, 5]),
        ("itl_p99<89ms", [0, 1, 2, 3, 4, 5]),  # the P99 of 20, 20, 90 is 88.6
        ("itl_p99<88ms", [0, 1, 3, 4, 5]),
        ("e2el<200ms", [0, 4, 5]),
        ("response<900ms", [0, 1, 2, 3, 4]),
        ("ttft_intended<800ms", [0, 1, 2, 3, 4]),
        ("ttfa<500ms", [0, 2, 3, 4, 5]),
    ],
)
def test_which_requests_keep_a_clause(selection: Selection, clause: str, numbers: list[int]) -> None:
    """Each clause is yes or no for a request; what has no such value keeps it, what failed does not."""
    (one,) = parse_slo(clause).clauses
    assert selection.final["request"][kept(selection, one).kept].tolist() == numbers


def test_goodput(selection: Selection) -> None:
    """A request is good when it keeps all; the others count under what broke first, or under their outcome."""
    found = goodput_of(selection, parse_slo("ttft<500ms, tpot<50ms, e2el<300ms"))
    assert (found.requests, found.good, found.share) == (8, 4, 0.5)
    assert {one.reason: one.requests for one in found.broken} == {"e2el<300ms": 2, "truncated": 1, "dropped": 1}
    # From the first send to the last end of those that succeeded: 660 ms.
    assert found.per_s == pytest.approx(4 / 0.66)
    assert found.tokens_per_s == pytest.approx((4 + 4 + 1 + 2) / 0.66)
    assert (found.interval, found.met) == (None, None), "8 requests are too short to tell"


def test_the_first_to_break(selection: Selection) -> None:
    """Of two broken limits the one whose moment came first is named, whatever their order."""
    both = parse_slo("e2el<650ms, ttft<500ms")
    counts = {one.reason: one.requests for one in goodput_of(selection, both).broken}
    assert counts == {"ttft<500ms": 1, "truncated": 1, "dropped": 1}
    gap = parse_slo("e2el<230ms, itl_max<30ms")
    counts = {one.reason: one.requests for one in goodput_of(selection, gap).broken}
    assert counts == {"itl_max<30ms": 2, "e2el<230ms": 1, "truncated": 1, "dropped": 1}


def test_reasoning_is_no_answer(tmp_path: Path) -> None:
    """The first answer token of a reply that only reasoned never came."""
    flags = ("stream", "kernel", "reasoning")
    requests = [
        stream(0, 100, 20, 20, flags=flags, more=(("answer_ns", 1_120 * MS),)),
        stream(1, 100, 20, 20, flags=flags),
        stream(2, 100, 20, 20),
    ]
    selection = Selection(Recording.open(record(tmp_path / "run", requests)))
    (clause,) = parse_slo("ttfa<110ms").clauses
    assert kept(selection, clause).kept.tolist() == [False, False, True]
    (clause,) = parse_slo("ttfa<10min").clauses
    assert kept(selection, clause).kept.tolist() == [True, False, True]


def test_without_streams(tmp_path: Path) -> None:
    """Where no streams were asked for, a clause about their moments is refused, and one about the whole is not."""
    header = header_of(service={"stream": False})
    requests = [Request(number, flags=("kernel",), token_ns=()) for number in range(3)]
    selection = Selection(Recording.open(record(tmp_path / "run", requests, header=header)))
    with pytest.raises(UsageError, match="needs the moments of a stream"):
        goodput_of(selection, parse_slo("ttft<1s"))
    assert goodput_of(selection, parse_slo("e2el<1s")).good == 3


def test_a_long_run_has_an_interval(tmp_path: Path) -> None:
    """Of 2,000 requests of which every tenth is late the share is 90 %, inside its interval; 85 % is met, 95 % is
    not."""
    requests = [stream(n, 600 if n % 10 == 0 else 100, 20, sent=1_000 + 20 * n) for n in range(2_000)]
    selection = Selection(Recording.open(record(tmp_path / "run", requests)))
    found = {share: goodput_of(selection, parse_slo(f"ttft<500ms@{share}%")) for share in (85, 90, 95)}
    interval = found[90].interval
    assert interval is not None
    assert 0.88 < interval.low < 0.9 < interval.high < 0.92
    assert [found[share].met for share in (85, 90, 95)] == [True, None, False]
