"""Status files: written in one step, read when they change, and what they say of a process that is gone."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from snapshots import GONE, busy_task, guide_task, waiting_task

from fastbench.errors import UsageError
from fastbench.live import Snapshot, Status, StatusFiles, run_is_over
from fastbench.live.files import Owner, decode, encode, this_process, write

ELSEWHERE = Owner(pid=1, started=1, where="another machine")


def test_a_snapshot_comes_back() -> None:
    """What was written is read again, field for field."""
    for snapshot in (busy_task(), waiting_task()):
        assert decode(encode(snapshot)) == snapshot


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    """A status file has mode 0600 and is all that is left of the writing."""
    write(tmp_path, "m--d", guide_task())
    write(tmp_path, "m--d", busy_task())
    (file,) = (tmp_path / "status").iterdir()
    assert file.name == "m--d.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert StatusFiles(tmp_path).read() == [busy_task()]


def test_tasks_have_the_runs_order(tmp_path: Path) -> None:
    """Tasks are read in the order of the run, whatever their names."""
    for place, name in enumerate("cab"):
        write(tmp_path, name, waiting_task(name, place))
    assert [snapshot.task for snapshot in StatusFiles(tmp_path).read()] == ["c", "a", "b"]


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    """A file that stays as it is is not read a second time; one that changed or went away is noticed."""
    for place, name in enumerate("ab"):
        write(tmp_path, name, waiting_task(name, place))
    files = StatusFiles(tmp_path)
    first = files.read()
    write(tmp_path, "b", waiting_task("b", 1, status=Status.START))
    second = files.read()
    assert second[0] is first[0]
    assert second[1].status is Status.START
    (tmp_path / "status" / "a.json").unlink()
    assert [snapshot.task for snapshot in files.read()] == ["b"]


def test_two_changes_at_one_moment(tmp_path: Path) -> None:
    """Of two snapshots that are written within one tick of the file system's clock the second is read too."""
    files = None
    for status in (Status.START, Status.FINISH):
        write(tmp_path, "a", waiting_task("a", status=status))
        os.utime(tmp_path / "status" / "a.json", ns=(0, 10**18))
        files = files or StatusFiles(tmp_path)
        assert [snapshot.status for snapshot in files.read()] == [status]


def test_what_is_no_run(tmp_path: Path) -> None:
    """A directory without status files, and a file that is none, are told in a sentence."""
    with pytest.raises(UsageError, match="name the directory of a run"):
        StatusFiles(tmp_path)
    (tmp_path / "status").mkdir()
    (tmp_path / "status" / "x.json").write_text('{"task": 3}')
    with pytest.raises(UsageError, match=r"x\.json is no status of a task"):
        StatusFiles(tmp_path).read()


def test_left_behind(tmp_path: Path) -> None:
    """What a process left that is gone is told as killed, unless it had ended or never begun."""
    write(tmp_path, "a", guide_task(owner=GONE, place=0))
    write(tmp_path, "b", guide_task(owner=GONE, place=1, status=Status.FINISH))
    write(tmp_path, "c", guide_task(owner=GONE, place=2, status=Status.NOT_START))
    write(tmp_path, "d", guide_task(place=3))
    statuses = [snapshot.status.value for snapshot in StatusFiles(tmp_path).read()]
    assert statuses == ["killed", "finish", "not start", "inferencing"]


@pytest.mark.parametrize(
    ("snapshots", "over"),
    [
        ([guide_task()], False),
        ([guide_task(status=Status.FINISH), waiting_task()], False),
        ([guide_task(status=Status.FINISH), guide_task(status=Status.ERROR)], True),
        ([guide_task(status=Status.KILLED, owner=GONE), guide_task(status=Status.NOT_START, owner=GONE)], True),
        ([guide_task(owner=ELSEWHERE, updated=time.time() + 86_400)], False),
        ([guide_task(owner=ELSEWHERE, updated=time.time() - 86_400)], True),
    ],
)
def test_run_is_over(snapshots: list[Snapshot], over: bool) -> None:
    """A run is over when all tasks have ended, its process is gone, or one elsewhere tells nothing any more."""
    assert run_is_over(snapshots) is over


def test_a_process_and_its_end() -> None:
    """A process is alive until it has ended, also while nobody has asked how it did."""
    assert this_process().alive
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        started = int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19])
        owner = Owner(child.pid, started, this_process().where)
        assert owner.alive
        assert not Owner(child.pid, started - 1, owner.where).alive, "another one that had this number"
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not owner.alive, "a zombie"
    assert not owner.alive
    assert ELSEWHERE.alive is None
