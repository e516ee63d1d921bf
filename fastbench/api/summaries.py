"""Reports that are finished: what the screen shows last of them, the document that takes its place for programs, and
the page of a run that has several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from fastbench.api.recordings import by_run
from fastbench.api.reporting import advice
from fastbench.report import (
    Finished,
    Line,
    Part,
    Published,
    ReportedTask,
    Style,
    Task,
    index_page,
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
    "write_indexes",
]

INDEX = "index.html"


def finished(published: Published) -> Finished:
    """A report's answer, with what a summary says beside it."""
    return Finished(published.answer, published.page, advice(published.metrics), published.fault)


def save_json(content: bytes, path: str) -> None:
    """Writes a document to a file. Raises RecordingError where it cannot be written."""
    # Messages of failed requests may repeat a prompt: for the owner alone.
    replace(Path(path), content, 0o600)


def write_indexes(finished: Mapping[Path, Finished | None]) -> list[Path]:
    """Writes `index.html` into the directory of each run all of whose recordings are among these, if it has several.

    finished: by the paths of recordings: what each says, and its page; None of one that says nothing. Raises
    RecordingError when it cannot be written.
    """
    written = []
    for performances, paths, whole in by_run(finished):
        run = performances.parent
        tasks = [Task(found.answer, _link(found.page, run)) for found in (finished[path] for path in paths) if found]
        if len(tasks) > 1 and whole:
            written.append(run / INDEX)
            replace(written[-1], index_page(run.name, tasks))
    return written


def _link(page: Path | None, run: Path) -> str | None:
    """Where a page is from its run's directory; None where it is not in it."""
    if page is None or not page.resolve().is_relative_to(run):
        return None
    return quote(page.resolve().relative_to(run).as_posix())
