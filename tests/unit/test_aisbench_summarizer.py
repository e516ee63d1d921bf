"""AISBench's `summarizer` dict: its classes, its calculator, and the names in its faults."""

from typing import Any

import pytest

from fastbench.aisbench import build_summarizer
from fastbench.config import DEFAULT_STATS, Issues, Shown
from fastbench.errors import ConfigError


def shown(raw: object) -> Shown:
    issues = Issues("run.py")
    built = build_summarizer(raw, issues)
    issues.check()
    return built


@pytest.mark.parametrize(
    ("raw", "stats", "stage"),
    [
        ({"stats_list": ["P50"], "stage": "auto"}, ("P50",), "auto"),
        ({"calculator": {"stats_list": ["Average", "P95"]}}, ("Average", "P95"), "total"),
        ({"calculator": {"stats_list": ["P95"]}, "stats_list": ["P50"]}, ("P95",), "total"),
        ({"calculator": {"type": "StablePerfMetricCalculator"}}, DEFAULT_STATS, "stable"),
        ({"calculator": {"type": "ais_bench.calculators.StablePerfMetricCalculator"}}, DEFAULT_STATS, "stable"),
        ({"calculator": {"type": "StablePerfMetricCalculator"}, "stage": "total"}, DEFAULT_STATS, "total"),
        ({"type": type("DefaultPerfSummarizer", (), {})}, DEFAULT_STATS, "total"),
    ],
)
def test_columns_and_stage(raw: dict[str, Any], stats: tuple[str, ...], stage: str) -> None:
    """Columns stand in the calculator or beside it; the calculator's type, or `stage`, says which requests count."""
    assert shown(raw) == (stats, stage)


def test_another_kind_of_summarizer_stands_for_the_usual_one() -> None:
    """As in AISBench, a summarizer for accuracy is replaced by the one for performance."""
    assert shown({"attr": "accuracy", "type": "DefaultSummarizer"}) == Shown()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (5, "summarizer is 5; it must be a dict of settings"),
        ({"attr": 5}, "summarizer.attr is 5; it must be text"),
        ({"calculator": 5}, "summarizer.calculator is 5; it must be a dict of settings"),
        ({"stats": []}, "summarizer.stats is not a known field; did you mean stats_list?"),
        ({"type": "Other"}, "summarizer.type is 'Other'; it must be DefaultPerfSummarizer, or left out"),
        (
            {"calculator": {"type": "Other"}},
            "summarizer.calculator.type is 'Other'; it must be DefaultPerfMetricCalculator or StablePerfMetricCal",
        ),
        ({"calculator": {"stats_list": ["P100"]}}, "summarizer.calculator.stats_list is not usable: 'P100' is not"),
    ],
)
def test_a_bad_summarizer_is_told(raw: object, told: str) -> None:
    """Each fault is one sentence with the path that the user wrote."""
    with pytest.raises(ConfigError) as caught:
        shown(raw)
    assert str(caught.value).startswith(f"run.py: {told}")
    assert "\n" not in str(caught.value)
