"""Axes of a comparison: of changes, by their logarithm, and of values that need not begin at 0."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fastbench.answers.comparison import Effect
from fastbench.report.comparing.lines import signed
from fastbench.report.page.svg import Axis, linear

_STEPS = tuple(digit * 10.0**power for power in range(-5, 1) for digit in (1, 2, 5))
_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1_000)
_MOST_TICKS = 6
ROOM = 0.14
"""Of a wide plot, for a tick's text."""
LEAST_SIDE = 0.16
"""Of the width: room for a word on each side of 0."""
_PADDING = 0.05
_LEAST = 0.001
"""Of both sides of 0: ticks have two decimals of a per cent."""
_FAR = 4.0
"""How many times farther than most others an end may lie before the axis ends ahead of it."""
_WIDE = math.log(4)
"""An axis of so much and more has ticks such as "2 times", not +100 %."""


class Tick(NamedTuple):
    """A place on an axis, from 0 to 1, and its text."""

    at: float
    text: str


class Changes(NamedTuple):
    """A level axis of changes: B / A - 1 by the logarithm of B / A, or B - A in points. low, high: so measured."""

    low: float
    high: float
    in_points: bool

    def at(self, change: float) -> float:
        """From 0 to 1 within; what lies beyond is less than 0 or more than 1."""
        return (_measure(change, self.in_points) - self.low) / (self.high - self.low)

    def ticks(self, room: float = ROOM) -> list[Tick]:
        """With 0, and room between them. room: of the width, for a tick's text."""
        return _with_room(self._all_ticks(), room)

    def _all_ticks(self) -> list[Tick]:
        if not self.in_points and self.high - self.low >= _WIDE:
            times = [one for one in _TIMES if self.low <= math.log(one) <= self.high]
            thinned = _thinned(times)
            return [Tick(self.at(one - 1), f"\N{MULTIPLICATION SIGN}{one:g}" if one != 1 else "0") for one in thinned]
        low, high = (_change(end, self.in_points) for end in (self.low, self.high))
        step = next((step for step in _STEPS if (high - low) / step <= _MOST_TICKS), 1.0)
        places = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        return [Tick(self.at(step * place), self._text(step * place)) for place in places]

    def _text(self, amount: float) -> str:
        """Without what is nothing behind the point."""
        text = signed(amount)
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return f"{text or '0'}{'' if self.in_points or not amount else ' %'}"


def _with_room(ticks: list[Tick], room: float) -> list[Tick]:
    """Outwards from 0, without those that the logarithm brings too near to the one before."""
    zero = next(place for place, tick in enumerate(ticks) if tick.text == "0")
    kept = [ticks[zero]]
    for side in (ticks[zero + 1 :], ticks[:zero][::-1]):
        last = ticks[zero]
        for tick in side:
            if abs(tick.at - last.at) >= room:
                kept.append(tick)
                last = tick
    return sorted(kept)


def _thinned(times: list[float]) -> list[float]:
    """Every so many of them, 1 among them."""
    every = -(-len(times) // _MOST_TICKS)
    return times[times.index(1) % every :: every]


def _measure(change: float, in_points: bool) -> float:
    return change if in_points else math.log(max(1 + change, 1e-6))


def _change(measured: float, in_points: bool) -> float:
    return measured if in_points else math.expm1(measured)


def changes(ends: Iterable[float], tolerance: float, *, in_points: bool = False, side: float = LEAST_SIDE) -> Changes:
    """An axis that shows 0, the tolerance, and the ends but for the few that lie far away. side: of the whole, what
    each side of 0 has at least."""
    measured = sorted((_measure(end, in_points) for end in ends), key=abs)
    allowed = _measure(tolerance, in_points)
    most = abs(measured[-1]) if measured else 0.0
    usual = abs(measured[3 * len(measured) // 4]) if measured else 0.0
    limit = min(most, max(_FAR * usual, 3 * allowed)) or 0.01
    low = min([-max(allowed, _LEAST), *(max(end, -limit) for end in measured)])
    high = max([max(allowed, _LEAST), *(min(end, limit) for end in measured)])
    least = side * ((high - low) or 0.01)
    low, high = min(low, -least), max(high, least)
    padding = _PADDING * (high - low)
    return Changes(low - padding, high + padding, in_points)


def ends_of(effects: Sequence[Effect]) -> list[float]:
    """Of the intervals; the change where there is none."""
    found = []
    for effect in effects:
        if effect.interval is not None:
            found += [effect.interval.low, effect.interval.high]
        if effect.change is not None:
            found.append(effect.change)
    return found


def around(values: Sequence[float]) -> Axis:
    """An upright axis that begins at 0 only where the values are not far from it."""
    low, high = min(values), max(values)
    if low <= 0 or low < 0.5 * high:
        return linear(max(high, 0.0))
    spread = max(high - low, 0.02 * high)
    step = 10 ** math.floor(math.log10(spread))
    step = next(digit * step for digit in (0.5, 1, 2, 5, 10) if spread / (digit * step) <= 3)
    first, last = math.floor((low - 0.1 * spread) / step), math.ceil((high + 0.1 * spread) / step)
    return Axis(first * step, last * step, tuple(step * place for place in range(first, last + 1)))
