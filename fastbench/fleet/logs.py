"""The log of a task, in a file of its own."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from fastbench.config.redactor import KNOWN

log = logging.getLogger("fastbench")


class _WithoutKeys(logging.Formatter):
    """Takes the known keys out of what is logged, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return KNOWN.hide(super().format(record))


@contextlib.contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """All that is logged meanwhile goes to the file, or to standard error where there is none."""
    handler = logging.StreamHandler() if path is None else _file(path)
    handler.setFormatter(_WithoutKeys("[%(asctime)s] [fastbench] [%(levelname)s] %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


def _file(path: Path) -> logging.Handler:
    """For the owner alone: a service's message may repeat a prompt."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return logging.FileHandler(path, encoding="utf-8")
