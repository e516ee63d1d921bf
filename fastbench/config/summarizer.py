"""The `summarizer` of a config → what the report shows."""

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, field

from fastbench.config.check import check_fields
from fastbench.config.fields import Frozen
from fastbench.config.issues import Issues
from fastbench.config.service import type_name
from fastbench.config.stats import DEFAULT_STATS, parse_stats
from fastbench.errors import ConfigError

Stage = Literal["total", "stable"]
# Name of the calculator in a config: the stage that it stands for.
_CALCULATORS: dict[str, Stage] = {"DefaultPerfMetricCalculator": "total", "StablePerfMetricCalculator": "stable"}
_SUMMARIZER = "DefaultPerfSummarizer"
SUMMARIZER_TYPES = (_SUMMARIZER, *_CALCULATORS)


class Shown(NamedTuple):
    """What a report shows: its columns, and the stage whose requests it counts."""

    stats: tuple[str, ...] = DEFAULT_STATS
    stage: Stage = "total"


class SummarizerConfig(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer`."""

    attr: str = "performance"
    type: Any = _SUMMARIZER
    calculator: Any = field(default_factory=dict)
    stats_list: Any = None
    """Columns of "Performance Parameters", at most 8: Average, Min, Max, Median, P75, P99.9, …"""
    stage: Annotated[Stage | None, Meta(extra_json_schema={"description": '"total" or "stable"'})] = None
    """Requests counted: all, or those of the stable stage; None = as the calculator's type says."""


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
    return Shown(stats, outer.stage or stage or "total")


def _stats(names: object, path: str, issues: Issues) -> tuple[str, ...]:
    if not isinstance(names, list | tuple | str):
        issues.wrong(path, names, "a list of names")
        return ()
    try:
        return parse_stats(names)
    except ConfigError as error:
        issues.add(path, f"is not usable: {error}")
        return ()
