"""Places of a plan that several processes take."""

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from forking import ForkingPopen

from fastbench.run.workers.local import SharedQueue, shared_queue

ROOT = Path(__file__).parents[2]
PROCESSES = 4
TOTAL = 4_000
# Takes until nothing is left and prints what it took.
TAKER = """
import sys
from fastbench.run.workers.local import SharedQueue
queue = SharedQueue(int(sys.argv[1]), int(sys.argv[2]))
while piece := queue.take(7):
    print(*piece)
"""
# Holds the lock until it is killed.
HOLDER = """
import fcntl, sys, time
fcntl.lockf(int(sys.argv[1]), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def process(code: str, queue: SharedQueue, *arguments: object) -> ForkingPopen:
    return ForkingPopen(
        [sys.executable, "-c", code, str(queue.descriptor), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        pass_fds=[queue.descriptor],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_none_is_taken_twice() -> None:
    """Several processes that take at once have all places between them, each once."""
    with shared_queue(TOTAL) as queue:
        takers = [process(TAKER, queue, TOTAL) for _ in range(PROCESSES)]
        printed = [taker.communicate(timeout=120)[0] for taker in takers]
        assert [taker.returncode for taker in takers] == [0] * PROCESSES
        assert sorted(int(place) for out in printed for place in out.split()) == list(range(TOTAL))
        assert not queue.take(1)


def test_a_killed_holder_blocks_nobody() -> None:
    """A process that is killed while it holds the lock gives it up: the next one takes without waiting for it."""
    with shared_queue(10) as queue, process(HOLDER, queue) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        assert queue.take(3) == range(3)


def test_pieces_and_their_end() -> None:
    """A piece is as large as asked for, the last one smaller; then nothing comes any more."""
    with shared_queue(10) as queue:
        assert [queue.take(4) for _ in range(4)] == [range(4), range(4, 8), range(8, 10), range(10, 10)]


def test_without_end() -> None:
    """A queue without a total never ends."""
    with shared_queue(None) as queue:
        assert [queue.take(4), queue.take(10**9)] == [range(4), range(4, 10**9 + 4)]


def test_pickled_it_is_the_same_queue() -> None:
    """What one copy has taken the other one does not get."""
    with shared_queue(10) as queue:
        other: SharedQueue = pickle.loads(pickle.dumps(queue))
        assert (queue.take(2), other.take(2), queue.take(2)) == (range(2), range(2, 4), range(4, 6))


def test_it_lies_in_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue has no file that could stay behind, or for which a directory is needed; its descriptor ends with it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with shared_queue(1) as queue:
        place = Path(f"/proc/self/fd/{queue.descriptor}")
        assert place.readlink().name == "memfd:fastbench-queue (deleted)"
    assert not place.is_symlink()
