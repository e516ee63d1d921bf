"""CPU times of another process's threads, looked at while it runs."""

import time
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from benchmarks.sampling import Sampler


class Usage(NamedTuple):
    """What one thread used between two looks at it, or all of them, ns of CLOCK_MONOTONIC."""

    start_ns: int
    end_ns: int
    cpu_ns: int
    """Exact: the scheduler's own account."""
    user_share: float
    """Of it outside the kernel: sampled, or (not asked for, not permitted) counted at the kernel's ticks."""
    sampled: bool


class ThreadTimes:
    """Each thread's CPU time, looked at now and then; a context manager. sampled: how much of it is outside the kernel
    is wanted exactly, and a timer more at each of its turns is no matter."""

    def __init__(self, pid: int, *, sampled: bool = False) -> None:
        self._sampled = sampled
        self._tasks = Path(f"/proc/{pid}/task")
        self._looks: dict[str, list[tuple[int, int, int, int]]] = {}
        self._samplers: dict[str, Sampler | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sampler in self._samplers.values():
            if sampler is not None:
                sampler.close()

    def sample(self) -> None:
        """Looks once; a thread that ends meanwhile is left out."""
        for task in sorted(self._tasks.glob("*")):
            try:
                cpu_ns = int((task / "schedstat").read_text().split()[0])
                outside, whole = self._split(task)
            except (FileNotFoundError, ProcessLookupError):
                continue
            self._looks.setdefault(task.name, []).append((time.monotonic_ns(), cpu_ns, outside, whole))

    def _split(self, task: Path) -> tuple[int, int]:
        """What counts of the thread outside the kernel, and all that counts, so far."""
        if task.name not in self._samplers:
            self._samplers[task.name] = Sampler.of(int(task.name)) if self._sampled else None
        if (sampler := self._samplers[task.name]) is not None:
            return sampler.count()
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        user, system = int(fields[11]), int(fields[12])
        return user, user + system

    def busiest(self, start_ns: int, end_ns: int) -> Usage:
        """The thread that used most between two moments. Raises ValueError when it was not looked at twice."""
        return max(self._between(start_ns, end_ns), key=lambda usage: usage.cpu_ns)

    def all(self, start_ns: int, end_ns: int) -> Usage:
        """All threads between two moments. Raises ValueError when none was looked at twice."""
        usages = self._between(start_ns, end_ns)
        cpu_ns = sum(usage.cpu_ns for usage in usages)
        outside_ns = sum(usage.cpu_ns * usage.user_share for usage in usages)
        return Usage(
            min(usage.start_ns for usage in usages),
            max(usage.end_ns for usage in usages),
            cpu_ns,
            outside_ns / cpu_ns if cpu_ns else 0.0,
            all(usage.sampled for usage in usages),
        )

    def _between(self, start_ns: int, end_ns: int) -> list[Usage]:
        usages = []
        for name, looks in self._looks.items():
            inside = np.array([look for look in looks if start_ns <= look[0] <= end_ns], np.int64)
            if len(inside) > 1:
                cpu_ns, outside, whole = (int(value) for value in (inside[-1] - inside[0])[1:])
                share = outside / whole if whole else 0.0
                sampled = self._samplers[name] is not None
                usages.append(Usage(int(inside[0, 0]), int(inside[-1, 0]), cpu_ns, share, sampled))
        if not usages:
            raise ValueError("no thread was looked at twice: the streams must run together for longer")
        return usages
