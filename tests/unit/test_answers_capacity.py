"""The parts of a capacity search (posterior, curve, evidence), and its decisions by tables of what was seen."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastbench.answers.capacity import (
    Answer,
    Levels,
    Measured,
    Posterior,
    Purpose,
    Search,
    Seen,
    Settings,
    Step,
    Told,
    falling_fit,
    knee,
    rising_fit,
)
from fastbench.answers.capacity.bracket import MOST_LOG_ODDS, grid

S = 1_000_000_000
SURE = MOST_LOG_ODDS


def seen(
    share: float | tuple[float, ...], requests: int = 500, blocks: int = 10, rate: float = 10.0, **more: object
) -> Seen:
    """A visit in which this share of the requests of each block was good."""
    shares = share if isinstance(share, tuple) else (share,)
    each = np.full(blocks, requests / blocks)
    # Not all alike, so that a throughput has an error.
    ended = rate * (1 + 0.01 * np.resize([-1, 1], blocks))
    good = np.array([each * one for one in shares])
    return Seen(each, good, ended, 1.0 * S, int(70 * S), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("whole", [True, False])
def test_the_grid(whole: bool) -> None:
    """Levels rise by half of the tolerance at most, from the lowest to the highest, with those that must be there."""
    levels = grid(1, 100, 0.05, whole=whole, more=(7.0, 64.0))
    assert (levels[0], levels[-1]) == (1, 100)
    assert {7.0, 64.0} <= set(levels.tolist())
    assert all(after <= before * 1.026 + whole for before, after in pairwise(levels.tolist()))


def surely(*odds: tuple[float, float], top: int = 64) -> Posterior:
    """Of levels of which each tells on which side the answer lies, by log odds, and no more."""
    return Posterior(np.arange(1.0, top + 1), [Told(level, 0, 0, one, SURE) for level, one in odds], 0.95, whole=True)


def counted(share: float, *shares: tuple[float, float], count: float = 400) -> Posterior:
    """Of levels at which such a share of so many requests, that do not depend on each other, was good."""
    told = [Told(level, count * good, count * (1 - good), 0.0, SURE) for level, good in shares]
    return Posterior(np.arange(1.0, 65), told, share, whole=True)


def test_a_posterior_halves() -> None:
    """One level that is sure to 98 % moves all but 2 % of the two sides' odds to one of them."""
    before, after = surely(top=100), surely((50.0, SURE), top=100)
    assert before.meets()[49] == pytest.approx(51 / 101)
    assert after.meets()[49] == pytest.approx(51 * 49 / (51 * 49 + 50))
    assert surely((50.0, -SURE), top=100).bracket().middle < 50


def test_the_bracket_of_a_cliff() -> None:
    """Where 40 surely meets and 41 surely fails, the answer is 40 alone."""
    found = surely((32, SURE), (39, SURE), (40, 2 * SURE), (41, -2 * SURE), (64, -SURE)).bracket()
    assert (found.low, found.middle, found.high, found.open) == (40, 40, 40, False)
    assert found.is_narrow(0.05, whole=True)


def test_one_unlucky_level_is_undone() -> None:
    """A level that failed by chance is outvoted by two above it that met."""
    assert 32 <= surely((20, -SURE), (30, SURE), (32, SURE), (40, -SURE), (41, -SURE)).bracket().middle < 40


def test_no_level_meets() -> None:
    """Where the lowest level surely fails the answer is 0."""
    found = surely((1, -3 * SURE), top=4).bracket()
    assert (found.low, found.high, found.open) == (0, 0, False)


def test_the_highest_level_meets() -> None:
    """Where the highest level meets the bracket is open."""
    assert surely((64, 2 * SURE)).bracket().open


@pytest.mark.parametrize("share", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("steepness", [12.0, 25.0])
def test_a_share_tells_how_far_the_answer_is(share: float, steepness: float) -> None:
    """Of shares that fall as a logistic curve, at levels of which none is the answer, the answer is the curve's."""

    def good(level: float) -> float:
        return 1 / (1 + (1 - share) / share * (level / 40.5) ** steepness)

    found = counted(share, *((level, good(level)) for level in (38.0, 39.0, 42.0, 43.0)), count=4_000).bracket()
    assert found.middle in (40, 41)
    assert found.high - found.low <= 4


def test_levels_far_above_say_no_more_than_that_they_fail() -> None:
    """A cliff, whose share is no logistic curve, leaves the answer at its edge, however low the share is above it."""
    for beyond in (0.6, 0.3, 0.05):
        found = counted(0.95, (32.0, 1.0), (36.0, 1.0), (38.0, beyond), (64.0, 0.0)).bracket()
        assert 36 <= found.middle <= 37
    assert counted(0.95, (38.0, 0.6)).mass == pytest.approx(counted(0.95, (38.0, 0.1)).mass)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 100)), min_size=1, max_size=30))
def test_an_isotonic_fit(points: list[tuple[float, float]]) -> None:
    """It never rises, keeps the weighted mean, and no step of it can be moved to bring it nearer."""
    values, weights = (np.array(column) for column in zip(*points, strict=True))
    fit = falling_fit(values, weights)
    assert np.all(np.diff(fit) <= 1e-12)
    assert float(fit @ weights) == pytest.approx(float(values @ weights))
    # The sums of what is left over, from the first on, never leave the side that the order forbids (Robertson et al.).
    assert np.all(np.cumsum(weights * (values - fit)) <= 1e-7)
    assert np.allclose(rising_fit(-values, weights), -fit)


def curve(*points: tuple[float, float], error: float = 0.01) -> list[Measured]:
    return [Measured(level, value, value * (1 - error), value * (1 + error)) for level, value in points]


def test_the_knee() -> None:
    """It is the least level that may reach 95 % of the plateau, and the level below surely does not."""
    found = knee(curve((1, 10), (2, 20), (4, 38), (8, 60), (16, 64), (32, 65)), 0.05)
    assert found is not None
    assert (found.level, found.below, found.flat) == (16, 8, True)
    assert found.plateau == pytest.approx(65, rel=0.01)


def test_there_is_no_plateau_yet() -> None:
    """A throughput that still rises has none."""
    found = knee(curve((1, 10), (2, 20), (4, 40)), 0.05)
    assert found is not None
    assert not found.flat
    assert knee([], 0.05) is None


def test_clusters_count_less() -> None:
    """Failures that come together are less evidence than the same number spread out."""
    levels = Levels((0.95,))
    even, bunched = np.full((1, 40), 23.0), np.full((1, 40), 25.0)
    bunched[0, 20:24] = 5
    assert even.sum() == bunched.sum()
    spread, together = (Seen(np.full(40, 25.0), good, np.ones(40), S, 60 * S) for good in (even, bunched))
    assert levels.deff(0, [together]) > 3 * levels.deff(0, [spread])
    assert levels.evidence(0, [together]).effective < levels.evidence(0, [spread]).effective / 3


def test_a_level_without_failures_learns_from_others() -> None:
    """Where no request failed nobody sees how failures would cluster: what other levels show is taken."""
    alone, among = Levels((0.99,)), Levels((0.99,))
    good = np.full((1, 60), 25.0)
    good[0, 20:23] = 0
    among.add(40, Purpose.BISECT, Seen(np.full(60, 25.0), good, np.ones(60), S, 60 * S))
    assert among.deff(0, [seen(1.0)]) > 1.5 * alone.deff(0, [seen(1.0)])


def test_evidence_is_bounded() -> None:
    """However much was seen, one visit moves the odds by 49 to 1 at most, two by their square."""
    levels = Levels((0.9,))
    levels.add(10, Purpose.BISECT, seen(1.0, 50_000))
    assert levels.log_odds(0, levels.visits(10)) == pytest.approx(SURE)
    levels.add(10, Purpose.BISECT, seen(1.0, 50_000))
    assert levels.log_odds(0, levels.visits(10)) == pytest.approx(2 * SURE)


class Searched:
    """What came of a search."""

    def __init__(self, answer: Answer, steps: list[Step]) -> None:
        self.answer, self.steps = answer, steps

    def of(self, purpose: Purpose) -> list[float]:
        return [step.level for step in self.steps if step.purpose is purpose]


def run(
    settings: Settings, world: dict[str, object] | None = None, truth: float = 40, most_steps: int = 60
) -> Searched:
    """A search on a service without noise: all requests are good up to the truth, a fifth above."""
    search, steps, spent = Search(settings), [], 0
    while search.step is not None and len(steps) < most_steps:
        step = search.step
        steps.append(step)
        share = 1.0 if step.level <= truth else 0.2
        rate = step.level / (1 + step.level / 100)
        more = dict(world or {})
        result = seen((share,) * len(settings.shares), int(50 * max(10, step.level)), 20, rate, **more)
        spent += result.measured_ns
        assert search.feed(result, spent), f"a service without noise is decided at once: {step}"
    return Searched(search.answer(), steps)


def test_the_ways_of_a_search() -> None:
    """It climbs by doubling until a level fails, bisects, confirms, verifies at a rate, and measures a level again."""
    found = run(Settings())
    assert found.of(Purpose.LADDER) == [1, 2, 4, 8, 16, 32, 64]
    assert found.of(Purpose.CONFIRM) == [40]
    assert len(found.of(Purpose.BISECT)) <= 8
    (open_loop,) = [step for step in found.steps if step.purpose is Purpose.OPEN]
    assert open_loop.rate == pytest.approx(0.95 * 40 / 1.4, rel=0.01)
    assert len(found.of(Purpose.AGAIN)) == 1
    (one,) = found.answer.found
    assert (one.level, one.confirmed) == (40, True)
    assert one.bracket is not None
    assert one.bracket.low <= 40 <= one.bracket.high <= 42
    assert found.answer.open is not None
    assert found.answer.open.rate == open_loop.rate
    assert found.answer.open.share(0) == 1
    assert (found.answer.limit, found.answer.stopped, found.answer.drift) == ("", "", None)


@given(
    st.integers(0, 400), st.sampled_from([30, 100, 1_000, 10_000]), st.sampled_from([0.02, 0.05, 0.2]), st.booleans()
)
def test_every_search_ends(truth: int, most: int, tolerance: float, whole: bool) -> None:
    """Without noise each search ends after some 30 levels, none above the highest allowed, and holds the truth."""
    found = run(Settings(most=most, tolerance=tolerance, whole=whole), truth=truth)
    assert len(found.steps) <= 30
    assert max(step.level for step in found.steps) <= most
    (one,) = found.answer.found
    assert one.bracket is not None
    assert one.bracket.low <= truth
    assert one.bracket.open or truth <= one.bracket.high + (not whole)
    assert one.level <= truth


def test_more_bisections_narrow_it() -> None:
    """A budget that allows more levels gives a narrower bracket."""
    narrow, wide = (run(Settings(bisections=count, open_loop=False), truth=700) for count in (20, 2))
    widths = [one.answer.found[0].bracket for one in (narrow, wide)]
    assert widths[0] is not None
    assert widths[1] is not None
    assert widths[0].high / widths[0].low < widths[1].high / widths[1].low


def test_a_clear_level_is_left_by_fours() -> None:
    """Where all stays far below the limits the ladder climbs four times as high."""
    assert run(Settings(most=64), {"clear": True}).of(Purpose.LADDER) == [1, 4, 16, 64]


def test_no_load_can_meet_it() -> None:
    """A service that fails with one user has the answer 0, after one level."""
    found = run(Settings(), truth=0)
    assert len(found.steps) == 1
    (one,) = found.answer.found
    assert one.level == 0


def test_every_level_meets_it() -> None:
    """Where the highest level allowed meets, it is confirmed, and the answer is open above."""
    found = run(Settings(most=50), truth=1_000)
    assert found.answer.limit == "most"
    (one,) = found.answer.found
    assert one.level == 50
    assert one.bracket is not None
    assert one.bracket.open


def test_a_plateau_ends_the_ladder() -> None:
    """More users that bring no throughput need not be tried, even if they meet the SLO."""
    search, levels = Search(Settings()), []
    while search.step is not None and search.step.purpose is Purpose.LADDER:
        levels.append(search.step.level)
        search.feed(seen(1.0, 4_000, 20, min(search.step.level, 16.0)), 0)
    assert levels == [1, 2, 4, 8, 16, 32]
    assert search.answer().limit == "plateau"


def test_the_client_is_the_limit() -> None:
    """What a client could not send is no evidence: the answer is the level before, open above."""
    search = Search(Settings(open_loop=False, again=False))
    while search.step is not None:
        level = search.step.level
        search.feed(seen(1.0, 4_000, 20, level, client_limited=level > 20), 0)
    (one,) = search.answer().found
    assert search.answer().limit == "client"
    assert one.level == 16
    assert one.bracket is not None
    assert one.bracket.open


def test_the_client_becomes_the_limit_in_the_bisection() -> None:
    """A level between two others that the client cannot load ends the search above the highest that it could."""
    search = Search(Settings(open_loop=False, again=False, most=64))
    while search.step is not None:
        step = search.step
        limited = step.purpose is not Purpose.LADDER and step.level > 32
        search.feed(seen(1.0 if step.level <= 40 else 0.2, 6_400, 20, step.level, client_limited=limited), 0)
    assert search.answer().limit == "client"
    assert search.answer().found[0].level == 32
    assert {level.level for level in search.answer().levels} == {1, 2, 4, 8, 16, 32, 64}


def test_it_is_not_confirmed() -> None:
    """A confirmation that fails sends the search one step down, once."""
    search, confirmed = Search(Settings(open_loop=False, again=False)), []
    while search.step is not None:
        step = search.step
        good = step.level <= 40 and step.purpose is not Purpose.CONFIRM
        confirmed += [step.level] if step.purpose is Purpose.CONFIRM else []
        search.feed(seen(1.0 if good else 0.2, int(50 * max(10, step.level)), 20, step.level), 0)
    assert len(confirmed) == 2
    assert confirmed[1] < confirmed[0] == 40
    assert search.answer().found[0].confirmed is False


def test_a_queue_is_never_measured() -> None:
    """A level at which a queue grows is left at once, and fails."""
    search = Search(Settings(whole=False, lowest=1.0, open_loop=False))
    search.feed(seen(1.0), 0)
    assert search.feed(seen(1.0, 10, 1, behind=True), 0)
    assert search.step is not None
    assert search.step.purpose is Purpose.BISECT
    assert search.step.level < 2


def test_the_budget() -> None:
    """When only the time of confirmation and open loop is left they begin, and when nothing is left the answer is what
    there is."""
    found = run(Settings(budget_ns=860 * S))
    assert [step.purpose for step in found.steps][-2:] == [Purpose.CONFIRM, Purpose.OPEN]
    assert len(found.steps) <= 13
    (one,) = found.answer.found
    assert one.bracket is not None
    assert one.bracket.low <= 40 <= one.bracket.high
    short = run(Settings(budget_ns=70 * S))
    assert len(short.steps) <= 2


def test_interrupted() -> None:
    """A search that is stopped answers from what it has, and says why."""
    search = Search(Settings())
    search.feed(seen(1.0), 0)
    search.stop("interrupted")
    assert search.step is None
    assert search.answer().stopped == "interrupted"
    assert search.answer().found[0].confirmed is None
    assert not search.feed(seen(1.0), 0)
    assert Search(Settings()).answer().levels == ()


def test_tiers_share_what_is_measured() -> None:
    """Of two SLOs each has an answer of its own, from the same levels."""
    search, steps = Search(Settings(shares=(0.99, 0.95), open_loop=False, again=False)), 0
    while search.step is not None and steps < 60:
        step, steps = search.step, steps + 1
        shares = (1.0 if step.level <= 20 else 0.2, 1.0 if step.level <= 45 else 0.2)
        search.feed(seen(shares, int(100 * max(10, step.level)), 20, step.level), 0)
    strict, loose = search.answer().found
    assert (strict.level, strict.confirmed) == (20, True)
    assert (loose.level, loose.confirmed) == (45, True)
    assert steps < 2 * 20


def test_drift_is_a_note() -> None:
    """A service that has become a fifth slower by the end is said to have drifted."""
    search = Search(Settings(open_loop=False))
    while search.step is not None:
        step = search.step
        slower = 0.8 if step.purpose is Purpose.AGAIN else 1.0
        share = 1.0 if step.level <= 40 else 0.2
        search.feed(seen(share, int(50 * max(10, step.level)), 20, slower * step.level), 0)
    assert search.answer().drift == pytest.approx(-0.2, abs=0.01)


def test_the_knee_without_an_slo() -> None:
    """Without criteria the search finds where the throughput stops to rise."""
    search, steps = Search(Settings(shares=(), open_loop=False, again=False)), []
    while search.step is not None and len(steps) < 40:
        steps.append(search.step.level)
        search.feed(seen((), 4_000, 20, min(search.step.level, 40.0)), 0)
    found = search.answer().knee
    assert found is not None
    assert found.level == pytest.approx(38, abs=2)
    assert found.plateau == pytest.approx(40, rel=0.01)
    assert len(steps) <= 14


def waits(settings: Settings, share: float, block_ns: int = 4 * S, most: int = 500) -> tuple[Search, int]:
    """A search that is told of its level block by block, 20 requests each, until its first step is over; how many
    blocks that took."""
    search, first = Search(settings), Search(settings).step
    for blocks in range(1, most):
        good = np.full((len(settings.shares), blocks), 20 * share)
        told = Seen(np.full(blocks, 20.0), good, np.full(blocks, 5.0), S / 5, blocks * block_ns)
        search.feed(told, blocks * block_ns)
        if search.step != first:
            return search, blocks
    raise AssertionError("it did not end")


def test_that_no_load_meets_takes_as_long_as_an_answer() -> None:
    """Where one user fails, but not by far, all of the budget goes into being sure: nothing is kept for a confirmation
    that cannot come."""
    search, blocks = waits(Settings(shares=(0.95,), budget_ns=60 * S), 0.875)
    assert search.step is None
    assert search.answer().found[0].level == 0
    assert blocks * 4 >= 60 or search.answer().found[0].bracket == (0, 0, 0, False)
    free, longer = waits(Settings(shares=(0.95,)), 0.9)
    assert longer * 80 >= 90
    assert longer * 4 >= 60
    assert free.step is not None or free.answer().found[0].level == 0


def test_low_rungs_are_left_soon() -> None:
    """A level of few users takes long: it is left after 20 good requests, and looked at longer where any is bad."""
    search, blocks = waits(Settings(shares=(0.99,)), 1.0)
    assert (search.step, blocks) == (Step(2, Purpose.LADDER, 0), 1)
    _, blocks = waits(Settings(shares=(0.99,)), 0.95)
    assert blocks > 1


def test_a_plateau_is_looked_at_longer() -> None:
    """Two blocks tell no throughput: where a level seems to bring none it is measured for six, also if all is clear."""
    search = Search(Settings(shares=(0.9,)))
    search.feed(seen(1.0, 4_000, 20, 10.0), 0)
    assert search.step is not None
    assert not search.feed(seen(1.0, 200, 2, 10.0, clear=True), 0)
    assert search.feed(seen(1.0, 600, 6, 10.0, clear=True), 0)
    assert search.answer().limit == "plateau"


def test_the_knee_hurries_up_the_ladder() -> None:
    """Without criteria a rung that brings half as much again is left at once, and measured again if it is the knee."""
    search, blocks = Search(Settings(shares=(), open_loop=False, again=False)), []
    while search.step is not None and len(blocks) < 40:
        rate = min(search.step.level, 8.0)
        for count in (2, 6, 24):
            level = search.step.level
            if search.feed(seen((), 20 * count, count, rate), 0):
                blocks.append((level, count))
                break
    assert [count for level, count in blocks if level in (1, 2, 4)][:3] == [2, 2, 2]
    found = search.answer().knee
    assert found is not None
    assert found.level == pytest.approx(8, abs=1)
    assert sum(count for level, count in blocks if level == found.level) >= 6


def test_a_knee_has_nothing_to_confirm() -> None:
    """Without criteria the whole budget goes into levels."""
    search = Search(Settings(shares=(), budget_ns=100 * S))
    assert search.feed(seen((), 40, 2, 5.0), 10 * S)
    assert not search.feed(seen((), 40, 2, 6.0), 90 * S)
    assert search.feed(seen((), 40, 2, 6.0), 100 * S)


def test_each_slo_has_time_for_its_confirmation() -> None:
    """Of a budget that has no time for two whole confirmations each of two SLOs has its part."""
    search, spent, took = Search(Settings(shares=(0.99, 0.95), budget_ns=100 * S, open_loop=False)), 0, {}
    while search.step is not None and spent < 200:
        step, spent = search.step, spent + 1
        shares = (1.0 if step.level <= 20 else 0.2, 1.0 if step.level <= 45 else 0.2)
        told = seen(shares, 3_000, 20, step.level)
        if step.purpose is Purpose.CONFIRM:
            took[step.level] = took.get(step.level, 0) + 1
            told = replace(told, measured_ns=took[step.level] * S)
        search.feed(told, spent * S)
    assert [found.confirmed for found in search.answer().found] == [True, True]
    assert len(took) == 2
    assert min(took.values()) >= 25


def test_a_confirmation_goes_on_until_it_can_show_the_share() -> None:
    """Of slow replies a minute has too few to show 99 %: the confirmation takes up to four times as long."""
    search = Search(Settings(shares=(0.99,), most=2))
    while search.step is not None and search.step.purpose is not Purpose.CONFIRM:
        search.feed(seen(1.0, 600, 20), 0)
    minute = Seen(np.full(6, 20.0), np.full((1, 6), 20.0), np.full(6, 2.0), S, 60 * S)
    assert not search.feed(minute, 0)
    enough = Seen(np.full(23, 20.0), np.full((1, 23), 20.0), np.full(23, 2.0), S, 230 * S)
    assert search.feed(enough, 0)
    search = Search(Settings(shares=(0.99,), most=2))
    while search.step is not None and search.step.purpose is not Purpose.CONFIRM:
        search.feed(seen(1.0, 600, 20), 0)
    assert search.feed(Seen(np.full(6, 20.0), np.full((1, 6), 20.0), np.full(6, 2.0), S, 240 * S), 0)
