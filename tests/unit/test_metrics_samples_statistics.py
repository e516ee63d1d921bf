"""Percentiles to the last bit, and when there are too few samples for them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import Request, write_blocks

from fastbench._core.counts import GAP_VALUES
from fastbench.metrics import Selection
from fastbench.metrics.samples.gaps import GapSamples, count
from fastbench.metrics.samples.statistics import ArraySamples, percentile, samples_needed, statistic, too_few
from fastbench.recording import ESCAPE, Recording, TokenRun

PERCENTS = st.one_of(st.integers(1, 99), st.sampled_from([0.1, 33.3, 99.9, 99.99]))


def run_of(gaps_us: np.ndarray, base_us: int = 0) -> TokenRun:
    """Gaps in the form in which a recording stores them."""
    outside = (gaps_us < base_us) | (gaps_us >= base_us + ESCAPE)
    stored = np.where(outside, ESCAPE, gaps_us - base_us).astype(np.uint16)
    return TokenRun(0, 1, stored, gaps_us[outside], np.empty(0, np.uint16), base_us)


def gap_samples(gaps_us: list[int]) -> GapSamples:
    """Gaps as a recording stores them."""
    return count([run_of(np.array(gaps_us, np.int64))])


@given(st.lists(st.integers(0, 10**15), min_size=1, max_size=60), PERCENTS)
def test_percentiles_equal_numpy(values: list[int], percent: float) -> None:
    """A percentile of integer ns is bit-equal to numpy's on the same data."""
    assert percentile(ArraySamples(np.array(values)), percent) == np.percentile(values, percent)


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=60), PERCENTS)
def test_percentiles_of_floats_equal_numpy(values: list[float], percent: float) -> None:
    """A percentile of floats is bit-equal to numpy's on the same data."""
    assert percentile(ArraySamples(np.array(values)), percent) == np.percentile(values, percent)


@given(st.lists(st.one_of(st.integers(0, 30), st.integers(65_520, 70_000)), min_size=1), PERCENTS)
def test_gap_percentiles_equal_numpy(gaps: list[int], percent: float) -> None:
    """Counted gaps give bit for bit what numpy gives on the same µs, escaped gaps included."""
    samples = gap_samples(gaps)
    assert percentile(samples, percent) == np.percentile(gaps, percent)
    assert (statistic(samples, "Min"), statistic(samples, "Max")) == (min(gaps), max(gaps))
    assert (samples.size, samples.total) == (len(gaps), sum(gaps))


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 16_384, 98_304, 4_177_920]), st.lists(st.integers(0, 4_300_000), min_size=1)),
        min_size=1,
        max_size=5,
    ),
    PERCENTS,
)
def test_gaps_of_several_bases_equal_numpy(parts: list[tuple[int, list[int]]], percent: float) -> None:
    """Streams whose gaps are stored above different bases are counted together, bit for bit as numpy does it."""
    gaps = [gap for _, part in parts for gap in part]
    samples = count([run_of(np.array(part, np.int64), base) for base, part in parts])
    assert percentile(samples, percent) == np.percentile(gaps, percent)
    assert (statistic(samples, "Min"), statistic(samples, "Max")) == (min(gaps), max(gaps))
    assert (samples.size, samples.total) == (len(gaps), sum(gaps))


def test_gap_percentiles_of_many_equal_numpy() -> None:
    """Three million gaps with stalls, counted by any number of threads, give numpy's percentiles."""
    rng = np.random.default_rng(2)
    gaps = rng.lognormal(np.log(20_000), 0.6, 3_000_000).astype(np.int64)
    parts = [run_of(part) for part in np.array_split(gaps, 7)]
    assert (gaps >= ESCAPE).any()
    percents = (50, 75, 90, 99, 99.9, 99.999)
    expected = np.percentile(gaps, percents).tolist()
    for threads in (1, 2, 5, 20):
        samples = count(parts, threads)
        assert [percentile(samples, percent) for percent in percents] == expected


def test_only_measured_streams_are_counted(tmp_path: Path) -> None:
    """Gaps of warm-up, failed, retried and unstreamed requests are left out, whoever stands beside."""
    kinds = [
        Request(0),
        Request(1, flags=("stream", "warmup")),
        Request(2),
        Request(3),
        Request(4, outcome="truncated"),
        Request(5, flags=("stream", "superseded")),
        Request(6, flags=()),
        Request(7),
    ]
    selection = Selection(Recording.open(write_blocks(tmp_path, kinds[:3], kinds[3:], footer={})))
    runs = selection.runs
    assert [(run.first_row, run.stop_row) for run in runs] == [(0, 1), (2, 3), (3, 4), (7, 8)]
    assert count(runs).size == 8


def test_average_is_exact_beyond_64_bits() -> None:
    """A sum that needs more than 64 bits does not overflow."""
    values = np.full(10, 2**62, np.int64)
    assert statistic(ArraySamples(values), "Average") == 2**62


def test_no_samples_no_statistic() -> None:
    """Without samples each statistic is missing, not 0."""
    empty = GapSamples(np.zeros(GAP_VALUES, np.int64), np.empty(0, np.int64))
    for samples in (empty, ArraySamples(np.empty(0, np.int64))):
        for name in ("Average", "Min", "Max", "Median", "P99"):
            assert statistic(samples, name) is None


@pytest.mark.parametrize(
    ("percent", "needed"), [(50, 7), (90, 44), (95, 90), (99, 459), (99.9, 4603), (10, 44), (1, 459)]
)
def test_samples_needed(percent: float, needed: int) -> None:
    """The number of samples that a percentile needs is that of the metrics' definition."""
    assert samples_needed(percent) == needed


def test_too_few_samples_are_marked() -> None:
    """A percentile is marked below its number of samples and not at it; averages and extremes never are."""
    names = ("Average", "Min", "Max", "Median", "P90", "P99")
    assert too_few(names, 458) == ("P99",)
    assert too_few(names, 459) == ()
    assert too_few(names, 43) == ("P90", "P99")
    assert too_few(names, 0) == ("Median", "P90", "P99")
