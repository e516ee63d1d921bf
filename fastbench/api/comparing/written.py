"""What is shown and written of a comparison."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fastbench.answers.comparison import Comparison
from fastbench.api.judging import append_summary
from fastbench.report import Line, comparison_json, comparison_junit, comparison_markdown, replace
from fastbench.report import comparison_lines as lines_of


def comparison_lines(comparison: Comparison, columns: int = 80) -> list[Line]:
    """The sentence, the table with its forest, what differs, notes: lines of at most so many columns."""
    return lines_of(comparison, columns)


def write_comparison(
    comparison: Comparison,
    *,
    junit: str | None = None,
    summary: str | None = None,
    markdown: str | None = None,
    json: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Writes the files that are named, and appends the summary to the job's where the environment names that. Raises
    RecordingError for a file that cannot be written."""
    text = comparison_markdown(comparison)
    for path, content in (
        (junit, comparison_junit(comparison) if junit else b""),
        (summary, text.encode()),
        (markdown, text.encode()),
        (json, comparison_json(comparison) if json else b""),
    ):
        if path:
            replace(Path(path), content)
    append_summary(text, environment)
