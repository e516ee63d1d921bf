"""Workers in processes of their own: begun together, heard to their end, none left behind."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from driving import MS
from forking import ForkingPopen
from replies import document
from serving import Service, read_request, stall
from tasks import body_of, noting, plan_of, task_of, url_of

from fastbench.config import Task
from fastbench.config.fields.lengths import Uniform
from fastbench.datasets import SyntheticConfig
from fastbench.errors import RecordingError, ServiceError
from fastbench.live import Progress
from fastbench.metrics import Selection
from fastbench.metrics.server.outcomes import outcomes
from fastbench.plan.sharing import Share
from fastbench.recording import Recording
from fastbench.run.stop import Stop
from fastbench.run.worker.assignment import Assignment
from fastbench.run.workers.ends import Death, WorkersEnd
from fastbench.run.workers.local import SharedQueue, run_pool, shared_queue
from fastbench.units import Rate

COUNT = 40
MANY = SyntheticConfig(count=COUNT, input_len=Uniform(low=3, high=9), output_len=Uniform(low=2, high=4), seed=5)
LIMIT_S = 30.0


STARTED: list[subprocess.Popen[Any]] = []
"""The workers' processes of a test, in the order of their numbers."""


class Noted(ForkingPopen):
    """A worker's process: forked off this one, and noted."""

    def __init__(self, args: Any, **more: Any) -> None:
        super().__init__(args, **more)
        STARTED.append(self)


class NotedStart(subprocess.Popen[Any]):
    """As `Noted`, but started as it is outside of tests."""

    def __init__(self, args: Any, **more: Any) -> None:
        super().__init__(args, **more)
        STARTED.append(self)


@pytest.fixture(autouse=True)
def none_left_behind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """However a pool ends, none of its processes is left."""
    monkeypatch.setattr(subprocess, "Popen", NotedStart if "started" in request.fixturenames else Noted)
    yield
    left, STARTED[:] = [process.pid for process in STARTED if Path(f"/proc/{process.pid}").exists()], []
    assert left == []


@pytest.fixture
def started() -> None:
    """Workers are started as they are outside of tests."""


def assignments_of(task: Task, directory: Path, queue: SharedQueue | None = None, workers: int = 2) -> list[Assignment]:
    shares = [Share(number, workers) for number in range(workers)]
    plan = plan_of(task)
    whole = Assignment(plan, directory / "recording", directory / "log", run_id="run", queue=queue)
    return [whole._replace(share=share) for share in shares]


def run(
    task: Task,
    directory: Path,
    queue: SharedQueue | None = None,
    stop: Stop | None = None,
    told: list[Progress] | None = None,
) -> WorkersEnd:
    seen = [] if told is None else told
    return run_pool(assignments_of(task, directory, queue), seen.append, stop or Stop(), COUNT)


def pid_of(number: int) -> int:
    """The process of a worker, as soon as there are two."""
    give_up = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up:
        if len(STARTED) == 2:
            return STARTED[number].pid
        time.sleep(0.005)
    raise AssertionError("there are no two workers")


def wait_for(seen: list[bytes], count: int) -> None:
    give_up = time.monotonic() + LIMIT_S
    while len(seen) < count:
        assert time.monotonic() < give_up, f"only {len(seen)} requests came"
        time.sleep(0.005)


class Deadly:
    """Kills the process that unpickles it."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return os.abort, ()


class Meanwhile:
    """Does something in a thread while a team runs; what goes wrong in it is raised at the end of the block."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001 - raised again where the test is
            self._error = error

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._thread.join(LIMIT_S)
        if self._error is not None:
            raise self._error


@pytest.mark.usefixtures("started")
def test_a_closed_loop_is_shared(tmp_path: Path) -> None:
    """Two workers with one queue ask every prompt of the plan once, after one warm-up, into two parts."""
    seen: list[bytes] = []
    told: list[Progress] = []
    with Service(noting(seen)) as service, shared_queue(COUNT) as queue:
        end = run(task_of(url_of(service), MANY, warmups=2, batch_size=4), tmp_path, queue, told=told)
    recording = Recording.open(tmp_path / "recording")
    assert end == WorkersEnd(complete=True)
    assert len(seen) == COUNT + 2
    assert sorted(recording.rows["request"][recording.rows["flags"] & 8 == 0]) == list(range(COUNT))
    assert [part.header["share"] for part in recording.parts] == [{"number": 0, "of": 2}, {"number": 1, "of": 2}]
    assert len({json_prompt(request) for request in seen}) == COUNT + 2
    assert (recording.damage, recording.lost_rows) == ([], 0)
    assert recording.footer is not None
    assert recording.footer["planned"] == COUNT
    assert told[-1].planned == COUNT
    assert (told[-1].ok, told[-1].in_flight, told[-1].ended) == (COUNT, 0, True)


def json_prompt(request: bytes) -> str:
    return str(body_of(request)["messages"])


def test_an_open_loop_is_dealt_out(tmp_path: Path) -> None:
    """The workers of an open loop begin at one moment, and their times together are the plan's."""
    with Service(noting([])) as service:
        end = run(task_of(url_of(service), MANY, request_rate=Rate(200.0), batch_size=20), tmp_path)
    recording = Recording.open(tmp_path / "recording")
    rows = np.sort(recording.rows, order="request")
    assert end.complete
    assert np.array_equal(rows["request"], np.arange(COUNT))
    assert np.array_equal(np.diff(rows["intended_ns"]), np.full(COUNT - 1, 5 * MS))
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])
    assert all(len(part.table.rows) == COUNT // 2 for part in recording.parts)


def test_death_before_the_start(tmp_path: Path) -> None:
    """A worker that dies before the load has begun ends the task with an error that names it; nothing was sent."""
    seen: list[bytes] = []
    with Service(noting(seen)) as service:
        first, second = assignments_of(task_of(url_of(service), MANY, batch_size=4), tmp_path)
        deadly = second._replace(queue=cast("SharedQueue", Deadly()))
        with pytest.raises(ServiceError, match=r"^worker 1 died before the load began; see the log$"):
            run_pool([first, deadly], lambda _: None, Stop(), COUNT)
    assert seen == []


def test_death_in_the_middle(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that is killed is told of; the other one goes on, and the requests without a row count as lost."""
    seen: list[bytes] = []

    def kill() -> None:
        wait_for(seen, 8)
        os.kill(pid_of(1), signal.SIGKILL)

    with Service(noting(seen)) as service, Meanwhile(kill):
        end = run(task_of(url_of(service), MANY, request_rate=Rate(40.0), batch_size=20), tmp_path)
    recording = Recording.open(tmp_path / "recording")
    assert end == WorkersEnd(complete=True, died=(Death(1),))
    assert sum(outcomes(Selection(recording)).values()) == COUNT
    assert recording.lost_rows == COUNT - len(recording.rows) > 0
    assert set(recording.rows["request"]) >= set(range(0, COUNT, 2))
    assert any(sentence.startswith("worker 1 died or was killed") for sentence in recording.damage)
    assert caplog.messages == ["worker 1 ended without a report"]


def test_one_that_cannot_begin_stops_the_others(tmp_path: Path) -> None:
    """What keeps one worker from its end is raised when all have ended, and nothing was measured."""
    seen: list[bytes] = []
    with (
        Service(noting(seen, lambda _: document(b"no model", status="404 Not Found"))) as service,
        pytest.raises(ServiceError, match=r"warm-up request .* failed: HTTP status 404"),
    ):
        run(task_of(url_of(service), MANY, warmups=1, batch_size=4), tmp_path)
    assert len(seen) == 1


def test_a_part_that_is_there_already(tmp_path: Path) -> None:
    """A worker whose file is taken says so, whichever worker it is."""
    (tmp_path / "recording").mkdir()
    (tmp_path / "recording" / "requests-1.fbr").write_bytes(b"")
    with Service(noting([])) as service, pytest.raises(RecordingError, match="holds a recording already"):
        run(task_of(url_of(service), MANY, batch_size=4), tmp_path)


def test_stopped_once(tmp_path: Path) -> None:
    """After one wish to stop both workers finish what is in flight, and say that they were stopped."""
    seen: list[bytes] = []
    stop = Stop()

    def ask() -> None:
        wait_for(seen, 8)
        stop()

    with Service(noting(seen)) as service, Meanwhile(ask):
        end = run(task_of(url_of(service), MANY, request_rate=Rate(40.0), batch_size=20), tmp_path, stop=stop)
    recording = Recording.open(tmp_path / "recording")
    found = outcomes(Selection(recording))
    assert end == WorkersEnd(complete=False)
    assert set(found) == {"ok", "cancelled"}
    assert (found["ok"], sum(found.values())) == (len(seen), COUNT)
    assert recording.footer is not None
    assert recording.footer["interrupted"] is True


def test_stopped_twice(tmp_path: Path) -> None:
    """After a second wish what is in flight is cancelled at once, and every request has its outcome."""
    seen: list[bytes] = []
    stop = Stop()

    def ask() -> None:
        wait_for(seen, 6)
        stop()
        stop()

    def silent(connection: socket.socket, _: int) -> None:
        if request := read_request(connection):
            seen.append(request)
            stall(connection)

    with Service(silent) as service, Meanwhile(ask), shared_queue(COUNT) as queue:
        end = run(task_of(url_of(service), MANY, batch_size=6), tmp_path, queue, stop)
    recording = Recording.open(tmp_path / "recording")
    assert end == WorkersEnd(complete=False)
    assert outcomes(Selection(recording)) == {"ok": 0, "cancelled": COUNT}
    assert recording.damage == []


def test_stopped_before_the_start(tmp_path: Path) -> None:
    """A wish from before the workers were there is heard by them: nothing is sent."""
    seen: list[bytes] = []
    stop = Stop()
    stop()
    with Service(noting(seen)) as service:
        end = run(task_of(url_of(service), MANY, batch_size=4), tmp_path, stop=stop)
    assert end == WorkersEnd(complete=False)
    assert seen == []
