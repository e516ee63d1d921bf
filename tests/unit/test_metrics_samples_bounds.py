"""The bounds of each statistic, against the same by plain lists, and what marks cannot say."""

from __future__ import annotations

import random
from itertools import accumulate
from pathlib import Path

import pytest
from oracle import statistic
from recordings import MS, Request, record

from fastbench.errors import RecordingError
from fastbench.metrics import Selection
from fastbench.metrics.own import OWN_METRICS
from fastbench.metrics.samples import gaps
from fastbench.metrics.samples.bounds import Bounds
from fastbench.recording import Recording

NAMES = ("Average", "Min", "Median", "P90", "P99", "Max")
GAPS_US = ((0, 20_000, 20_010), (0, 40, 65_534, 65_535, 70_000), (19_000, 120_000, 130_000), (900_000, 3_000_000))


def bounds_of(path: Path, names: tuple[str, ...] = NAMES) -> dict[str, Bounds]:
    """Of a whole recording, by metric."""
    selection = Selection(Recording.open(path))
    found = {metric.name: metric.bounds(selection, names) for metric in OWN_METRICS if metric.bounds is not None}
    return {name: bounds for name, bounds in found.items() if bounds}


def some_request(rng: random.Random, number: int) -> Request:
    """A request of a few events, some of them marked, some of its stamps shared with its end."""
    gaps = [rng.choice(rng.choice(GAPS_US)) for _ in range(rng.choice((0, 1, 5, 40)))]
    sent = rng.randrange(1_000, 2_000) * MS
    first = sent + rng.randrange(0, 200) * MS
    stamps = tuple(first + 1000 * at for at in accumulate(gaps, initial=0))
    return Request(
        number,
        sent_ns=sent,
        token_ns=stamps,
        end_ns=stamps[-1] + rng.choice((0, 0, MS)),
        marks=tuple(some_marks(rng, len(stamps))),
        output_tokens=rng.choice((None, 77)),
        outcome=rng.choice(("ok", "ok", "ok", "timeout")),
        flags=rng.choice((("stream",), ("stream",), ("stream", "warmup"))),
    )


def some_marks(rng: random.Random, events: int) -> list[tuple[int, int, int]]:
    """Rising marks that do not overlap."""
    marks, at = [], rng.choice((0, 0, 1, 3))
    while at < events and len(marks) < rng.choice((0, 3, 9)):
        size = min(events - at, rng.choice((1, 1, 2, 5)))
        marks.append((at, size, rng.choice((1, 300, 25_000, 66_000, 2_000_000))))
        at += size + rng.choice((0, 0, 1, 4))
    return marks


def expected(requests: list[Request]) -> dict[str, dict[str, tuple[float | None, float | None]]]:
    """By plain lists: each sample's least and most, and their statistics."""
    low: dict[str, list[float]] = {row: [] for row in ("E2EL", "TTFT", "TPOT", "ITL")}
    high: dict[str, list[float]] = {row: [] for row in low}
    less = more = total = 0.0
    for r in requests:
        if r.outcome != "ok" or "warmup" in r.flags:
            continue
        early = [0] * len(r.token_ns)
        for event, size, bound in r.marks:
            early[event : event + size] = [bound * 1000] * size
        end = early[-1] if r.end_ns == r.token_ns[-1] else 0
        e2el, ttft = r.end_ns - r.sent_ns, r.token_ns[0] - r.sent_ns
        low["E2EL"].append(max(0, e2el - end))
        high["E2EL"].append(e2el)
        low["TTFT"].append(max(0, ttft - early[0]))
        high["TTFT"].append(ttft)
        tokens = len(r.token_ns) if r.output_tokens is None else r.output_tokens
        if tokens > 1 and len(r.token_ns) > 1:
            low["TPOT"].append(max(0, e2el - ttft - end) / (tokens - 1))
            high["TPOT"].append((e2el - ttft + early[0]) / (tokens - 1))
        for k in range(1, len(r.token_ns)):
            gap = r.token_ns[k] - r.token_ns[k - 1]
            low["ITL"].append(max(0, gap - early[k]))
            high["ITL"].append(gap + early[k - 1])
        if len(r.token_ns) > 1:
            total += r.token_ns[-1] - r.token_ns[0]
            less += min(early[-1], r.token_ns[-1] - r.token_ns[0])
            more += early[0]
    found = {row: {name: (statistic(low[row], name), statistic(high[row], name)) for name in NAMES} for row in low}
    if low["ITL"]:
        found["ITL"]["Average"] = ((total - less) / len(low["ITL"]), (total + more) / len(low["ITL"]))
    return found


@pytest.mark.parametrize("long_us", [gaps.LONG_US, 10])
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 38)), 38, 39])
def test_bounds_are_those_of_plain_lists(
    tmp_path: Path, seed: int, long_us: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of small recordings with any marks, bases and escapes every bound is that which plain lists give."""
    monkeypatch.setattr(gaps, "LONG_US", long_us)
    rng = random.Random(seed)
    batches = [[some_request(rng, 10 * k + n) for n in range(rng.randrange(1, 10))] for k in range(3)]
    everything = [request for batch in batches for request in batch]
    found = bounds_of(record(tmp_path, *batches))
    for row, values in expected(everything).items():
        for name, (least, most) in values.items():
            if row in found:
                assert found[row][name] == (
                    pytest.approx((least or 0) / MS, rel=1e-12),
                    pytest.approx((most or 0) / MS, rel=1e-12),
                ), (row, name)
            else:
                assert least == most, (row, name)


def test_an_undisturbed_recording_has_no_bounds(tmp_path: Path) -> None:
    """Without a mark in a request that counts nothing is uncertain."""
    path = record(tmp_path, [Request(0), Request(1, marks=((1, 1, 500),), outcome="timeout")])
    assert bounds_of(path) == {}


def test_one_marked_event_moves_its_two_gaps(tmp_path: Path) -> None:
    """Of gaps of 20 ms an event that may be 5 ms early makes one 15 ms or the next one 25 ms, and no average."""
    stamps = tuple(1_100 * MS + 20 * MS * k for k in range(4))
    found = bounds_of(record(tmp_path, [Request(0, token_ns=stamps, end_ns=1_200 * MS, marks=((1, 1, 5_000),))]))
    assert found == {
        "ITL": {"Average": (20, 20), "Min": (15, 20), "Median": (20, 20), "P90": (20, 24), "P99": (20, 24.9)}
        | {"Max": (20, 25)}
    }


@pytest.mark.parametrize("marks", [((2, 2, 5),), ((0, 2, 5), (1, 1, 5)), ((3, 1, 5),), ((0, 2**32 - 1, 5),)])
def test_marks_that_do_not_fit_are_told(tmp_path: Path, marks: tuple[tuple[int, int, int], ...]) -> None:
    """Marks beyond a row's events, or over each other, are a recording that contradicts itself."""
    with pytest.raises(RecordingError, match="marks from row 0 on do not fit"):
        bounds_of(record(tmp_path, [Request(0, marks=marks)]))
