"""CPU times of another process's threads, looked at while it runs."""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Usage(NamedTuple):
    """What one thread used between two looks at it, ns of CLOCK_MONOTONIC."""

    start_ns: int
    end_ns: int
    cpu_ns: int
    """Exact: the scheduler's own account."""
    user_share: float
    """Of it outside the kernel: counted at the kernel's ticks."""


class ThreadTimes:
    """Samples of /proc: each thread's CPU time."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._samples: dict[str, list[tuple[int, int, int, int]]] = {}

    def sample(self) -> None:
        """Looks once; a thread that ends meanwhile is left out."""
        for task in sorted(self._tasks.glob("*")):
            try:
                cpu_ns = int((task / "schedstat").read_text().split()[0])
                fields = (task / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            sample = (time.monotonic_ns(), cpu_ns, int(fields[11]), int(fields[12]))
            self._samples.setdefault(task.name, []).append(sample)

    def busiest(self, start_ns: int, end_ns: int) -> Usage:
        """The thread that used most between two moments. Raises ValueError when it was not looked at twice."""
        usages = []
        for samples in self._samples.values():
            inside = np.array([sample for sample in samples if start_ns <= sample[0] <= end_ns], np.int64)
            if len(inside) > 1:
                cpu_ns, user, system = (int(value) for value in (inside[-1] - inside[0])[1:])
                share = user / (user + system) if user + system else 0.0
                usages.append(Usage(int(inside[0, 0]), int(inside[-1, 0]), cpu_ns, share))
        if not usages:
            raise ValueError("no thread was looked at twice: the streams must run together for longer")
        return max(usages, key=lambda usage: usage.cpu_ns)
