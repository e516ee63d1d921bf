"""The log of a task, in a file of its own; that of another task which runs beside it is another one."""

import contextlib
import contextvars
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastbench.config.secrets import KNOWN

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
