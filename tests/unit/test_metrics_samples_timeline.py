"""The number in flight over time, against a count moment by moment."""

import numpy as np
import pytest

from fastbench.metrics.samples.timeline import InFlight

HOUR = 3600 * 10**9


def test_means_are_those_of_a_count() -> None:
    """Between any two edges the mean is what each request's part of the stretch adds up to."""
    random = np.random.default_rng(1)
    starts = np.sort(random.integers(0, 1000, 50))
    ends = starts + random.integers(1, 300, 50)
    edges = np.array([-10, 0, 333, 334, 700, 2000])
    overlap = np.minimum(ends, edges[1:, None]) - np.maximum(starts, edges[:-1, None])
    expected = np.maximum(overlap, 0).sum(axis=1) / np.diff(edges)
    assert InFlight(starts, np.sort(ends)).means(edges) == pytest.approx(expected, rel=1e-12)


def test_a_day_of_requests() -> None:
    """A day of many requests, long after the clock began, is counted as exactly as a minute of a few."""
    starts = 2000 * HOUR + np.linspace(0, 24 * HOUR, 1_000_000).astype(np.int64)
    flight = InFlight(starts, starts + 36 * 10**9)
    begin, end = 2001 * HOUR, 2023 * HOUR
    assert flight.mean(begin, end) == pytest.approx(1_000_000 * 36 / (24 * 3600), rel=1e-5)
