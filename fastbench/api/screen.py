"""What the screen shows last of reports: their summary, in lines that whoever has a screen gives colours to."""

from __future__ import annotations

from fastbench.api.reporting import advice
from fastbench.report import Finished, Line, Part, Published, Style, plain, summarize

__all__ = ["Finished", "Line", "Part", "Published", "Style", "finished", "plain", "summarize"]


def finished(published: Published) -> Finished:
    """A report's answer, with what a summary says beside it."""
    return Finished(published.answer, published.page, advice(published.metrics), published.fault)
