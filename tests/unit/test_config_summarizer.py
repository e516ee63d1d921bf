"""The `summarizer` of a config: columns and stage."""

from typing import Any

import pytest

from fastbench.config.issues import Issues
from fastbench.config.stats import DEFAULT_STATS
from fastbench.config.summarizer import Shown, build_summarizer
from fastbench.errors import ConfigError


def shown(raw: object) -> Shown:
    issues = Issues("run.py")
    built = build_summarizer(raw, issues)
    issues.check()
    return built


@pytest.mark.parametrize(
    ("raw", "stats", "stage"),
    [
        ({}, DEFAULT_STATS, "total"),
        ({"stats_list": ["P50"]}, ("P50",), "total"),
        ({"stage": "auto"}, DEFAULT_STATS, "auto"),
        ({"stage": "30s:"}, DEFAULT_STATS, "30s:"),
        ({"stage": ":1min"}, DEFAULT_STATS, ":1min"),
        ({"stats_list": "P50,Max", "stage": "stable"}, ("P50", "Max"), "stable"),
        ({"calculator": {"stats_list": ["Average", "P95"]}}, ("Average", "P95"), "total"),
        ({"calculator": {"type": "StablePerfMetricCalculator"}}, DEFAULT_STATS, "stable"),
        (
            {"calculator": {"type": "ais_bench.benchmark.calculators.StablePerfMetricCalculator"}},
            DEFAULT_STATS,
            "stable",
        ),
        ({"calculator": {"type": "StablePerfMetricCalculator"}, "stage": "total"}, DEFAULT_STATS, "total"),
        ({"type": type("DefaultPerfSummarizer", (), {})}, DEFAULT_STATS, "total"),
    ],
)
def test_columns_and_stage(raw: dict[str, Any], stats: tuple[str, ...], stage: str) -> None:
    """Columns stand in the calculator or beside it; the calculator's type, or `stage`, says which requests count."""
    assert shown(raw) == (stats, stage)


def test_another_kind_of_summarizer_stands_for_the_usual_one() -> None:
    """As in the original, a summarizer for accuracy is replaced by the one for performance."""
    assert shown({"attr": "accuracy", "type": "DefaultSummarizer"}) == Shown()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (5, "summarizer is 5; it must be a dict of settings"),
        ({"stats": []}, "summarizer.stats is not a known field; did you mean stats_list?"),
        ({"type": "Other"}, "summarizer.type is 'Other'; it must be DefaultPerfSummarizer, or left out"),
        ({"stage": "ramp"}, 'summarizer.stage is \'ramp\'; it must be "total", "stable", "auto" or a window of time'),
        ({"stage": "9s:3s"}, "summarizer.stage is '9s:3s'; it must be"),
        ({"stage": "x:"}, "summarizer.stage is 'x:'; it must be"),
        ({"stage": "30s"}, "summarizer.stage is '30s'; it must be"),
        ({"stage": 5}, "summarizer.stage is 5; it must be"),
        (
            {"calculator": {"type": "Other"}},
            "summarizer.calculator.type is 'Other'; it must be DefaultPerfMetricCalculator or StablePerfMetricCal",
        ),
        ({"stats_list": 5}, "summarizer.stats_list is 5; it must be a list of names"),
        ({"calculator": {"stats_list": ["P100"]}}, "summarizer.calculator.stats_list is not usable: 'P100' is not"),
        ({"stats_list": []}, "summarizer.stats_list is not usable: no statistic is named"),
    ],
)
def test_a_bad_summarizer_is_told(raw: object, told: str) -> None:
    """Each fault is one sentence with its path."""
    with pytest.raises(ConfigError) as caught:
        shown(raw)
    assert str(caught.value).startswith(f"run.py: {told}")
