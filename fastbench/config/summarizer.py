"""The `summarizer` of a config → what the report shows."""

from typing import Annotated, Any, NamedTuple

from msgspec import Meta, field

from fastbench.config.check import check_fields
from fastbench.config.fields import Frozen
from fastbench.config.issues import Issues
from fastbench.config.service import type_name
from fastbench.config.stats import DEFAULT_STATS, parse_stats
from fastbench.errors import ConfigError
from fastbench.units import parse_duration

STAGES = ("total", "stable", "auto")
_STAGE_FORM = '"total", "stable", "auto" or a window of time such as "30s:90s"'
# Name of the calculator in a config: the stage that it stands for.
_CALCULATORS = {"DefaultPerfMetricCalculator": "total", "StablePerfMetricCalculator": "stable"}
_SUMMARIZER = "DefaultPerfSummarizer"
SUMMARIZER_TYPES = (_SUMMARIZER, *_CALCULATORS)


class Shown(NamedTuple):
    """What a report shows: its columns, and the stage that it is about."""

    stats: tuple[str, ...] = DEFAULT_STATS
    stage: str = "total"


class SummarizerConfig(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer`."""

    attr: str = "performance"
    type: Any = _SUMMARIZER
    calculator: Any = field(default_factory=dict)
    stats_list: Any = None
    """Columns of "Performance Parameters", at most 8: Average, Min, Max, Median, P75, P99.9, …"""
    stage: Annotated[str | None, Meta(extra_json_schema={"description": _STAGE_FORM})] = None
    """What the report is about: the whole run, the stable stage, a stationary stretch, or a window "from:to" since the
    first request; None = as the calculator's type says."""


class CalculatorConfig(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer["calculator"]`, the place of `stats_list` in the guide."""

    type: Any = "DefaultPerfMetricCalculator"
    stats_list: Any = None


def build_summarizer(raw: object, issues: Issues) -> Shown:
    """From `summarizer`; the one of another kind than performance stands for the usual one, as in the original."""
    outer = SummarizerConfig(**check_fields(SummarizerConfig, raw, "summarizer", issues))
    if outer.attr != "performance":
        return Shown()
    path = "summarizer.calculator"
    inner = CalculatorConfig(**check_fields(CalculatorConfig, outer.calculator, path, issues))
    if type_name(outer.type) != _SUMMARIZER:
        issues.wrong("summarizer.type", outer.type, f"{_SUMMARIZER}, or left out")
    stage = _CALCULATORS.get(type_name(inner.type) or "")
    if stage is None:
        issues.wrong(f"{path}.type", inner.type, f"{' or '.join(_CALCULATORS)}, or left out")
    stats: tuple[str, ...] = DEFAULT_STATS
    if inner.stats_list is not None:
        stats = _stats(inner.stats_list, f"{path}.stats_list", issues)
    elif outer.stats_list is not None:
        stats = _stats(outer.stats_list, "summarizer.stats_list", issues)
    if outer.stage is not None and not is_stage(outer.stage):
        issues.wrong("summarizer.stage", outer.stage, _STAGE_FORM)
    return Shown(stats, outer.stage or stage or "total")


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
