"""The statistics of the report's columns."""

import re
from collections.abc import Sequence

from fastbench.config.issues import show
from fastbench.errors import ConfigError

DEFAULT_STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
MAX_STATS = 8
_NAMED = {name.lower(): name for name in ("Average", "Min", "Max", "Median")}
_PERCENTILE = re.compile(r"[Pp]0*(\d{1,2})(\.\d*[1-9])?")
_ALLOWED = "Average, Min, Max, Median or a percentile such as P95 or P99.9"


def parse_stats(names: str | Sequence[object]) -> tuple[str, ...]:
    """Column names in their own spelling, from a sequence or from text with commas.

    Raises ConfigError for an unknown or repeated name, none at all, or more than `MAX_STATS`.
    """
    parts = [part for part in names.split(",") if part.strip()] if isinstance(names, str) else names
    found = [_canonical(part) for part in parts]
    unknown = [show(part) for part, name in zip(parts, found, strict=True) if name is None]
    if unknown:
        what = "is not a statistic" if len(unknown) == 1 else "are not statistics"
        raise ConfigError(f"{', '.join(unknown)} {what}; name {_ALLOWED}")
    stats = tuple(name for name in found if name is not None)
    if not stats:
        raise ConfigError(f"no statistic is named; name 1 to {MAX_STATS} of: {_ALLOWED}")
    if len(stats) > MAX_STATS:
        raise ConfigError(f"{len(stats)} statistics are named; a report holds at most {MAX_STATS}")
    repeated = next((name for name in stats if stats.count(name) > 1), None)
    if repeated:
        raise ConfigError(f"the statistic {repeated} is named twice; name it once")
    return stats


def _canonical(part: object) -> str | None:
    """A statistic in its own spelling; None for anything else."""
    name = part.strip() if isinstance(part, str) else ""
    if name.lower() in _NAMED:
        return _NAMED[name.lower()]
    match = _PERCENTILE.fullmatch(name)
    if match is None or float(name[1:]) == 0:
        return None
    return f"P{int(match[1])}{match[2] or ''}"
