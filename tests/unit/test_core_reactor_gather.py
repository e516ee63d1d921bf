"""How long the reactor lets reads gather before it looks again."""

import pytest

from fastbench._core.reactor.gather import Gathering

MS, US = 1_000_000, 1000
PERIOD = 50 * MS
MANY = 2500
"""Reads in a period: 1,000 streams with a token each 20 ms."""


def looked(gap_ns: int = 20 * MS, reads: int = MANY, **seen: int) -> int:
    """How long reads gather after one period of such reads."""
    gathering = Gathering()
    gathering.read(gap_ns, times=reads)
    found: int = gathering.look(PERIOD, **seen)
    return found


@pytest.mark.parametrize("gap_ms", [5, 10, 20, 40])
def test_it_is_below_what_a_verdict_speaks_of(gap_ms: int) -> None:
    """Reads gather for 0.5 to 0.8 % of the median gap, where the verdict speaks of 1 %."""
    assert 0.005 * gap_ms * MS < looked(gap_ms * MS, MANY * 20 // gap_ms) <= gap_ms * MS / 128


def test_it_is_never_long() -> None:
    """However long the gaps are, reads gather for 0.4 ms at most."""
    assert looked(900 * MS) == 400 * US


@pytest.mark.parametrize(
    ("why", "found"),
    {
        "no read": looked(reads=0),
        "a few reads, of which two seldom come together": looked(reads=100),
        "gaps as short as a wake-up": looked(MS),
        "short requests": looked(in_flight=64, ended=640),
    }.items(),
)
def test_it_is_nothing_where_it_does_not_pay(why: str, found: int) -> None:
    """Reads do not gather where that saves nothing, or makes the next send of a closed loop late."""
    assert found == 0, why


def test_the_next_send_is_late_by_a_five_hundredth_of_a_request_at_most() -> None:
    """Of 1,000 in flight, 1,000 ended in a period of 50 ms: requests last 50 ms, and reads gather for 0.1 ms."""
    assert looked(in_flight=1000, ended=1000) == 100 * US


def test_one_close_pair_in_a_thousand_bounds_it() -> None:
    """Where more than one read in a thousand comes 60 us after the one before, reads gather for less."""
    gathering = Gathering()
    gathering.read(20 * MS, times=MANY)
    gathering.read(60 * US, times=4)
    assert 0 < gathering.look(PERIOD) <= 60 * US


def test_a_read_without_a_stamp_ends_it() -> None:
    """A read that the kernel did not stamp ends the gathering at once, and for the next period."""
    gathering = Gathering()
    gathering.read(20 * MS, times=MANY)
    assert gathering.look(PERIOD) > 0
    gathering.read(20 * MS, stamped=False)
    assert gathering.ns == 0
    gathering.read(20 * MS, times=MANY)
    assert gathering.look(PERIOD) == 0


def test_shared_reads_end_it_and_it_comes_back_slowly() -> None:
    """Where events share reads it ends at once, is a quarter afterwards, and needs some dozen periods to come back."""
    gathering = Gathering()
    gathering.read(900 * MS, times=MANY)
    assert gathering.look(PERIOD) == 400 * US
    gathering.read(900 * MS, times=MANY)
    gathering.read(900 * MS, times=2, shared=True)
    assert gathering.ns > 0
    gathering.read(900 * MS, times=1, shared=True)
    assert gathering.ns == 0
    assert gathering.look(PERIOD) == 100 * US
    periods = 0
    while gathering.ns < 400 * US:
        gathering.read(900 * MS, times=MANY)
        gathering.look(PERIOD)
        periods += 1
    assert 8 < periods < 20
