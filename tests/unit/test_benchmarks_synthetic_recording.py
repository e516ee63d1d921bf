"""The benchmarks' synthetic recording: what large-scale figures are measured on must be a sound recording."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench_recalc import differences, gap_percentiles_us
from benchmarks.synthetic_recording import STALL_SHARE, make_recording
from fastbench.recording import Recording


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """One of several blocks."""
    directory = tmp_path_factory.mktemp("made") / "synthetic_recording"
    make_recording(directory, 5_000, 500)
    return Recording.open(directory)


def test_it_is_sound(recording: Recording) -> None:
    """It reads without damage, has an end, and its rows agree with the times of their tokens."""
    assert recording.damage == []
    assert recording.footer is not None
    assert recording.rows["request"].tolist() == list(range(5_000))
    assert len(recording.parts[0].table.first_rows) - 1 > 1
    for row in (0, 4_999):
        assert recording.token_ns(row)[-1] == recording.rows["last_token_ns"][row]
    assert 0 < recording.rows["escapes"].sum() < 10 * STALL_SHARE * 5_000 * 500


def test_the_same_seed_gives_the_same(recording: Recording, tmp_path: Path) -> None:
    """A second recording of the same seed has the same gaps, one of another seed does not."""
    for seed, same in ((0, True), (1, False)):
        make_recording(tmp_path / str(seed), 5_000, 500, seed)
        again = Recording.open(tmp_path / str(seed))
        assert np.array_equal(again.gaps_us(7), recording.gaps_us(7)) == same


def test_its_percentiles_are_numpys(recording: Recording) -> None:
    """Calculation and numpy agree to the last bit, in escaped gaps too; so do the comparison's own percentiles."""
    percents = (50, 75, 90, 99, 99.99, 99.995)
    assert differences(recording, percents) == []
    gaps = np.concatenate([recording.gaps_us(row) for row in range(len(recording.rows))])
    assert np.array_equal(gap_percentiles_us(recording, percents), np.percentile(gaps, percents))
