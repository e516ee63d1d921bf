"""The status files of a run while it goes on."""

import logging
import time
from collections.abc import Callable
from logging.handlers import BufferingHandler
from pathlib import Path

import pytest
from tasks import task_of

from fastbench.live import Progress, RunStatus, Snapshot, Status, StatusFiles
from fastbench.live import status as module
from fastbench.live.files import this_process
from fastbench.run.directory import RunDirectory

SECRET = "sk-very-secret"
TASKS = [task_of("http://127.0.0.1:1", abbr=abbr, api_key=SECRET) for abbr in ("first", "second")]
S = 1_000_000_000


def progress(phase: str = "measure", ended: bool = False, ok: int = 3) -> Progress:
    return Progress(phase, 12, None, ok + 2, 2, ok, 1, 60, 2 * S, 0, {"timeout": 1}, ended=ended, pid=4321)


def wait_for(directory: Path, wanted: Callable[[list[Snapshot]], bool]) -> list[Snapshot]:
    """The tasks as their files tell them, as soon as they are as wanted."""
    files, give_up = StatusFiles(directory), time.monotonic() + 120
    while not wanted(found := files.read()):
        assert time.monotonic() < give_up, found
        time.sleep(0.02)
    return found


def test_a_run_from_its_start_to_its_end(tmp_path: Path) -> None:
    """All tasks are there from the start; each says how far it is, and its end stays, also where nothing follows."""
    with RunStatus(RunDirectory(tmp_path), TASKS) as run:
        first, second = StatusFiles(tmp_path).read()
        assert (first.task, first.place, first.status.value) == ("first/synthetic", 0, "not start")
        assert (second.task, second.place, second.log) == (
            "second/synthetic",
            1,
            "logs/performance/second/synthetic.out",
        )
        assert first.owner == this_process()
        task = run.of(TASKS[0])
        task.is_now(Status.START)
        first, _ = wait_for(tmp_path, lambda found: found[0].status is Status.START)
        assert first.started is not None
        task.observe(progress())
        first, _ = wait_for(tmp_path, lambda found: found[0].status is Status.INFERENCING)
        assert (first.sent, first.ok, first.failed, first.in_flight, first.pid) == (5, 3, 1, 2, 4321)
        assert first.failures == {"timeout": 1}
        assert first.to_go_ns == 4 * S
        task.is_now(Status.FINISH)
        first, second = wait_for(tmp_path, lambda found: found[0].status.final)
        assert (first.status, first.ok) == (Status.FINISH, 3)
        assert 0 < first.took_ns < 60 * S
        assert second.status is Status.NOT_START
    assert StatusFiles(tmp_path).read()[0].took_ns == first.took_ns
    assert sorted(path.name for path in (tmp_path / "status").iterdir()) == [
        "first--synthetic.json",
        "second--synthetic.json",
    ]
    assert not any(SECRET in path.read_text() for path in (tmp_path / "status").iterdir())
    # Continued, with nothing left to send.
    with RunStatus(RunDirectory(tmp_path), TASKS) as run:
        first, _ = StatusFiles(tmp_path).read()
        assert (first.status, first.started) == (Status.NOT_START, None)
        run.of(TASKS[0]).is_now(Status.FINISH)
    first, _ = StatusFiles(tmp_path).read()
    assert (first.status, first.sent, first.ok, first.failed) == (Status.FINISH, 5, 3, 1)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (progress("warm-up"), "warmup"),
        (progress("warm-up", ended=True), "warmup finished"),
        (progress(), "inferencing"),
        (progress(ended=True), "write cache"),
    ],
)
def test_a_phase_has_its_status(tmp_path: Path, told: Progress, status: str) -> None:
    """What a phase tells says how far the task is, in the guide's words."""
    task = RunStatus(RunDirectory(tmp_path), TASKS).of(TASKS[0])
    task.observe(told)
    assert task.snapshot().status.value == status


def test_an_end_while_the_status_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that ends while its status is being written is shown as ended while the run goes on."""
    run = RunStatus(RunDirectory(tmp_path), TASKS)
    task, write = run.of(TASKS[0]), module.write

    def write_and_end(directory: Path, name: str, snapshot: Snapshot) -> None:
        write(directory, name, snapshot)
        if snapshot.status is Status.INFERENCING:
            task.is_now(Status.FINISH)

    monkeypatch.setattr(module, "write", write_and_end)
    with run:
        task.is_now(Status.START)
        task.observe(progress())
        wait_for(tmp_path, lambda found: found[0].status is Status.FINISH)


def test_what_an_error_leaves_behind(tmp_path: Path) -> None:
    """When a run breaks off, the task that was being carried out was killed."""
    run = RunStatus(RunDirectory(tmp_path), TASKS)
    try:
        with run:
            run.of(TASKS[1]).is_now(Status.START)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert [snapshot.status.value for snapshot in StatusFiles(tmp_path).read()] == ["not start", "killed"]


def test_a_status_that_cannot_be_written(tmp_path: Path) -> None:
    """A run goes on where its status cannot be written, and its log says so once."""
    (tmp_path / "status").write_text("in the way")
    log, kept = logging.getLogger("fastbench"), BufferingHandler(100)
    log.addHandler(kept)
    try:
        with RunStatus(RunDirectory(tmp_path), TASKS):
            pass
    finally:
        log.removeHandler(kept)
    assert [record.levelname for record in kept.buffer] == ["WARNING"]
    assert "the live view stands still" in kept.buffer[0].getMessage()


def test_without_logs(tmp_path: Path) -> None:
    """Where the log goes to the terminal, no path is told."""
    assert RunStatus(RunDirectory(tmp_path), TASKS, log_files=False).of(TASKS[0]).snapshot().log == ""
