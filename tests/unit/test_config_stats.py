"""The statistics of the report's columns."""

import pytest

from fastbench.config.stats import DEFAULT_STATS, parse_stats
from fastbench.errors import ConfigError


def test_default_is_the_guides() -> None:
    """The default columns are the guide's, and are canonical."""
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
