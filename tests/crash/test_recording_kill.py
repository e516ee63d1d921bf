"""R9 and R10: a writer that is killed, a power cut, a full disk."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forking import ForkingPopen
from recordings import FOOTER, HEADER, Request, batch_of

from fastbench.errors import RecordingError
from fastbench.recording import Recording, RecordingWriter

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("FASTBENCH_KILLS", "6"))

# Writes requests without end and says, line by line, how many are recorded.
RECORDER = """
import sys, time
from pathlib import Path
from recordings import HEADER, Request, batch_of
from fastbench.recording.writing import writer
writer.BLOCK_SECONDS = 0.002
out = writer.RecordingWriter(Path(sys.argv[1]), HEADER)
for number in range(10**9):
    out.append(batch_of([Request(number)]))
    print(out.recorded, flush=True)
    time.sleep(0.0002)
"""

# Fills a file system that takes no more than 64 kB for a file, and goes on.
FULL = """
import resource, signal, sys, time
from pathlib import Path
from recordings import FOOTER, HEADER, Request, batch_of
from fastbench.errors import RecordingError
from fastbench.recording.writing import writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, resource.RLIM_INFINITY))
writer.BLOCK_SECONDS = 0.001
out = writer.RecordingWriter(Path(sys.argv[1]), HEADER)
slowest = 0.0
for number in range(600):
    begun = time.perf_counter()
    out.append(batch_of([Request(number)]))
    slowest = max(slowest, time.perf_counter() - begun)
    time.sleep(0.0005)
if sys.argv[2] == "room again":
    time.sleep(0.1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    out.append(batch_of([Request(600)]))
try:
    out.close(FOOTER)
except RecordingError as error:
    print(error)
print(out.recorded, out.lost, slowest)
"""


def environment() -> dict[str, str]:
    """The child's path: this checkout and the helpers."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests" / "unit")])}


def test_kill_loses_nothing_recorded(tmp_path: Path) -> None:
    """After kill -9 at a random moment, every request that counted as recorded is read back, in order."""
    rng = random.Random(3)
    for round_number in range(KILLS):
        directory = tmp_path / str(round_number)
        with ForkingPopen(
            [sys.executable, "-c", RECORDER, str(directory)], stdout=subprocess.PIPE, env=environment()
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(rng.uniform(0, 0.1))
            child.send_signal(signal.SIGKILL)
            lines = child.stdout.read().splitlines(keepends=True)
        recorded = max((int(line) for line in lines if line.endswith(b"\n")), default=0)
        recording = Recording.open(directory)
        numbers = recording.rows["request"].tolist()
        assert numbers == list(range(len(numbers)))
        assert len(numbers) >= recorded
        assert recording.footer is None
        assert recording.lost_rows == 0


def test_power_cut_keeps_what_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file cut back to its last sync, with or without rubbish behind, still has every durable row."""
    path = tmp_path / "run" / "requests.fbr"
    sync = os.fdatasync
    synced: list[tuple[float, int]] = []

    def noting_sync(fd: int) -> None:
        sync(fd)
        synced.append((time.monotonic(), os.fstat(fd).st_size))

    monkeypatch.setattr(os, "fdatasync", noting_sync)
    writer = RecordingWriter(tmp_path / "run", HEADER)
    begun = time.monotonic()
    seen: list[tuple[int, int]] = []
    number = 0
    while time.monotonic() - begun < 3.5:
        writer.append(batch_of([Request(number)]))
        number += 1
        # durable is read first: what it counts was synced before.
        durable = writer.durable
        seen.append((durable, synced[-1][1]))
        time.sleep(0.005)
    content = path.read_bytes()
    writer.close(FOOTER)
    assert seen[-1][0] > 0
    cut = tmp_path / "cut"
    cut.mkdir()
    for durable, size in dict.fromkeys(seen):
        for rubbish in (b"", bytes(5000), os.urandom(5000)):
            (cut / "requests.fbr").write_bytes(content[:size] + rubbish)
            rows = Recording.open(cut).rows["request"].tolist()
            assert rows == list(range(len(rows)))
            assert len(rows) >= durable
    between = [late - early for (early, _), (late, _) in itertools.pairwise(synced)]
    assert len(between) >= 3
    assert max(between) < 3, "the disk is synced each second"


@pytest.mark.parametrize("then", ["full for good", "room again"])
def test_full_disk_is_counted_and_does_not_stall(tmp_path: Path, then: str) -> None:
    """On a full disk each request is either readable or counted as lost, and no hand-over waits."""
    with ForkingPopen(
        [sys.executable, "-c", FULL, str(tmp_path / "r"), then], stdout=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdout is not None
        message, counts = child.stdout.read().splitlines()
    assert child.returncode == 0
    recorded, lost, slowest = counts.split()
    assert "File too large" in message
    assert f"{lost} of {int(recorded) + int(lost)} requests are lost" in message
    assert int(lost) > 0
    assert int(recorded) + int(lost) == (601 if then == "room again" else 600)
    assert float(slowest) < 0.5
    recording = Recording.open(tmp_path / "r")
    assert len(recording.rows) == int(recorded)
    if then == "room again":
        assert recording.footer is not None
        assert recording.lost_rows == int(lost)
        assert recording.rows["request"].tolist()[-1] == 600
        assert len(recording.damage) == 1


def test_error_is_seen_while_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed sync becomes the writer's error at once, and the close repeats it."""
    writer = RecordingWriter(tmp_path, HEADER)

    def failing_sync(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing_sync)
    writer.append(batch_of([Request(0)]))
    deadline = time.monotonic() + 120
    while writer.error is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert writer.error == "not synced: Input/output error"
    assert writer.durable == 0
    with pytest.raises(RecordingError, match="Input/output error"):
        writer.close(FOOTER)
    assert len(Recording.open(tmp_path).rows) == 1
