"""Units at the edge: int64 nanoseconds inside, text such as "30s" and "200/s" outside."""

import math
import re
from typing import TypeGuard

from fastbench.errors import ConfigError

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

_NS = {
    "ns": 1,
    "us": NS_PER_US,
    "µs": NS_PER_US,
    "ms": NS_PER_MS,
    "s": NS_PER_S,
    "m": 60 * NS_PER_S,
    "min": 60 * NS_PER_S,
    "h": 3600 * NS_PER_S,
}
MAX_NS = 2**62 - 1
"""The longest duration, some 146 years: added to any moment of a clock it stays an int64."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zµ]*)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(s|sec|min|m|h))?")
_SHOWN_UNITS = ("h", "min", "s", "ms", "us")

MISSING = "\N{EN DASH}"
"""In the place of a quantity that there is not."""
_DIGITS = 3
_TIMES = (("ns", 1), ("µs", NS_PER_US), ("ms", NS_PER_MS), ("s", NS_PER_S), ("min", _NS["min"]), ("h", _NS["h"]))
_UNTIL = {"s": 600, "min": 120}
"""A unit is used for less than so many of it; others, where a thousand of them are one of the next."""
_SIZES = (("M", 1e6), ("G", 1e9), ("T", 1e12))

DURATION_FORM = 'a number of seconds or text such as "200ms", "30s", "1h"; at most 146 years'
RATE_FORM = 'a number of requests per second or text such as "200/s", "30/min"'


class Duration(int):
    """A length of time in ns, written in a config as `DURATION_FORM` says."""


class Rate(float):
    """Requests per second, written in a config as `RATE_FORM` says."""


def parse_duration(value: object) -> Duration:
    """`value` in ns. Raises ConfigError for anything but a `Duration` or a `DURATION_FORM`."""
    if isinstance(value, Duration):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return _bounded(value * NS_PER_S, value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (match[2] or "s") not in _NS:
        raise ConfigError(f"{value!r} is not a duration; give {DURATION_FORM}")
    scale = _NS[match[2] or "s"]
    return _bounded(int(match[1]) * scale if match[1].isdecimal() else float(match[1]) * scale, value)


def _bounded(ns: float, value: object) -> Duration:
    if ns <= MAX_NS:
        return Duration(round(ns))
    raise ConfigError(f"{value!r} is too long a duration; give at most 146 years")


def parse_rate(value: object) -> Rate:
    """`value` in 1/s. Raises ConfigError for anything but a `RATE_FORM`."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return Rate(value)
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ConfigError(f"{value!r} is not a rate; give {RATE_FORM}")
    per = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600}[match[2] or "s"]
    return Rate(float(match[1]) / per)


def format_duration(ns: int) -> str:
    """Exact and parseable: the largest unit in which `ns` is a whole number, such as "90s" or "1500ms"."""
    for name in _SHOWN_UNITS:
        if ns and ns % _NS[name] == 0:
            return f"{ns // _NS[name]}{name}"
    return f"{ns}ns"


def quantity(value: float | None, unit: str = "ns") -> str:
    """For screen and page, with three significant digits: a time by its size (`1.79 s`, `62.6 ms`, `450 µs`), a count
    or a rate as `number` has it, with its unit.

    unit: ns, us, ms, s, … for a time; else such as `token/s`, or "" for a count. `MISSING` for None and NaN.
    """
    if not _is_figure(value):
        return MISSING
    if unit in _NS:
        return _time(value * _NS[unit])
    return f"{number(value)} {unit}" if unit else number(value)


def number(value: float | None) -> str:
    """A count or a rate for screen and page: `35.6`, `2,614`, `1.17 M`; whole numbers have no decimals."""
    if not _is_figure(value):
        return MISSING
    if value < 0:
        return f"-{number(-value)}"
    if value >= 999_999.5:
        size, scale = next(one for one in reversed(_SIZES) if round(value) >= one[1])
        return f"{_significant(value / scale)} {size}"
    if value >= 999.5:
        return f"{value:,.0f}"
    if float(value).is_integer():
        return f"{value:.0f}"
    return _significant(value) if value >= 0.0005 else "< 0.001"


def rate(per_s: float | None, what: str = "") -> str:
    """So many per second, three digits without zeros at their end: `19.7/s`, `1,250/s`, `60 requests/s`."""
    if not _is_figure(per_s):
        return MISSING
    return f"{per_s:.3g}{what and f' {what}'}/s" if per_s < 1_000 else f"{per_s:,.0f}{what and f' {what}'}/s"


def share(value: float | None) -> str:
    """A share of 1 in per cent, for screen and page: `9.3 %`. What is not none or all is not shown as 0 or 100 %."""
    if not _is_figure(value):
        return MISSING
    if value in (0, 1):
        return f"{value * 100:.0f} %"
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return "> 99.9 %" if 0.9995 <= value < 1 else f"{value * 100:.1f} %"


def _is_figure(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _time(ns: float) -> str:
    if ns < 0:
        return f"-{_time(-ns)}"
    if not ns:
        return "0 s"
    for name, scale in _TIMES[:-1]:
        # What is rounded up to the next unit is shown in it.
        if _rounded(ns / scale) < _UNTIL.get(name, 1000):
            return f"{_significant(ns / scale)} {name}"
    return f"{_significant(ns / _NS['h'])} h"


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _significant(value: float) -> str:
    """Three digits of a positive number, and all of those ahead of the point."""
    before = math.floor(math.log10(_rounded(value))) + 1  # 9.996 is 10.0, not 10.00
    return f"{value:,.{max(0, _DIGITS - before)}f}"
