"""What a worker on another host is asked and told, without the engine that carries the messages."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from serving import Service, closed_port
from tasks import noting, plan_of, task_of, url_of

from fastbench import __version__
from fastbench.errors import RecordingError
from fastbench.plan.sharing import Share
from fastbench.recording import Reading, Recording
from fastbench.run.worker.assignment import Assignment
from fastbench.run.workers.clocks import EXCHANGES, KEPT, Exchanges
from fastbench.run.workers.ray_workers import PIECE_BYTES, fetch
from fastbench.run.workers.remote import LOG, News, Order, WorkerActor

NOTHING = Order(0, None, None)
CLOCK = Reading(5, 7, 9, "round trips")


class _Here:
    """Carries calls to an object of this process, as an engine does to another host."""

    def __init__(self, target: object) -> None:
        self._target = target

    def __getattr__(self, name: str) -> "_Call":
        return _Call(getattr(self._target, name))

    @staticmethod
    def get(value: object) -> object:
        return value


class _Call:
    def __init__(self, method: object) -> None:
        self.remote = method


@pytest.fixture
def worker() -> WorkerActor:
    return WorkerActor()


def until_ready(worker: WorkerActor, order: Order) -> News:
    give_up = time.monotonic() + 20
    while not (news := worker.tell(order)).ready:
        assert time.monotonic() < give_up, "the worker never became ready"
        time.sleep(0.01)
    return news


def assignment(url: str, share: Share, **service: Any) -> Assignment:
    plan = plan_of(task_of(url, batch_size=4, **service))
    return Assignment(plan, Path("elsewhere"), share=share, run_id="run")


def running(worker: WorkerActor, url: str, found: list[object]) -> threading.Thread:
    thread = threading.Thread(target=lambda: found.append(worker.run(assignment(url, Share(1, 2)))), daemon=True)
    thread.start()
    return thread


def test_a_workers_life(tmp_path: Path, worker: WorkerActor) -> None:
    """It becomes ready, begins at the moment that it is told, and hands over its recording with the clock in it."""
    seen: list[bytes] = []
    found: list[object] = []
    order = NOTHING._replace(clock=CLOCK)
    worker.tell(order)
    assert worker.host().version == __version__
    with Service(noting(seen)) as service:
        thread = running(worker, url_of(service), found)
        until_ready(worker, order)
        assert seen == []
        start_ns = time.monotonic_ns() + 50_000_000
        news = worker.tell(order._replace(start_ns=start_ns))
        assert news.mono_ns < start_ns
        thread.join(20)
    assert found == [(True, None)]
    progress = worker.tell(order).progress
    assert progress is not None
    assert (progress.ok, progress.ended) == (6, True)
    here = _Here(worker)
    fetch(here, here, tmp_path / "home", tmp_path / "log")
    recording = Recording.open(tmp_path / "home")
    assert [part.name for part in (tmp_path / "home").iterdir()] == ["requests-1.fbr"]
    assert recording.rows["intended_ns"].min() >= start_ns
    assert sorted(recording.rows["request"]) == list(range(1, 12, 2))
    part = recording.parts[0]
    assert part.footer is not None
    assert part.header["clock"]["bound_ns"] == part.footer["clock"]["bound_ns"] == 9
    assert "6 requests to" in (tmp_path / "log").read_text()
    with pytest.raises(FileNotFoundError):
        worker.files()


@pytest.mark.parametrize("early", [True, False])
def test_stopped_before_the_start(worker: WorkerActor, early: bool) -> None:
    """A wish to stop, from before the worker's first moment or while it waits, ends it without a request."""
    seen: list[bytes] = []
    found: list[object] = []
    with Service(noting(seen)) as service:
        if early:
            worker.tell(NOTHING._replace(stops=2))
        thread = running(worker, url_of(service), found)
        if not early:
            until_ready(worker, NOTHING)
            worker.tell(NOTHING._replace(stops=2))
        thread.join(20)
    assert found == [(False, None)]
    assert seen == []
    worker.forget()


def test_what_cannot_be_done_is_told(worker: WorkerActor) -> None:
    """A service that is not there is the worker's answer, not an exception of the engine's."""
    complete, error = worker.run(assignment(f"http://127.0.0.1:{closed_port()}", Share(0, 2), model=""))
    assert complete is False
    assert "cannot be reached" in str(error)
    worker.forget()


def test_files_come_home_in_pieces(tmp_path: Path, worker: WorkerActor) -> None:
    """A file larger than a piece arrives whole, for its owner alone; one that is here already is not written over."""
    content = bytes(range(256)) * (PIECE_BYTES // 256 * 2) + b"the rest"
    place = Path(worker._directory)
    (place / "requests-3.fbr").write_bytes(content)
    (place / LOG).write_text("said there\n")
    here = _Here(worker)
    (tmp_path / "log").write_text("said here\n")
    fetch(here, here, tmp_path / "home", tmp_path / "log")
    file = tmp_path / "home" / "requests-3.fbr"
    assert file.read_bytes() == content
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "log").read_text() == "said here\nsaid there\n"
    other = WorkerActor()
    (Path(other._directory) / "requests-3.fbr").write_bytes(b"")
    with pytest.raises(RecordingError, match="cannot be brought home: File exists"):
        fetch(here, _Here(other), tmp_path / "home", None)
    other.forget()


def test_an_exchange_bounds_the_clock() -> None:
    """The other clock is known to half of the round trip, whichever way took longer; its moments can be told."""
    base_ns = time.time_ns() - time.monotonic_ns()
    ahead_ns = 123_456_789_000
    exchanges = Exchanges(base_ns)

    def ask() -> int:
        time.sleep(0.002)
        answer = time.monotonic_ns() + ahead_ns
        time.sleep(0.0005)
        return answer

    exchanges.measure(ask)
    best = exchanges.best
    assert best.bound_ns is not None
    assert best.bound_ns >= 1_250_000
    assert abs(best.zero_ns - (base_ns - ahead_ns)) <= best.bound_ns
    moment = time.monotonic_ns()
    assert abs(exchanges.there(moment) - (moment + ahead_ns)) <= best.bound_ns


def test_the_shortest_of_the_latest_counts() -> None:
    """Of the exchanges that are kept the shortest counts; an old one is forgotten, for clocks drift."""
    exchanges = Exchanges(0)
    exchanges.add(time.monotonic_ns(), 1)
    first = exchanges.best
    for _ in range(KEPT - 1):
        exchanges.add(time.monotonic_ns() - 10_000_000, 2)
    assert exchanges.best == first
    exchanges.add(time.monotonic_ns() - 10_000_000, 3)
    assert exchanges.best != first
    assert EXCHANGES <= KEPT
