"""The `summarizer` of a config: columns and stage."""

from typing import Any

import pytest

from fastbench.config import DEFAULT_STATS, Issues, Shown, parse_stats
from fastbench.config.shown import build_summarizer
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
    ],
)
def test_columns_and_stage(raw: dict[str, Any], stats: tuple[str, ...], stage: str) -> None:
    """`stats_list` has the columns, `stage` says which requests count."""
    assert shown(raw) == (stats, stage)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (5, "summarizer is 5; it must be a dict of settings"),
        ({"stats": []}, "summarizer.stats is not a known field; did you mean stats_list?"),
        ({"type": "Other"}, "summarizer.type is not a known field; known are stage, stats_list"),
        ({"stage": "ramp"}, 'summarizer.stage is \'ramp\'; it must be "total", "stable", "auto" or a window of time'),
        ({"stage": "9s:3s"}, "summarizer.stage is '9s:3s'; it must be"),
        ({"stage": "x:"}, "summarizer.stage is 'x:'; it must be"),
        ({"stage": "30s"}, "summarizer.stage is '30s'; it must be"),
        ({"stage": 5}, "summarizer.stage is 5; it must be"),
        ({"stats_list": 5}, "summarizer.stats_list is 5; it must be a list of names"),
        ({"stats_list": ["P100"]}, "summarizer.stats_list is not usable: 'P100' is not"),
        ({"stats_list": []}, "summarizer.stats_list is not usable: no statistic is named"),
    ],
)
def test_a_bad_summarizer_is_told(raw: object, told: str) -> None:
    """Each fault is one sentence with its path."""
    with pytest.raises(ConfigError) as caught:
        shown(raw)
    assert str(caught.value).startswith(f"run.py: {told}")


def test_default_columns() -> None:
    """The default columns are AISBench's, and are canonical."""
    assert parse_stats(DEFAULT_STATS) == ("Average", "Min", "Max", "Median", "P75", "P90", "P99")


def test_text_and_lists_mean_the_same() -> None:
    """Names may come as a list or as text with commas, in any case, and get one spelling."""
    assert parse_stats("average, p50,P99.9,P07") == parse_stats(["Average", "P50", "p99.9", "P007"])
    assert parse_stats("p99.90,MEDIAN"[:5] + ",MEDIAN") == ("P99.9", "Median")


@pytest.mark.parametrize("name", ["P0", "P0.0", "P100", "P", "Mean", "P-5", "P99.", 95, None, ""])
def test_other_names_are_refused(name: object) -> None:
    """A name that is no statistic is refused, with those that are."""
    with pytest.raises(ConfigError, match="is not a statistic; name Average, Min, Max, Median or"):
        parse_stats(["Min", name])


def test_all_other_names_are_told_at_once() -> None:
    """Of several names that are no statistics each is told."""
    with pytest.raises(ConfigError, match=r"^'P0', 'P100', 'Avg' are not statistics; name Average,"):
        parse_stats(["P0", "P100", "Min", "Avg"])


def test_nine_are_too_many() -> None:
    """More than 8 columns are refused, 8 are not."""
    names = [f"P{p}" for p in range(1, 10)]
    assert len(parse_stats(names[:8])) == 8
    with pytest.raises(ConfigError, match="9 statistics are named; a report holds at most 8"):
        parse_stats(names)


def test_none_and_twice_are_refused() -> None:
    """An empty list and a repeated name are refused."""
    with pytest.raises(ConfigError, match="no statistic is named"):
        parse_stats(" , ")
    with pytest.raises(ConfigError, match=r"P99 is named twice"):
        parse_stats("P99,p99")
