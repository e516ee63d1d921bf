"""What a screen is made of: lines with styles, graphs of dots, bars, and times as short texts. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from fastbench.text import columns, shortened
from fastbench.units import MISSING, NS_PER_S, quantity

_SGR = {"bold": "1", "dim": "2", "reverse": "7", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_COLOURS = {"red", "green", "yellow", "blue", "cyan"}
_LEFT, _RIGHT = (0, 0x40, 0x44, 0x46, 0x47), (0, 0x80, 0xA0, 0xB0, 0xB8)
"""Dots of a braille cell's two columns, so many from the bottom."""
_DOTS, _BLANK = 4, 0x2800
_LEAST_SPAN = 0.05
"""Of its greatest value, the least height of a graph: what hardly changes is to look like that."""


class Line:
    """A line of a screen: pieces of text, each with the names of its styles, such as "bold red"."""

    def __init__(self, text: str = "", style: str = "") -> None:
        self.pieces = [(text, style)] if text else []

    def append(self, text: str, style: str = "") -> Self:
        """One more piece at its end; returns the line."""
        if text:
            self.pieces.append((text, style))
        return self

    def pad(self, width: int) -> Self:
        """Blanks up to a column; returns the line."""
        return self.append(" " * (width - self.width))

    @property
    def plain(self) -> str:
        """Without styles."""
        return "".join(text for text, _ in self.pieces)

    @property
    def width(self) -> int:
        """Columns."""
        return columns(self.plain)

    def cut(self, width: int) -> Self:
        """Shortened to so many columns; returns the line."""
        excess = self.width - width
        while excess > 0 and self.pieces:
            text, style = self.pieces.pop()
            kept = columns(text) - excess
            if kept > 0:
                self.pieces.append((shortened(text, kept), style))
            excess = self.width - width
        return self

    def written(self, *, colours: bool) -> str:
        """For a terminal."""
        parts = []
        for text, style in self.pieces:
            codes = [_SGR[name] for name in style.split() if colours or name not in _COLOURS]
            parts.append(f"\x1b[{';'.join(codes)}m{text}\x1b[m" if codes else text)
        return "".join(parts)


def graph(values: Sequence[float | None], width: int, height: int, scale: tuple[float, float]) -> list[str]:
    """The newest values as an area of dots, two values in a column and four levels in a line; the topmost line first.

    scale: the values at its lowest dot and its highest. Few values are stretched over the whole width, with straight
    lines between them. None = no value.
    """
    dots = [_dots(value, height * _DOTS, scale) for value in _spread_over(values, width * 2)]
    pairs = list(zip(dots[::2], dots[1::2], strict=True))
    return ["".join(_cell(*pair, below * _DOTS) for pair in pairs) for below in range(height - 1, -1, -1)]


def _spread_over(values: Sequence[float | None], count: int) -> Sequence[float | None]:
    shown = values[-count:]
    if len(shown) < 2:
        return list(shown) * count or [None] * count
    step = (len(shown) - 1) / (count - 1)
    return [_between(shown, place * step) for place in range(count)]


def _between(values: Sequence[float | None], place: float) -> float | None:
    """The value at a place between two of them; that of the nearer one where the other is not known."""
    before = min(int(place), len(values) - 2)
    left, right, share = values[before], values[before + 1], place - before
    if left is None or right is None:
        return right if share > 0.5 else left
    return left + (right - left) * share


def _dots(value: float | None, most: int, scale: tuple[float, float]) -> int:
    if value is None:
        return 0
    low, high = scale
    span = max(high - low, _LEAST_SPAN * abs(high))
    share = (value - low) / span if span else 0.0
    return 1 + round(min(1.0, max(0.0, share)) * (most - 1))


def _cell(left: int, right: int, below: int) -> str:
    left, right = (min(_DOTS, max(0, dots - below)) for dots in (left, right))
    if not left and not right:
        return " "
    return chr(_BLANK + _LEFT[left] + _RIGHT[right])


def bar(share: float, width: int) -> tuple[str, str]:
    """What is done, and what is left, in so many columns."""
    halves = round(min(1.0, max(0.0, share)) * width * 2)
    done = "━" * (halves // 2) + "╸" * (halves % 2)
    return done, "─" * (width - len(done))


def whole(value: float | None) -> str:
    """A count: "1,584"."""
    return MISSING if value is None else f"{round(value):,}"


def clock(ns: int | None) -> str:
    """Hours where there are any, minutes, seconds, such as "0:54"."""
    if ns is None:
        return MISSING
    minutes, seconds = divmod(ns // NS_PER_S, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def short_pair(first_ns: int, second_ns: int) -> str:
    """Two durations in the unit of the first where they share it: "62.0/120 ms", "310 ms/1.20 s"."""
    first, second = quantity(first_ns), quantity(second_ns)
    value, _, unit = first.partition(" ")
    return f"{value}/{second}" if second.endswith(f" {unit}") else f"{first}/{second}"
