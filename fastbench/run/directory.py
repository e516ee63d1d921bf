"""The directory of one run, and the log of each of its tasks."""

import contextlib
import contextvars
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from fastbench.config import Task
from fastbench.errors import UsageError
from fastbench.secrets import KNOWN


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


_current: contextvars.ContextVar[logging.Logger | None] = contextvars.ContextVar("fastbench_log", default=None)


class _Log:
    """Writes to the log of the task that is carried out in this context; without one, to the logger "fastbench"."""

    def info(self, message: str, *values: Any) -> None:
        """What happens."""
        self._logger.info(message, *values)

    def warning(self, message: str, *values: Any) -> None:
        """What is other than it was asked for."""
        self._logger.warning(message, *values)

    def error(self, message: str, *values: Any) -> None:
        """What ends the task, or a part of it."""
        self._logger.error(message, *values)

    @property
    def _logger(self) -> logging.Logger:
        return _current.get() or logging.getLogger("fastbench")


log = _Log()


class _WithoutKeys(logging.Formatter):
    """Takes the known keys out of what is logged, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return KNOWN.hide(super().format(record))


@contextlib.contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """All that is logged in this context meanwhile goes to the file, or to standard error where there is none."""
    # A logger of its own, outside the tree: nothing of the application's logging is touched.
    logger = logging.Logger("fastbench", logging.INFO)
    handler = logging.StreamHandler() if path is None else _file(path)
    handler.setFormatter(_WithoutKeys("[%(asctime)s] [fastbench] [%(levelname)s] %(message)s"))
    logger.addHandler(handler)
    token = _current.set(logger)
    try:
        yield
    finally:
        _current.reset(token)
        handler.close()


def _file(path: Path) -> logging.Handler:
    """For the owner alone: a service's message may repeat a prompt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return logging.FileHandler(path, encoding="utf-8")
