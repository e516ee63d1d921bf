"""Brings the files of a worker on another host home, a bounded piece at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastbench.errors import RecordingError
from fastbench.recording import AppendFile
from fastbench.run.logs import log
from fastbench.run.workers.remote import LOG

PIECE_BYTES = 4 << 20
LOG_BYTES = 1 << 20
"""Of a worker's log so much is kept."""


def fetch(ray: Any, actor: Any, directory: Path, log_file: Path | None) -> None:
    """Copies the parts of the recording to `directory` and adds the worker's log to the task's; then the worker's own
    files are deleted. What came before the worker died is a part without an end, as its blocks have their checksums.

    Raises RecordingError where a file cannot be written, and what Ray raises where the worker is gone.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, size in ray.get(actor.files.remote()).items():
            if name == LOG:
                _add_log(ray.get(actor.read.remote(name, 0, LOG_BYTES)), log_file)
            else:
                _copy(ray, actor, name, size, directory / os.path.basename(name))
    except OSError as error:
        raise RecordingError(f"the recording in {directory} cannot be brought home: {error.strerror}") from error
    ray.get(actor.forget.remote())


def _copy(ray: Any, actor: Any, name: str, size: int, target: Path) -> None:
    file = AppendFile(target)
    try:
        while file.size < size and (piece := ray.get(actor.read.remote(name, file.size, PIECE_BYTES))):
            file.append([piece])
        file.sync()
    finally:
        file.close()


def _add_log(content: bytes, log_file: Path | None) -> None:
    if log_file is None:
        log.info("%s", content.decode("utf-8", "replace").rstrip())
        return
    with log_file.open("ab") as file:
        file.write(content)
