"""Work shared out among part, and how it tells where it is."""

from collections.abc import Iterator

import pytest

from fastbench.recording import in_threads, progress_between
from fastbench.recording.reading import part


@pytest.mark.parametrize("threads", [1, 2, 3, 20])
def test_every_piece_once(part: int) -> None:
    """With any number of part each piece is worked on exactly once."""
    found = in_threads(list, range(17), lambda _: 1, threads=part)
    assert len(found) == part
    assert sorted(piece for share in found for piece in share) == list(range(17))


def test_little_work_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small work is done by the caller, whether it wants to know the progress or not."""
    monkeypatch.delattr(part, "ThreadPoolExecutor")
    told: list[float] = []
    assert in_threads(sum, [1, 2, 3], lambda _: 8, progress=told.append) == [6]
    assert told == []


def test_progress_rises_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told never falls, is a share of the bytes, and ends with 1."""
    monkeypatch.setattr(part, "_TOLD_EVERY_S", 0.0)
    told: list[float] = []
    in_threads(list, range(2_000), lambda _: part.THREADS_FROM, threads=2, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(0 <= share <= 1 for share in told)


@pytest.mark.parametrize("threads", [1, 3])
def test_errors_come_up(part: int) -> None:
    """What goes wrong in one share is raised where the work was asked for."""

    def work(share: Iterator[int]) -> int:
        return sum(1 // piece for piece in share)

    with pytest.raises(ZeroDivisionError):
        in_threads(work, [1, 0, 1], lambda _: 1, threads=part)


def test_part_of_a_progress() -> None:
    """A part of a progress runs from its start to its stop; of no progress there is no part."""
    told: list[float] = []
    half = progress_between(told.append, 0.5, 1)
    assert half is not None
    half(0)
    half(0.5)
    half(1)
    assert told == [0.5, 0.75, 1]
    assert progress_between(None, 0, 1) is None
