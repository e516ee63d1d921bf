"""What the screen shows last of reports: their summary, in lines that whoever has a screen gives colours to; and the
document that takes its place for programs."""

from __future__ import annotations

from pathlib import Path

from fastbench.api.reporting import advice
from fastbench.report import (
    Finished,
    Line,
    Part,
    Published,
    ReportedTask,
    Style,
    plain,
    replace,
    result_json,
    summarize,
)

__all__ = [
    "Finished",
    "Line",
    "Part",
    "Published",
    "ReportedTask",
    "Style",
    "finished",
    "plain",
    "result_json",
    "save_json",
    "summarize",
]


def finished(published: Published) -> Finished:
    """A report's answer, with what a summary says beside it."""
    return Finished(published.answer, published.page, advice(published.metrics), published.fault)


def save_json(content: bytes, path: str) -> None:
    """Writes a document to a file. Raises RecordingError where it cannot be written."""
    # Messages of failed requests may repeat a prompt: for the owner alone.
    replace(Path(path), content, 0o600)
