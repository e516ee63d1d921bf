"""Marks of verdicts: by colour and by shape, drawn in pixels around a place of a chart."""

from __future__ import annotations

from html import escape

from fastbench.answers.comparison import VerdictWord
from fastbench.report.page.comparison.words import LOOKS

_SHAPES = {
    "better": "M0,-6A6,6 0 1 1 0,6A6,6 0 1 1 0,-6z",
    "worse": "M0,-7L7,0L0,7L-7,0z",
    "same": "M0,-5.5A5.5,5.5 0 1 1 0,5.5A5.5,5.5 0 1 1 0,-5.5z",
    "unknown": "M-5,-5H5V5H-5z",
    "base": "M0,-6L5.5,4.5H-5.5z",
}
"""By the kind of a verdict, and of what is measured against; those of `same` and `unknown` are hollow."""


def shape(kind: str) -> str:
    """A path around 0, 0."""
    return f'<path class=shape d="{_SHAPES[kind]}"/>'


def placed(at: float, y: float, inside: str, kind: str, told: str = "") -> str:
    """Something drawn around a place. at: from 0 to 1; y: pixels from the top. told: for the pointer."""
    title = f"<title>{escape(told)}</title>" if told else ""
    return f'<svg class="mark {kind}" x="{100 * at:.2f}%" y="{y:.1f}">{inside}{title}</svg>'


def key_mark(kind: str) -> str:
    """A shape in a line of text."""
    return (
        '<svg class="static key-mark" width="16" height="16" viewBox="-8 -8 16 16" aria-hidden="true">'
        f'<g class="mark {kind}">{shape(kind)}</g></svg>'
    )


def verdict_mark(word: VerdictWord) -> str:
    """A verdict's shape in a line of text."""
    return key_mark(LOOKS[word].kind)
