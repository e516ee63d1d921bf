"""Stalls, and tokens that come later than one reads."""

from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, record

from fastbench.answers import smoothness_of
from fastbench.answers.smoothness import in_time, smoothness_rows, streams_of
from fastbench.answers.uncertainty import Times
from fastbench.metrics import Selection
from fastbench.recording import Recording


def stream(number: int, *gaps: int, **more: object) -> Request:
    """A request by its gaps, ms."""
    stamps = 1_100 * MS + np.cumsum((0, *gaps)) * MS
    return Request(number, token_ns=tuple(stamps.tolist()), end_ns=int(stamps[-1]), **more)  # type: ignore[arg-type]


def selection(directory: Path, *requests: Request) -> Selection:
    return Selection(Recording.open(record(directory / "run", requests)))


def test_stalls(tmp_path: Path) -> None:
    """A stall is a gap of a second or more that is ten times the request's own median."""
    found = smoothness_of(
        selection(
            tmp_path,
            stream(0, 20, 20, 1_500, 20, 2_000, 20),
            stream(1, 20, 999, 20),
            stream(2, 1_100, 1_100, 1_100),  # slow all the time
            stream(3, 20, 20, 1_000, 20),
            stream(4),
            stream(5, 20, 5_000, 20, outcome="truncated"),
        )
    )
    assert (found.streams, found.stalls, found.stalled, found.longest_ms) == (5, 3, 2, 2_000)
    assert found.stalled_share == 0.4


def test_another_limit(tmp_path: Path) -> None:
    """The length of a stall can be asked for."""
    found = smoothness_of(selection(tmp_path, stream(0, 20, 300, 20, 20)), stall_ns=300 * MS)
    assert (found.stalls, found.longest_ms) == (1, 300)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((100, 100, 100), 4),  # just in time
        ((50, 50, 50), 4),
        ((101, 100, 100), 1),  # a millisecond late from the first on
        ((50, 200, 50), 3),  # token 2 at 250 ms, due at 200; token 3 at 300, due then
        ((0, 0, 1_000, 0), 3),
    ],
)
def test_the_reader_comes_to_a_token(tmp_path: Path, gaps: tuple[int, ...], expected: int) -> None:
    """At ten tokens a second token k is due k tenths of a second after the first; the first is always in time."""
    found = smoothness_of(selection(tmp_path, stream(0, *gaps)))
    assert (found.tokens, found.in_time) == (len(gaps) + 1, expected)


def test_events_of_several_tokens(tmp_path: Path) -> None:
    """An event's tokens come together and are read one after the other."""
    told = ("stream", "kernel")
    # 1 token at 0, 4 at 250 ms, due at 100, 200, 300 and 400: the last two are in time.
    found = smoothness_of(selection(tmp_path, stream(0, 250, flags=told, event_tokens=(1, 4), output_tokens=5)))
    assert (found.tokens, found.in_time) == (5, 3)


def test_streams_do_not_mix() -> None:
    """Of several streams each has its own reader: together as many tokens are in time as one by one."""
    random = np.random.default_rng(3)
    gaps = [random.exponential(0.1e9, size).astype(np.int64) for size in (1, 7, 40, 200)]
    stamps = [5_000 + np.concatenate(([0], np.cumsum(one))) for one in gaps]
    offsets = np.concatenate(([0], np.cumsum([one.size for one in stamps])))
    tokens = random.integers(1, 4, int(offsets[-1]))
    apart = sum(
        in_time(one, np.array([0, one.size]), tokens[begin : begin + one.size], 8.0).tolist()[0]
        for one, begin in zip(stamps, offsets.tolist(), strict=False)
    )
    assert in_time(np.concatenate(stamps), offsets, tokens, 8.0).sum() == apart


def test_no_streams(tmp_path: Path) -> None:
    """Without streams there are no shares."""
    found = smoothness_of(selection(tmp_path, stream(0, 20, outcome="truncated")))
    assert (found.streams, found.stalled_share, found.in_time_share) == (0, None, None)


def test_rows_have_intervals(tmp_path: Path) -> None:
    """Of a run that is long enough the shares and times of a stream have their intervals, counts have none; of a short
    one nothing is told."""
    requests = [
        stream(number, 20, 20, 1_500 if number % 4 == 0 else 20, 20, sent_ns=(1_000 + 200 * number) * MS)
        for number in range(400)
    ]
    for count in (400, 20):
        found = selection(tmp_path / str(count), *requests[:count])
        rows = smoothness_rows(
            streams_of(found, None, None), Times.of(found.streamed), ("Average", "P90"), stalls=True, reads=True
        )
        by_name = {row.name: row for row in rows}
        assert (by_name["Stalls"].intervals, by_name["Stalls"].blocks) == ({}, 0)
        if count < 100:
            assert by_name["Tokens In Time"].intervals == {}
            continue
        for name in ("Longest Stall", "Tokens In Time"):
            low, high = by_name[name].intervals["Average"]
            assert low < by_name[name].values["Average"] < high  # type: ignore[operator]
