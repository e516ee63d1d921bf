"""A command run to its end, with the time that it took and the private memory that it had."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.place import pin

FASTBENCH = (sys.executable, "-m", "fastbench")
_EVERY_S = 0.005


class Watched(NamedTuple):
    """One run of a command. memory: (CLOCK_MONOTONIC ns, bytes of anonymous pages), looked at every 5 ms."""

    seconds: float
    memory: list[tuple[int, int]]
    output: str

    def peak(self, until_ns: int = 2**63) -> int:
        """The most anonymous memory that it had until then, in bytes."""
        return max((size for at, size in self.memory if at <= until_ns), default=0)


def watch(command: Sequence[str], *, processor: int | None = None) -> Watched:
    """Runs `command` on a processor (see `pin`; None = on all). Raises RuntimeError with its output when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=None if processor is None else lambda: pin(processor),
    )
    memory = []
    while process.poll() is None:
        memory.append((time.monotonic_ns(), _anonymous(process.pid)))
        try:
            process.wait(_EVERY_S)
        except subprocess.TimeoutExpired:
            continue
    seconds = time.perf_counter() - start
    assert process.stdout is not None
    output = process.stdout.read()
    process.stdout.close()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {process.returncode}:\n{output}")
    return Watched(seconds, memory, output)


def _anonymous(pid: int) -> int:
    """Bytes of the process's anonymous pages now; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line for line in status.splitlines() if line.startswith("RssAnon:")]
    return int(lines[0].split()[1]) * 1024 if lines else 0
