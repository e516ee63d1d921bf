"""The notes on how replies came."""

from pathlib import Path

import pytest
from recordings import MS, Request, record

from fastbench.metrics import compute
from fastbench.recording import Recording


def notes(directory: Path, *requests: Request) -> str:
    return "\n".join(compute(Recording.open(record(directory, requests)), ("Average",)).notes)


def burst(
    events: int, at_once: int, ttft_ms: int, gap_ms: int, marks: tuple[tuple[int, int, int], ...] = ()
) -> Request:
    """A stream whose first events share a read."""
    first = (1_000 + ttft_ms) * MS
    tail = [first + (k + 1) * gap_ms * MS for k in range(events - at_once)]
    token_ns = (*[first] * at_once, *tail)
    return Request(0, token_ns=token_ns, end_ns=token_ns[-1], marks=marks, more=(("burst_events", at_once),))


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (burst(20, 20, 500, 1), True),
        (burst(20, 11, 500, 1), True),
        (burst(20, 10, 500, 1), False),
        (burst(20, 11, 100, 10), False),
        (burst(6, 6, 300, 1), True),
        (burst(3, 3, 500, 1), False),
        (burst(20, 20, 4, 1), False),
        (burst(20, 20, 500, 1, marks=((0, 20, 9),)), False),
    ],
)
def test_buffered_streams(tmp_path: Path, request_: Request, told: bool) -> None:
    """A stream that came mostly in one read, far faster than its first token, is told, unless the client stalled."""
    assert ("came in one read" in notes(tmp_path, request_)) is told


def test_messages_left_open(tmp_path: Path) -> None:
    """Messages that the service left open after [DONE] are counted."""
    flags = ("stream", "kernel", "left_open")
    assert "left the message of 2 requests open" in notes(
        tmp_path / "a", Request(0, flags=flags), Request(1, flags=flags)
    )
    assert "left the message" not in notes(tmp_path / "b", Request(0))
