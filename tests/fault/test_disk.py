"""Disks that are full or slow: counted, reported, told by the exit code; the load goes on as if they were not."""

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nursery import Mock, run_python

PLANNED = 1_000
TOKENS = 128
LIMIT_S = 100.0

# The command itself, whose first block of requests takes the disk 4 s, with a queue that holds few meanwhile.
SLOW = """
import os, runpy, time
from fastbench.recording.writing import writer
from fastbench.recording.format import Kind
writer.QUEUE_BYTES = 100_000
write, waited = os.writev, []
def slow_write(fd, parts):
    if not waited and parts[0][10] == Kind.BATCH:
        waited.append(time.sleep(4))
    return write(fd, parts)
os.writev = slow_write
runpy.run_module("fastbench", run_name="__main__")
"""
FULL = 'import runpy; runpy.run_module("fastbench", run_name="__main__")'


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 600 kB, where this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def run(program: str, work_dir: Path, log: Path) -> "subprocess.CompletedProcess[str]":
    """`fastbench perf` in this disguise, against a simulated service that logs what came."""
    log.with_name("disguise.py").write_text(program)
    with Mock(ttft_ms=20, itl_ms=1, log=str(log)) as mock:
        options = ["--url", mock.url, "--model", "mock", "--num-warmups", "0", "-q", "-w", str(work_dir)]
        sizes = ["--num-prompts", PLANNED, "--concurrency", 64, "--input-len", 8, "--output-len", TOKENS]
        words = ["perf", *options, *map(str, sizes)]
        return run_python(log.parent, *words, module="disguise", timeout=LIMIT_S)


def lost_of(ended: "subprocess.CompletedProcess[str]", reason: str) -> int:
    """How many requests are lost, after everything that has to say so was looked at. reason: a regular expression."""
    assert ended.returncode == 1
    (line, *more) = ended.stderr.splitlines()
    assert more == [], ended.stderr
    assert re.search(rf"is not whole \({reason}", line)
    lost = int(line.split(": ")[-1].split()[0])
    assert 0 < lost < PLANNED
    assert f"{lost} of {PLANNED} requests are lost, the others are readable" in line
    assert ": INVALID\n" in ended.stdout
    assert f"not to be trusted: {lost} requests are lost from the recording, because " in ended.stdout
    assert f"ok {PLANNED - lost}, no outcome (lost from the recording) {lost}" in ended.stdout
    return lost


def test_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    """On a disk without any room left, the end of the run and its tables are written all the same."""
    ended = run(FULL, small_disk, tmp_path / "log")
    lost_of(ended, "(batch|health) not written: No space left on device")
    assert len((tmp_path / "log").read_bytes().splitlines()) == PLANNED
    reports = sorted(path.name for path in small_disk.glob("*/performances/*/*.*"))
    more = ["synthetic_answers.json", "synthetic_intervals.csv", "synthetic_trust.json"]
    assert reports == ["synthetic.csv", "synthetic.json", *more]


def test_a_slow_disk(tmp_path: Path) -> None:
    """While a write takes 4 s the load goes on: every request ends before it does, and the lost ones are counted."""
    begun = time.monotonic()
    ended = run(SLOW, tmp_path / "out", tmp_path / "log")
    assert time.monotonic() - begun > 4
    lost_of(ended, "the disk is slower than the load")
    assert len((tmp_path / "log").read_bytes().splitlines()) == PLANNED
