"""The `summarizer` of a config → what the report shows."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from fastbench.config.fields.check import Frozen, check_fields
from fastbench.config.fields.issues import Issues, show
from fastbench.errors import ConfigError
from fastbench.units import parse_duration

DEFAULT_STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
MAX_STATS = 8
_NAMED = {name.lower(): name for name in ("Average", "Min", "Max", "Median")}
_PERCENTILE = re.compile(r"[Pp]0*(\d{1,2})(\.\d*[1-9])?")
_ALLOWED = "Average, Min, Max, Median or a percentile such as P95 or P99.9"
STAGES = ("total", "stable", "auto")
_STAGE_FORM = '"total", "stable", "auto" or a window of time such as "30s:90s"'


class Shown(NamedTuple):
    """Report settings: columns and stage."""

    stats: tuple[str, ...] = DEFAULT_STATS
    stage: str = "total"


class SummarizerConfig(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer`."""

    stats_list: Any = None
    """Columns of "Performance Parameters", at most 8: Average, Min, Max, Median, P75, P99.9, …"""
    stage: Annotated[str | None, Meta(extra_json_schema={"description": _STAGE_FORM})] = None
    """What the report is about: the whole run, the stable stage, a stationary stretch, or a window "from:to" since the
    first request; None = the whole run."""


def build_summarizer(raw: object, issues: Issues) -> Shown:
    """The report settings in `raw`; its faults are added to `issues`."""
    given = SummarizerConfig(**check_fields(SummarizerConfig, raw, "summarizer", issues))
    stats = DEFAULT_STATS if given.stats_list is None else _stats(given.stats_list, "summarizer.stats_list", issues)
    if given.stage is not None and not is_stage(given.stage):
        issues.wrong("summarizer.stage", given.stage, _STAGE_FORM)
    return Shown(stats, given.stage or "total")


def is_stage(name: str) -> bool:
    """Whether `name` is a stage by its form; a run may lack it all the same."""
    begin, colon, end = name.partition(":")
    try:
        since, until = parse_duration(begin or 0), parse_duration(end) if end else None
    except ConfigError:
        return name in STAGES
    return bool(colon) and (until is None or since < until)


def _stats(names: object, path: str, issues: Issues) -> tuple[str, ...]:
    if not isinstance(names, list | tuple | str):
        issues.wrong(path, names, "a list of names")
        return ()
    try:
        return parse_stats(names)
    except ConfigError as error:
        issues.add(path, f"is not usable: {error}")
        return ()


def parse_stats(names: str | Sequence[object]) -> tuple[str, ...]:
    """Column names in their own spelling, from a sequence or from text with commas.

    Raises ConfigError for an unknown or repeated name, none at all, or more than `MAX_STATS`.
    """
    if not isinstance(names, Sequence):
        raise ConfigError(f"{show(names)} is no list of statistics; name {_ALLOWED}")
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
