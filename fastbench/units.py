"""Units at the edge: int64 nanoseconds inside, text such as "30s" and "200/s" outside."""

import re

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
