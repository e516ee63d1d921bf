"""Intervals by resampling blocks of time: of gaps' percentiles, means, shares and throughputs."""

from pathlib import Path

import numpy as np
import pytest
from correlated import normal_ar1
from recordings import MS, Request, record

from fastbench.answers.statistics import cut, gap_percentile_intervals, ratio_interval
from fastbench.answers.statistics.bootstrap import (
    LOG_BINS,
    bin_value_us,
    gap_counts,
    interval_of,
    log_bins,
    percentile_replicates,
    ratio_replicates,
    weights,
)
from fastbench.metrics import Selection
from fastbench.recording import Recording

BLOCKS = 30


def test_bins_are_narrow() -> None:
    """A log bin is less than 1 % wide from 200 µs on, and holds the values that it is for."""
    values = np.unique(np.geomspace(200, 4e9, 5_000).astype(np.int64))
    bins = log_bins(values)
    assert bins.max() < LOG_BINS
    lower, upper = (np.array([bin_value_us(place) for place in (bins + more).tolist()]) for more in (0, 1))
    assert np.all(lower <= values * (1 + 1e-9))
    assert np.all(values <= upper * (1 + 1e-9))
    assert np.all(upper / lower < 1.01)


def test_a_replicate_is_a_vector_of_weights() -> None:
    """Each replicate draws as many blocks as there are, and the same seed draws the same ones."""
    drawn = weights(BLOCKS, seed=3, replicates=500)
    assert drawn.shape == (500, BLOCKS)
    assert np.all(drawn.sum(axis=1) == BLOCKS)
    assert drawn.mean() == pytest.approx(1.0)
    assert np.array_equal(drawn, weights(BLOCKS, seed=3, replicates=500))
    assert not np.array_equal(drawn, weights(BLOCKS, seed=4, replicates=500))


def test_weights_times_counts_is_resampling() -> None:
    """The percentile of a replicate is that of the blocks' gaps put together as often as they were drawn."""
    random = np.random.default_rng(5)
    gaps = [random.lognormal(10, 0.3, 500).astype(np.int64) for _ in range(6)]
    counts = np.array([np.bincount(log_bins(one), minlength=LOG_BINS) for one in gaps])
    drawn = weights(6, seed=1, replicates=20)
    for places, weight in zip(percentile_replicates(drawn, counts, 90).tolist(), drawn, strict=True):
        together = np.concatenate([np.repeat(one, int(times)) for one, times in zip(gaps, weight, strict=True)])
        assert bin_value_us(places) == pytest.approx(np.percentile(together, 90), rel=0.01)


def test_means_agree_with_students_t() -> None:
    """For a mean the bootstrap's interval is Student's to a tenth."""
    sums = np.random.default_rng(2).normal(100, 10, BLOCKS)
    sizes = np.full(BLOCKS, 20.0)
    replicates = ratio_replicates(weights(BLOCKS, seed=0), sums, sizes)
    found = interval_of(replicates, float(sums.sum() / sizes.sum()), BLOCKS)
    expected = ratio_interval(sums, sizes)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=0.1)
    assert found.low < sums.sum() / sizes.sum() < found.high


def test_it_holds_the_truth_with_few_blocks() -> None:
    """With eight blocks of values that correlate by 0.8 the 95 % interval of a mean holds it in 91 % of 400."""
    held = []
    for seed, values in enumerate(normal_ar1(400, 800, 0.8, 17)):
        sums = values.reshape(8, 100).sum(axis=1)
        replicates = ratio_replicates(weights(8, seed, 500), sums, np.full(8, 100.0))
        interval = interval_of(replicates, float(values.mean()), 8)
        held.append(interval.low <= 0 <= interval.high)
    assert np.mean(held) >= 0.91


def recording_of(directory: Path, gaps_us: np.ndarray) -> Selection:
    """A request a second, each with a row of gaps."""
    requests = []
    for number, gaps in enumerate(gaps_us):
        sent = (1_000 + 1_000 * number) * MS
        stamps = sent + 100 * MS + np.concatenate(([0], np.cumsum(gaps))) * 1_000
        requests.append(Request(number, sent, tuple(stamps.tolist()), int(stamps[-1])))
    return Selection(Recording.open(record(directory / "run", requests)))


def test_gaps_of_a_recording(tmp_path: Path) -> None:
    """Each gap is counted in the block in which its request was sent, long ones too."""
    gaps = np.full((40, 10), 20_000)
    gaps[25, 3] = 5_000_000
    selection = recording_of(tmp_path, gaps)
    blocks = cut(selection.streamed["sent_ns"], 1_000 * MS, 41_000 * MS, 10_000 * MS)
    counts = gap_counts(selection, blocks)
    assert counts.sum(axis=1).tolist() == [100, 100, 100, 100]
    assert counts[2, log_bins(np.array([5_000_000]))[0]] == 1
    assert counts[:, log_bins(np.array([20_000]))[0]].tolist() == [100, 100, 99, 100]


def test_percentiles_of_gaps(tmp_path: Path) -> None:
    """The interval holds the exact percentile, and is wider where whole requests are slow."""
    random = np.random.default_rng(7)
    widths = []
    for name, slow in (
        ("gaps", random.random((240, 50))),
        ("requests", np.repeat(random.random((240, 1)), 50, axis=1)),
    ):
        gaps = (20_000 * np.exp(0.5 * slow)).astype(np.int64)
        selection = recording_of(tmp_path / name, gaps)
        blocks = cut(selection.streamed["sent_ns"], 1_000 * MS, 241_000 * MS, 20_000 * MS)
        found = gap_percentile_intervals(selection, blocks, (50, 90))
        assert set(found) == {50, 90}
        for percent, interval in found.items():
            assert interval.low < np.percentile(gaps, percent) < interval.high
        widths.append(found[50].high - found[50].low)
    assert widths[1] > 3 * widths[0]
