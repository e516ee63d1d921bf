"""What is shown and written of a comparison."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fastbench.answers.comparison import Comparison
from fastbench.api.judging import append_summary
from fastbench.report import (
    comparison_json,
    comparison_junit,
    comparison_lines,
    comparison_markdown,
    comparison_page,
    replace,
)

__all__ = ["Comparison", "comparison_json", "comparison_lines", "write_comparison", "write_comparison_page"]


def write_comparison(
    comparison: Comparison,
    *,
    junit: str | None = None,
    summary: str | None = None,
    markdown: str | None = None,
    json: str | None = None,
    page: str | None = None,
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
    if page:
        write_comparison_page(comparison, Path(page))
    append_summary(text, environment)


def write_comparison_page(comparison: Comparison, path: Path) -> None:
    """One HTML file that needs no other. Raises RecordingError where it cannot be written."""
    # Messages of failed requests may repeat a prompt: for the owner alone.
    replace(path, comparison_page(comparison), 0o600)
