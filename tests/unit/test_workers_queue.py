"""Places of a plan that several processes take."""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fastbench.run.workers.local import SharedQueue, shared_queue

ROOT = Path(__file__).parents[2]
PROCESSES = 4
TOTAL = 4_000
# Takes until nothing is left and prints what it took.
TAKER = """
import sys
from pathlib import Path
from fastbench.run.workers.local import SharedQueue
queue = SharedQueue(Path(sys.argv[1]), int(sys.argv[2]))
while piece := queue.take(7):
    print(*piece)
"""
# Holds the lock until it is killed.
HOLDER = """
import fcntl, os, sys, time
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(fd, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def process(code: str, queue: SharedQueue, *arguments: object) -> subprocess.Popen[str]:
    path, _ = queue.__reduce__()[1]
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_none_is_taken_twice() -> None:
    """Several processes that take at once have all places between them, each once."""
    with shared_queue(TOTAL, Path("/")) as queue:
        takers = [process(TAKER, queue, TOTAL) for _ in range(PROCESSES)]
        printed = [taker.communicate(timeout=60)[0] for taker in takers]
        assert [taker.returncode for taker in takers] == [0] * PROCESSES
        assert sorted(int(place) for out in printed for place in out.split()) == list(range(TOTAL))
        assert not queue.take(1)


def test_without_a_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no such place, as with a read-only root, the queue's file lies in the directory given."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "none")])
    spare = tmp_path / "run"
    spare.mkdir()
    with shared_queue(10, spare) as queue:
        assert [path.parent for path in spare.iterdir()] == [spare]
        assert list(queue.take(3)) == [0, 1, 2]
    assert not list(spare.iterdir())


def test_a_killed_holder_blocks_nobody() -> None:
    """A process that is killed while it holds the lock gives it up: the next one takes without waiting for it."""
    with shared_queue(10, Path("/")) as queue, process(HOLDER, queue) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        assert queue.take(3) == range(3)


def test_pieces_and_their_end() -> None:
    """A piece is as large as asked for, the last one smaller; then nothing comes any more."""
    with shared_queue(10, Path("/")) as queue:
        assert [queue.take(4) for _ in range(4)] == [range(4), range(4, 8), range(8, 10), range(10, 10)]


def test_without_end() -> None:
    """A queue without a total never ends."""
    with shared_queue(None, Path("/")) as queue:
        assert [queue.take(4), queue.take(10**9)] == [range(4), range(4, 10**9 + 4)]


def test_pickled_it_is_the_same_queue() -> None:
    """What one copy has taken the other one does not get."""
    with shared_queue(10, Path("/")) as queue:
        other: SharedQueue = pickle.loads(pickle.dumps(queue))
        assert (queue.take(2), other.take(2), queue.take(2)) == (range(2), range(2, 4), range(4, 6))


def test_it_leaves_no_file() -> None:
    """The queue's file is gone with its block."""
    with shared_queue(1, Path("/")) as queue:
        path = Path(queue.__reduce__()[1][0])
        assert path.exists()
    with pytest.raises(FileNotFoundError):
        path.stat()
