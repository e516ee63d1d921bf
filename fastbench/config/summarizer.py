"""The `summarizer` of a config → the statistics of the report."""

from typing import Any

from msgspec import field

from fastbench.config.check import check_fields
from fastbench.config.fields import Frozen
from fastbench.config.issues import Issues
from fastbench.config.service import type_name
from fastbench.config.stats import DEFAULT_STATS, parse_stats
from fastbench.errors import ConfigError


class _Calculator(Frozen, frozen=True, kw_only=True):
    type: Any = "DefaultPerfMetricCalculator"
    stats_list: Any = None


class _Summarizer(Frozen, frozen=True, kw_only=True):
    attr: Any = "performance"
    type: Any = "DefaultPerfSummarizer"
    calculator: Any = field(default_factory=dict)
    stats_list: Any = None


def build_stats(raw: object, issues: Issues) -> tuple[str, ...]:
    """From `calculator["stats_list"]`, as in the guide, or from `stats_list` beside it."""
    outer = _Summarizer(**check_fields(_Summarizer, raw, "summarizer", issues))
    path = "summarizer.calculator"
    inner = _Calculator(**check_fields(_Calculator, outer.calculator, path, issues))
    for where, given in (("summarizer.type", outer), (f"{path}.type", inner)):
        usual = type(given)().type
        if type_name(given.type) != usual:
            issues.wrong(where, given.type, f"{usual}, or left out")
    if inner.stats_list is not None:
        return _stats(inner.stats_list, f"{path}.stats_list", issues)
    return DEFAULT_STATS if outer.stats_list is None else _stats(outer.stats_list, "summarizer.stats_list", issues)


def _stats(names: object, path: str, issues: Issues) -> tuple[str, ...]:
    if not isinstance(names, list | tuple | str):
        issues.wrong(path, names, "a list of names")
        return ()
    try:
        return parse_stats(names)
    except ConfigError as error:
        issues.add(path, f"is not usable: {error}")
        return ()
