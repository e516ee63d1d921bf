"""One plan shared out: the shares together are the plan, and no two have anything in common."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from data_files import lines_file
from hypothesis import example, given
from hypothesis import strategies as st
from tasks import PROMPTS, plan_of, task_of

from fastbench.config import ProfileStage
from fastbench.config.services import REPEATS
from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.plan.planned import Requests
from fastbench.plan.shapes import NO_LIMIT, LoadSpec, Schedule
from fastbench.plan.shapes.closed import Concurrency, Pressure
from fastbench.plan.shapes.open import Ramp, Trace, of_rate
from fastbench.plan.shapes.profile import Profile
from fastbench.plan.sharing import Share, places, share_of, taken
from fastbench.units import Duration, Rate

S = 10**9
MOST = 64
RATES = tuple(
    ProfileStage(duration=Duration(duration), rate=Rate(rate))
    for rate, duration in ((200.0, S), (0.0, S // 2), (450.0, S))
)


def levels_of(*levels: int, length: int = S) -> Profile:
    return Profile(steps=tuple(ProfileStage(duration=Duration(length), concurrency=level) for level in levels))


LEVELS = (70, 200, 64, 131, 64, 0, 99)
ASKED = {
    "constant": LoadSpec(shape=of_rate(120.0, 0.0), concurrency=70),
    "poisson": LoadSpec(shape=of_rate(120.0, 1.0), concurrency=70, seed=3),
    "gamma": LoadSpec(shape=of_rate(120.0, 0.3), concurrency=70, seed=4),
    "for a time": LoadSpec(shape=of_rate(120.0, 0.0), concurrency=70, duration_ns=3 * S),
    "ramp": LoadSpec(shape=Ramp(start=5.0, end=300.0, strategy="exponential", burstiness=1.0), concurrency=70),
    "trace": LoadSpec(shape=Trace(speed=50.0), concurrency=NO_LIMIT),
    "rates": LoadSpec(shape=Profile(steps=RATES, burstiness=1.0), concurrency=70),
    "levels": LoadSpec(shape=levels_of(*LEVELS), concurrency=70),
    "pressure": LoadSpec(shape=Pressure(opening=of_rate(50.0, 0.0)), concurrency=70, duration_ns=5 * S),
    "closed": LoadSpec(shape=Concurrency(), concurrency=70),
    "closed for a time": LoadSpec(shape=Concurrency(), concurrency=70, duration_ns=S),
}
KINDS = pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)


def shares(of: int) -> list[Share]:
    return [Share(number, of) for number in range(of)]


def largest_remainder(total: int, of: int) -> list[int]:
    """The parts of `total`, as even as can be, the larger ones first."""
    return sorted((total // of + (rest < total % of) for rest in range(of)), reverse=True)


def present(schedule: Schedule, moment: int) -> int:
    """Slots that are there at a moment."""
    assert schedule.slots is not None
    openings, closings = schedule.slots
    return int(np.searchsorted(openings, moment, "right") - np.searchsorted(closings, moment, "right"))


@KINDS
def test_shares_add_up_to_the_plan(asked: LoadSpec) -> None:
    """For 1 to 64 shares of each kind of schedule, offsets, slots, limits and counts together are the plan's own."""
    whole = asked.schedule(333)
    for of in range(1, MOST + 1):
        dealt = [share_of(whole, share) for share in shares(of)]
        assert [part.limit for part in dealt] == largest_remainder(whole.limit, of)
        if whole.total is None:
            assert {part.total for part in dealt} == {None}
        else:
            assert [part.total for part in dealt] == largest_remainder(whole.total, of)
        if whole.offsets is not None:
            assert np.array_equal(np.sort(np.concatenate([part.offsets for part in dealt])), whole.offsets)
        if whole.slots is not None:
            for name in ("openings", "closings"):
                together = np.concatenate([getattr(part.slots, name) for part in dealt])
                assert np.array_equal(np.sort(together), getattr(whole.slots, name))
        same = {part._replace(limit=0, slots=None, offsets=None, total=None) for part in dealt}
        assert same == {whole._replace(limit=0, slots=None, offsets=None, total=None)}


@KINDS
def test_a_place_goes_out_when_the_plan_says(asked: LoadSpec) -> None:
    """Each place of the plan belongs to one share, which sends it at the time that the whole plan has for it."""
    whole = asked.schedule(333)
    count = 200 if whole.total is None else whole.total
    for of in (1, 2, 3, 7, MOST):
        found: list[tuple[int, int]] = []
        for share in shares(of):
            own = itertools.takewhile(lambda place: place < count, places(share, whole.total))
            offsets = share_of(whole, share).offsets
            found += zip(own, itertools.repeat(0) if offsets is None else offsets.tolist(), strict=False)
        times = [0] * count if whole.offsets is None else whole.offsets.tolist()
        assert sorted(found) == list(enumerate(times))


@pytest.mark.parametrize("of", [2, 3, 5, 64])
def test_levels_are_shared_at_each_moment(of: int) -> None:
    """Each level of a profile is parted by largest remainder, so no share ever has more slots than its limit."""
    whole = ASKED["levels"].schedule(333)
    dealt = [share_of(whole, share) for share in shares(of)]
    for stage, level in enumerate(LEVELS):
        now = [present(part, stage * S + S // 2) for part in dealt]
        assert now == largest_remainder(level, of)
        assert all(slots <= part.limit for slots, part in zip(now, dealt, strict=True))


@example(levels=[17, 6, 0], of=1, tight=True)
@given(
    levels=st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any), of=st.integers(1, 12), tight=st.booleans()
)
def test_any_profile_adds_up(levels: list[int], of: int, tight: bool) -> None:
    """Whatever the levels, unless all are 0, and however short: the slots of all shares are the plan's, no more are
    open than the highest level has, and each share opens a slot before it closes one."""
    length = 100_000 if tight else S
    whole = LoadSpec(shape=levels_of(*levels, length=length), concurrency=1).schedule(1)
    assert whole.slots is not None
    assert whole.slots.most == max(levels)
    dealt = [share_of(whole._replace(limit=64), share) for share in shares(of)]
    for name in ("openings", "closings"):
        together = np.concatenate([getattr(part.slots, name) for part in dealt])
        assert np.array_equal(np.sort(together), getattr(whole.slots, name))
    for part in dealt:
        assert part.slots is not None
        openings, closings = part.slots
        assert np.all(openings[: len(closings)] < closings)


def test_more_shares_than_requests_in_flight() -> None:
    """A share that could have nothing in flight is refused."""
    with pytest.raises(ValueError, match="3 in flight cannot be shared among 4"):
        share_of(LoadSpec(shape=Concurrency(), concurrency=3).schedule(9), Share(3, 4))


class _Pieces:
    def __init__(self, total: int) -> None:
        self.left = total
        self.sizes: list[int] = []

    def take(self, most: int) -> range:
        size = min(most, self.left)
        self.sizes.append(size)
        self.left -= size
        return range(self.left, self.left + size)


def test_places_are_taken_until_none_are_left() -> None:
    """A worker takes of a queue to its end, in pieces that become single places while others take too."""
    queue = _Pieces(500)
    assert sorted(itertools.chain.from_iterable(taken(queue, 16, 2))) == list(range(500))
    assert queue.sizes[0] == 16
    assert queue.sizes == sorted(queue.sizes, reverse=True)
    assert queue.sizes[-20:] == [1] * 19 + [0]


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("of", [1, 2, 3, 5, 64])
def test_samples_of_all_shares(of: int, repeats: int) -> None:
    """The numbered samples of all shares together are those of the whole, over several rounds of the data set."""
    plan = plan_of(task_of("http://h:1", generation_kwargs={REPEATS: repeats}))
    source = Requests(plan)
    count = 2 * plan.samples + 5

    def numbered(share: Share) -> Counter[tuple[int, str]]:
        samples = source.numbered(places(share, count), share.of)
        return Counter((number, json.dumps(sample.prompt)) for number, sample in samples)

    assert sum((numbered(share) for share in shares(of)), Counter()) == numbered(Share())
    assert plan.samples == PROMPTS.count * repeats


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("of", [1, 3])
def test_a_plan_that_begins_later(of: int, repeats: int) -> None:
    """A plan that begins with another sample has the same numbers, and goes on behind the last one with prompts that
    were not sent yet."""
    plan = plan_of(task_of("http://h:1", generation_kwargs={REPEATS: repeats}))
    first, count = plan.survey.samples - 2, 2 * plan.samples
    later = Requests(plan.changed(first=first))
    numbered = sorted(
        (number, sample.index) for share in shares(of) for number, sample in later.numbered(places(share, count), of)
    )
    assert numbered == [(place, place // repeats + first) for place in range(count)]


@pytest.mark.parametrize("of", [1, 2, 3, 7])
def test_requests_of_conversations(tmp_path: Path, of: int) -> None:
    """Conversations keep the request numbers of the whole plan whichever worker has them: no number is there twice."""
    rows = [{"question_id": row, "category": "c", "turns": ["q"] * (1 + row % 4)} for row in range(11)]
    plan = plan_of(task_of("http://h:1", MtBenchConfig(abbr="talk", path=lines_file(tmp_path, *rows))))
    source = Requests(plan)
    count = 2 * plan.samples
    numbers: list[int] = []
    for share in shares(of):
        for first, sample in source.numbered(places(share, count), of):
            numbers += range(first, first + (len(sample.turns) or 1))
    assert sorted(numbers) == list(range(2 * plan.requests))
