"""The client's token time stamps against an outsider's, under conditions that disturb the client (promise R4).

`python tests/outsider/measure.py [CONDITION…]` prints the distribution of the error: against the kernel's stamps of a
packet socket where this user may open one, and against the service's own stamps of its writes.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent), str(HERE.parents[1])]

from nursery import Mock  # noqa: E402 - found by the path above
from observer import Observer, may_observe  # noqa: E402
from running import in_disguise  # noqa: E402

from fastbench._core.ring import FLAGS  # noqa: E402
from fastbench.recording import recorded_id  # noqa: E402

STREAMS, TOKENS, ITL_MS = 100, 100, 20
_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-0(\d{11})\r\n")
_START = "from fastbench.cli.main import main\nmain()\n"
_IN_A_THREAD = "import threading\nthreading.Thread(target=disturb, daemon=True).start()\n" + _START
# Python that holds the GIL for 50 ms twice a second; the event loop is blocked as long.
BLOCKED = """
import ctypes, time
def disturb():
    c = ctypes.PyDLL(None)
    while True:
        c.usleep(50_000)
        time.sleep(0.45)
"""
# Garbage collections of some ms, one after the other.
GC_STORM = """
import gc, time
kept = [[index] for index in range(100_000)]
def disturb():
    while True:
        gc.collect()
        time.sleep(0.01)
"""
CLIENTS = {
    "quiet": "",
    "blocked loop": BLOCKED + _IN_A_THREAD,
    "gc storm": GC_STORM + _IN_A_THREAD,
    "cpu hog": "",
}


class Errors(NamedTuple):
    """Client minus outsider, ns, of each token. packet: (tokens,), empty where nobody may look. write: against the
    service's writes. bounds: how uncertain the client calls each stamp, ns, 0 = not at all. lost: packets that the
    observer missed."""

    packet: NDArray[np.int64]
    write: NDArray[np.int64]
    bounds: NDArray[np.int64]
    lost: int


def measure(condition: str, directory: Path, streams: int = STREAMS, tokens: int = TOKENS) -> Errors:
    """One run under a condition, looked at from outside."""
    load = ("--num-prompts", streams, "--concurrency", streams, "--num-warmups", 1, "--warmup-output-len", 1)
    sizes = ("--input-len", 8, "--output-len", tokens, "-q", "--no-plot")
    with Mock(ttft_ms=100, itl_ms=ITL_MS, log=directory / "service.log") as mock, contextlib.ExitStack() as stack:
        port = urlsplit(mock.url).port
        assert port is not None
        observer = stack.enter_context(Observer(port)) if may_observe() else None
        if condition == "cpu hog":
            stack.enter_context(_hogs())
        with in_disguise(directory, CLIENTS[condition], *load, *sizes, "--url", mock.url) as running:
            ended = running.end()
        entries = {entry["id"]: entry for entry in mock.log_entries()}
    assert (ended.code, ended.err) == (0, ""), ended.err
    recording = ended.recording
    seen = {} if observer is None else _token_stamps(observer)
    packet, write, bounds = [], [], []
    for index, row in enumerate(recording.rows):
        if row["flags"] & FLAGS["warmup"]:
            continue
        stamps = recording.token_ns(index)
        number = int(row["request"])
        entry = entries[recorded_id(recording.header["run_id"], number)]
        write.append(stamps - np.array(entry["writes_ns"], np.int64)[: len(stamps)])
        bound = np.zeros(len(stamps), np.int64)
        for mark in recording.marks(index):
            bound[mark["event"] : mark["event"] + mark["count"]] = int(mark["bound_us"]) * 1000
        bounds.append(bound)
        if observer is not None:
            assert len(seen[number]) == len(stamps), "the outsider saw other tokens than the client"
            packet.append(stamps - np.array(seen[number], np.int64))
    none = [np.empty(0, np.int64)]
    lost = 0 if observer is None else observer.lost
    return Errors(np.concatenate(packet or none), np.concatenate(write), np.concatenate(bounds), lost)


@contextlib.contextmanager
def _hogs(count: int = 2) -> Iterator[None]:
    """Processes that do nothing but compute, as many as this machine has cores."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def _token_stamps(observer: Observer) -> dict[int, list[int]]:
    """When each output event's last byte arrived, by request: read off the bytes on the wire alone."""
    found: dict[int, list[int]] = {}
    for packets in observer.connections().values():
        number, pending = None, b""
        for packet in packets:
            if not packet.from_service:
                match = _ID.search(packet.payload)
                if match is not None:
                    number, pending = int(match[1]), b""
                    found[number] = []
                elif b"POST " in packet.payload:
                    number = None
                continue
            if number is None:
                continue
            *events, pending = (pending + packet.payload).split(b"\n\n")
            found[number] += [packet.stamp_ns] * sum(_is_output(event) for event in events)
    return found


def _is_output(event: bytes) -> bool:
    return re.search(rb'"content":"[^"]', event) is not None


def line(name: str, errors: NDArray[np.int64]) -> str:
    """The distribution in µs."""
    if not errors.size:
        return f"{name:>24}: not observed"
    p50, p99, p999 = np.percentile(np.abs(errors), [50, 99, 99.9]) / 1e3
    worst = np.abs(errors).max() / 1e3
    return f"{name:>24}: p50 {p50:9.2f}  p99 {p99:9.2f}  p99.9 {p999:9.2f}  max {worst:9.2f} us  ({errors.size} tokens)"


def main() -> None:
    parser = argparse.ArgumentParser(description="Looks at the client's time stamps from outside.")
    parser.add_argument("condition", nargs="*", choices=[*CLIENTS, []], default=[])
    for condition in parser.parse_args().condition or CLIENTS:
        with tempfile.TemporaryDirectory() as directory:
            errors = measure(condition, Path(directory))
        certain = errors.bounds == 0
        uncertain = f"{100 * (1 - certain.mean()):.2f} % marked uncertain, {errors.lost} packets not observed"
        sys.stdout.write(f"{condition}: {uncertain}\n")
        sys.stdout.write(line("packets", errors.packet) + "\n")
        if errors.packet.size:
            sys.stdout.write(line("packets, certain tokens", errors.packet[certain]) + "\n")
        sys.stdout.write(line("service's writes", errors.write) + "\n")


if __name__ == "__main__":
    main()
