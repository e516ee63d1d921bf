"""CPU times of another process's threads, looked at while it runs."""

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class ThreadTimes:
    """Samples of /proc: each thread's user and system time, in the kernel's ticks."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._samples: dict[str, list[tuple[int, int, int]]] = {}

    def sample(self) -> None:
        """Looks once; a thread that ends meanwhile is left out."""
        for task in sorted(self._tasks.glob("*")):
            try:
                fields = (task / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            self._samples.setdefault(task.name, []).append((time.monotonic_ns(), int(fields[11]), int(fields[12])))

    def user_share(self, start_ns: int, end_ns: int) -> float:
        """Of the CPU time that the busiest thread used between two moments, the share outside the kernel."""
        busiest: NDArray[np.int64] = np.zeros(2, np.int64)
        for samples in self._samples.values():
            inside = np.array([(user, system) for at, user, system in samples if start_ns <= at <= end_ns], np.int64)
            if len(inside) > 1 and (used := inside[-1] - inside[0]).sum() > busiest.sum():
                busiest = used
        return float(busiest[0] / busiest.sum()) if busiest.sum() else float("nan")
