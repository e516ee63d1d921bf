"""The pictures that a run leaves: its page, and the charts of request rates before and after."""

from __future__ import annotations

from pathlib import Path

import pytest
from nursery import Mock
from running import Ended, perf

BEFORE, AFTER, PAGE = "_rps_distribution_plot.html", "_rps_distribution_plot_with_actual_rps.html", "_plot.html"


def pictures(ended: Ended) -> list[str]:
    return sorted(path.name for path in ended.run.glob("performances/*/*.html"))


def log_of(ended: Ended) -> str:
    (path,) = ended.run.glob("logs/performance/*/*.out")
    return path.read_text()


@pytest.mark.parametrize(
    ("load", "starts"),
    [
        (("--rate", "200/s", "--burstiness", 1, "--num-prompts", 100), 100),
        (("--rate", "50/s", "--pressure", "--pressure-time", "500ms", "--concurrency", 5), 5),
    ],
)
def test_a_rate_has_its_charts(tmp_path: Path, service: Mock, load: tuple[str | int, ...], starts: int) -> None:
    """A rate of requests, or of clients, is charted as planned and as sent; the log has both summaries."""
    ended = perf(tmp_path, "--url", service.url, "--output-len", 4, *load, page=True)
    assert pictures(ended) == sorted(f"synthetic{end}" for end in (BEFORE, AFTER, PAGE))
    before, after = log_of(ended).split("Request Per Second(RPS) Distribution Analysis")[1:]
    assert f"\nPlanned  {starts} " in before
    assert "\nSent " not in before
    assert f"\nSent     {starts} " in after


def test_without_a_rate_only_the_page(tmp_path: Path, service: Mock) -> None:
    """A closed loop has no rate to chart."""
    ended = perf(tmp_path, "--url", service.url, "--output-len", 4, "--num-prompts", 4, "--concurrency", 2, page=True)
    assert pictures(ended) == [f"synthetic{PAGE}"]


def test_no_pictures_where_none_are_wanted(tmp_path: Path, service: Mock) -> None:
    """`--no-plot` leaves out the page and the charts of rates."""
    load = ("--output-len", 4, "--num-prompts", 4, "--rate", "100/s")
    ended = perf(tmp_path, "--url", service.url, *load, "--no-plot", page=True)
    assert ended.code == 0
    assert pictures(ended) == []
