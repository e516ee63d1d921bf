"""The log of a task, in a file of its own."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger("fastbench")


@contextlib.contextmanager
def log_to(path: Path | None) -> Iterator[None]:
    """All that is logged meanwhile goes to the file, or to standard error where there is none."""
    handler = logging.StreamHandler() if path is None else _file(path)
    handler.setFormatter(logging.Formatter("[%(asctime)s] [fastbench] [%(levelname)s] %(message)s"))
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
