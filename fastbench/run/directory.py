"""The directory of one run."""

import time
from pathlib import Path
from typing import NamedTuple, Self

from fastbench.config import Task
from fastbench.errors import UsageError


class RunDirectory(NamedTuple):
    """`<work_dir>/<YYYYmmdd_HHMMSS>/` and what lies where in it."""

    path: Path

    @classmethod
    def create(cls, work_dir: str) -> Self:
        """A new directory, never one that another run has. Raises UsageError when none can be made."""
        stamp = time.strftime("%Y%m%d_%H%M%S")
        for attempt in range(1000):
            path = Path(work_dir, stamp if attempt == 0 else f"{stamp}_{attempt}")
            try:
                path.mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise UsageError(
                    f"The work_dir {work_dir} cannot hold a run ({error.strerror}): set work_dir (-w) to a directory "
                    "that you may write."
                ) from error
            for name in ("configs", "logs/performance", "performances"):
                (path / name).mkdir(parents=True)
            return cls(path)
        raise UsageError(f"The work_dir {work_dir} has a thousand runs of this second: set another work_dir (-w).")

    @property
    def performances(self) -> Path:
        """Where all results go."""
        return self.path / "performances"

    def results(self, task: Task) -> Path:
        """Where the task's tables go."""
        return self.performances / task.service.abbr

    def recording(self, task: Task) -> Path:
        """The task's recording."""
        return self.results(task) / f"{task.dataset.abbr}_recording"

    def log(self, task: Task) -> Path:
        """The task's log."""
        return self.path / "logs" / "performance" / task.service.abbr / f"{task.dataset.abbr}.out"
