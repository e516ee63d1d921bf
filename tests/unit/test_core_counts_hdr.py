"""The histogram of the core against the `hdrhistogram` package and against exact percentiles."""

import itertools

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from fastbench._core.counts import GAP_VALUES, Hdr, count_gaps

HOUR_NS = 3_600_000_000_000
LAYOUTS = [(1, HOUR_NS, 3), (1000, HOUR_NS, 2), (1, 10_000_000, 4), (7, 1_000_000, 1), (1, 2, 5)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_is_that_of_hdrhistogram(layout: tuple[int, int, int]) -> None:
    """Powers of two, their neighbours and 2,000 random values have the package's index; so has the length."""
    ours, theirs = Hdr(*layout), HdrHistogram(*layout)
    highest = layout[1]
    powers = [value for k in range(60) for value in ((1 << k) - 1, 1 << k, (1 << k) + 1)]
    drawn = np.random.default_rng(1).integers(0, highest, 2_000, endpoint=True).tolist()
    assert ours.counts.size == theirs.counts_len
    for value in [0, highest, *powers, *drawn]:
        if value <= highest:
            assert ours.index_of(value) == theirs.get_counts_array_index(value), value


def test_index_refuses_values_outside() -> None:
    """A value below 0 or above the highest has no index."""
    for value in (-1, HOUR_NS + 1):
        with pytest.raises(ValueError, match="outside"):
            Hdr().index_of(value)


@pytest.mark.parametrize(
    ("lowest", "highest", "digits"), [(0, 10, 3), (1, 1, 3), (1, 10, 0), (1, 10, 6), (1, 1 << 62, 3)]
)
def test_impossible_layouts_are_refused(lowest: int, highest: int, digits: int) -> None:
    """A layout that cannot count is an error when it is made."""
    with pytest.raises(ValueError, match=r"lowest|digits"):
        Hdr(lowest, highest, digits)


def distributions(size: int) -> dict[str, np.ndarray]:
    """Five shapes of latencies in ns."""
    rng = np.random.default_rng(7)
    return {
        "lognormal": rng.lognormal(np.log(20e6), 0.5, size).astype(np.int64),
        "uniform": rng.integers(1_000, 100_000_000, size),
        "exponential": rng.exponential(5e6, size).astype(np.int64),
        "two modes": np.concatenate([rng.normal(2e6, 1e5, size // 2), rng.normal(9e8, 1e7, size - size // 2)]).astype(
            np.int64
        ),
        "heavy tail": np.minimum((rng.pareto(1.2, size) + 1) * 1e6, HOUR_NS).astype(np.int64),
    }


@pytest.mark.parametrize("name", list(distributions(10)))
def test_percentiles_are_within_a_thousandth(name: str) -> None:
    """Percentiles of 10⁶ values are at most 0.1 % above the exact order statistic, and never below it."""
    values = distributions(1_000_000)[name]
    histogram = Hdr()
    histogram.record_values(values)
    ordered = np.sort(values)
    for percent in (1, 25, 50, 75, 90, 99, 99.9, 99.99, 100):
        exact = ordered[max(1, int(percent * values.size / 100 + 0.5)) - 1]
        assert exact <= histogram.value_at_percentile(percent) <= exact * 1.001 + 1
    assert (histogram.minimum, histogram.maximum) == (ordered[0], ordered[-1])
    assert histogram.clipped == 0


def test_percentiles_equal_the_package() -> None:
    """Every percentile is the package's own on the same values."""
    values = distributions(3_000)["lognormal"]
    ours, theirs = Hdr(), HdrHistogram(1, HOUR_NS, 3)
    ours.record_values(values)
    for value in values.tolist():
        theirs.record_value(value)
    for percent in (0, 0.1, 33, 50, 99, 99.9, 100):
        assert ours.value_at_percentile(percent) == theirs.get_value_at_percentile(percent)


def test_merging_in_any_order_gives_the_same() -> None:
    """Three histograms merged in each of six orders have equal counts, extremes and totals."""
    parts = []
    for values in list(distributions(5_000).values())[:3]:
        part = Hdr()
        part.record_values(values)
        parts.append(part)
    merged = []
    for order in itertools.permutations(parts):
        total = Hdr()
        for part in order:
            total.add(part)
        merged.append(total)
    for other in merged[1:]:
        assert np.array_equal(merged[0].counts, other.counts)
        assert (merged[0].total, merged[0].minimum, merged[0].maximum) == (
            other.total,
            other.minimum,
            other.maximum,
        )


def test_different_layouts_do_not_merge() -> None:
    """Adding a histogram of another layout is refused."""
    with pytest.raises(ValueError, match="layout"):
        Hdr().add(Hdr(digits=2))


def test_clipped_values_are_counted_and_kept() -> None:
    """Values outside the range are counted as clipped and stand at the nearer end."""
    histogram = Hdr(1, 1000, 3)
    histogram.record_values([-5, 1001, 1 << 60, 7])
    assert histogram.clipped == 3
    assert histogram.total == 4
    assert histogram.counts[histogram.index_of(1000)] == 2
    assert histogram.counts[0] == 1


def test_sparse_form_round_trips() -> None:
    """The sparse form gives equal counts and percentiles back, and leaves empty buckets out."""
    first, second = Hdr(), Hdr()
    first.record_values(distributions(10_000)["heavy tail"])
    pairs = first.sparse()
    second.add_sparse(pairs)
    assert np.array_equal(first.counts, second.counts)
    assert first.total == second.total
    assert all(count > 0 for _, count in pairs)
    assert second.minimum <= first.minimum <= first.maximum <= second.maximum


@pytest.mark.parametrize("pair", [[-1, 1], [10**6, 1], [5, -1]])
def test_sparse_entries_outside_the_layout_are_refused(pair: list[int]) -> None:
    """An index beyond the layout or a negative count is refused, not written."""
    with pytest.raises(ValueError, match="no entry"):
        Hdr().add_sparse([pair])


def test_package_reads_what_we_hand_over() -> None:
    """The package's histogram has our totals, and survives its own encoding."""
    histogram = Hdr()
    histogram.record_values(distributions(10_000)["lognormal"])
    theirs = HdrHistogram.decode(histogram.to_hdrh().encode())
    assert theirs.get_total_count() == histogram.total
    assert theirs.get_value_at_percentile(99) == histogram.value_at_percentile(99)
    assert histogram.to_hdrh().min_value == histogram.minimum


def test_empty_and_cleared_histograms_say_nothing() -> None:
    """Without values every percentile is 0, also after clearing."""
    histogram = Hdr()
    assert histogram.value_at_percentile(50) == 0
    histogram.record_values([5, 6])
    histogram.clear()
    assert (histogram.total, histogram.value_at_percentile(99), histogram.sparse()) == (0, 0, [])
    assert histogram.to_hdrh().get_total_count() == 0


@given(st.lists(st.integers(0, GAP_VALUES - 1), max_size=300), st.sampled_from([1, 60, 700]))
def test_gaps_are_counted_exactly(values: list[int], repeats: int) -> None:
    """The counts are those of numpy's bincount, for few gaps (counted directly) and many (in four tables)."""
    gaps = np.array(values * repeats, np.uint16)
    counts = np.ones(GAP_VALUES, np.int64)
    count_gaps(gaps, counts)
    assert np.array_equal(counts - 1, np.bincount(gaps, minlength=GAP_VALUES))


def test_gap_counts_need_their_full_length() -> None:
    """A table of counts that is too short is refused before anything is written."""
    with pytest.raises(ValueError, match="65,536"):
        count_gaps(np.zeros(4, np.uint16), np.zeros(100, np.int64))


@pytest.mark.parametrize(
    ("gaps", "reason"),
    [
        (np.zeros(4, np.int16), "numbers of 2 bytes is wanted, not of int16"),
        (np.zeros(4, np.uint32), "numbers of 2 bytes is wanted, not of uint32"),
        (np.zeros(4, ">u2"), "numbers of 2 bytes is wanted, not of >u2"),
        (np.zeros(4, [("a", "u1"), ("b", "u1")]), "numbers of 2 bytes is wanted"),
        (np.zeros(8, np.uint16)[::2], "not C-contiguous"),
    ],
)
def test_only_arrays_of_the_right_numbers_are_read(gaps: np.ndarray, reason: str) -> None:
    """Numbers of another size, sign or byte order, and those that do not stand one after the other, are refused."""
    with pytest.raises(ValueError, match=reason):
        count_gaps(gaps, np.zeros(GAP_VALUES, np.int64))


def test_counts_that_cannot_be_written_are_refused() -> None:
    """Arrays that are read-only can be read, and not counted into."""
    gaps, counts = np.zeros(4, np.uint16), np.zeros(GAP_VALUES, np.int64)
    gaps.flags.writeable = False
    count_gaps(gaps, counts)
    assert counts[0] == 4
    counts.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        count_gaps(gaps, counts)
