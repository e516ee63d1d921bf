"""When a run ends before its plan does."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from recordings import MS
from steady_run import random_values

from fastbench.api.limits import interval_of, judge_for, narrow_enough, too_many_fail
from fastbench.config import build_run
from fastbench.live import Progress, Seen
from fastbench.slo import parse_until

CONFIG = {
    "models": [{"type": "openai_chat", "url": "http://h:8000"}],
    "datasets": [{"type": "synthetic", "input_len": 8, "count": 9}],
}
NOW = Progress("measure", None, None, 0, 0, 0, 0, 0, 0, 0, {})


def ended(ok: int, failed: int) -> Progress:
    return NOW._replace(ok=ok, failed=failed, failures={"timeout": failed} if failed else {})


@pytest.mark.parametrize(
    ("ok", "failed", "sure"),
    [
        (0, 19, False),
        (0, 20, True),
        (95, 5, False),
        (90, 10, False),
        (70, 30, True),
        (9_000, 600, True),
        (9_500, 500, False),
    ],
)
def test_it_must_be_sure(ok: int, failed: int, sure: bool) -> None:
    """A run ends for its failures when at least 20 requests have ended, and no chance explains so many failures."""
    told = too_many_fail(ended(ok, failed), 0.05)
    assert (told is not None) == sure
    if told is not None:
        assert told.startswith(f"{failed:,} of {ok + failed:,} requests failed ({failed:,} timeout)")


def test_chance_ends_hardly_any_run() -> None:
    """Of 200 runs in which just the allowed share fails, looked at after each request, at most 1 % end."""
    random = np.random.default_rng(11)
    runs = random.random((200, 400)) < 0.05
    counts = np.cumsum(runs, axis=1)
    ended_early = sum(
        any(too_many_fail(ended(n + 1 - int(row[n]), int(row[n])), 0.05) for n in range(19, 400, 5)) for row in counts
    )
    assert ended_early <= 2


def seen(count: int, seed: int = 1, every_ms: int = 20) -> Seen:
    """Lognormal values around 50 ms, of requests that take 100 ms."""
    after = np.arange(count) * every_ms * MS
    return Seen.of(after, 50_000 * random_values(count, seed), count * 100 * MS)


def test_it_ends_when_it_is_narrow() -> None:
    """The wider the interval may be the fewer requests it takes; what is asked for is said with what is known."""
    until = parse_until("ttft.p90±10%")
    assert narrow_enough(seen(400), until) is None
    told = narrow_enough(seen(6_000), until)
    assert told is not None
    assert told.startswith("ttft P90 is known well enough: ")
    assert told.endswith("--until ttft.p90±10%)")
    assert narrow_enough(seen(6_000), parse_until("ttft.p90±2%")) is None


def test_it_holds_at_any_moment() -> None:
    """Looked at ten times in the course of each of 60 runs, the interval has the truth at all ten in at least 95 %."""
    truth = 50_000 * float(np.exp(0.5 * 1.2815515655446004))
    held = 0
    for run in range(60):
        looks = [interval_of(seen(count, seed=run), 90) for count in range(300, 3_300, 300)]
        held += all(found is None or found[0] <= truth <= found[2] for found in looks)
    assert held >= 57


def test_too_early_to_tell() -> None:
    """Fewer than six blocks of at least three latencies tell nothing."""
    assert interval_of(seen(100, every_ms=1), 50) is None
    assert interval_of(Seen.of(np.zeros(0, np.int64), np.zeros(0), 0), 50) is None


def test_who_judges() -> None:
    """A task that nothing is asked of has no judge; one that has says whether it went wrong."""
    (task,) = build_run(CONFIG, "test").tasks()
    assert judge_for(task) is None
    judge = judge_for(replace(task, max_failed="5%", until="ttft.p90±10%"))
    assert judge is not None
    failed = judge(ended(0, 50))
    assert failed is not None
    assert failed.is_bad
    known = judge(ended(6_000, 0)._replace(seen=seen(6_000)))
    assert known is not None
    assert not known.is_bad
    assert judge(ended(6_000, 0)) is None
