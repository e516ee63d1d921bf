"""AISBench's `summarizer` dict → the native one."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, field

from fastbench.aisbench.models import type_name
from fastbench.config import Issues
from fastbench.config.fields import Frozen, check_fields

_SUMMARIZER = "DefaultPerfSummarizer"
# Name of the calculator: the stage that it stands for.
_CALCULATORS = {"DefaultPerfMetricCalculator": "total", "StablePerfMetricCalculator": "stable"}
SUMMARIZER_CLASSES = (_SUMMARIZER, *_CALCULATORS)
_OWN = ("attr", "type", "calculator")


class SummarizerDict(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer` that AISBench's has beside the native ones."""

    attr: str = "performance"
    type: Any = _SUMMARIZER
    calculator: Annotated[Any, Meta(extra_json_schema={"description": "a dict of settings"})] = field(
        default_factory=dict
    )


class CalculatorDict(Frozen, frozen=True, kw_only=True):
    """The fields of `summarizer["calculator"]`, the place of `stats_list` in AISBench."""

    type: Any = "DefaultPerfMetricCalculator"
    stats_list: Any = None


def translate_summarizer(raw: object, issues: Issues) -> object:
    """`raw` in native form. One of another kind than performance stands for the usual one, as in AISBench."""
    if not isinstance(raw, Mapping):
        return raw
    native = {name: value for name, value in raw.items() if name not in _OWN}
    own = {name: raw[name] for name in _OWN if name in raw}
    outer = SummarizerDict(**check_fields(SummarizerDict, own, "summarizer", issues))
    if outer.attr != "performance":
        return {}
    path = "summarizer.calculator"
    inner = CalculatorDict(**check_fields(CalculatorDict, outer.calculator, path, issues))
    if type_name(outer.type) != _SUMMARIZER:
        issues.wrong("summarizer.type", outer.type, f"{_SUMMARIZER}, or left out")
    stage = _CALCULATORS.get(type_name(inner.type) or "")
    if stage is None:
        issues.wrong(f"{path}.type", inner.type, f"{' or '.join(_CALCULATORS)}, or left out")
    if native.get("stage") is None and stage != "total":
        native["stage"] = stage
    if inner.stats_list is not None:
        native["stats_list"] = inner.stats_list
        issues.rename("summarizer.stats_list", f"{path}.stats_list")
    return native
