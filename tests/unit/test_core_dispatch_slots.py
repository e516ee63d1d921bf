"""Slots of a closed loop that change while it runs, by a clock that the test holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_core_dispatch_dispatcher import MS, NEVER, T0, Trial

STEP = 20_000
"""Between two slots that open together, ns."""


def trial(present: int, most: int = 10, requests: int = 30, **plan: Any) -> Trial:
    """A loop with so many slots open, and enough requests."""
    made = Trial(limit=most, openings=[0] * present, **plan)
    for request in range(requests):
        made.submit_at(T0 - MS, request)
    return made


def sent_at(made: Trial, now: int) -> list[int]:
    """The requests that go out by `now`, each on a connection."""
    sent = []
    while made.due(now) <= now:
        sent.append(made.send(now))
    return sent


@pytest.mark.parametrize(
    ("present", "wanted"),
    [(1, 1), (1, 4), (4, 1), (4, 10), (10, 1), (3, 5), (5, 3)],
)
def test_as_many_are_in_flight_as_slots_were_asked_for(present: int, wanted: int) -> None:
    """From a change on new slots are used at once, and surplus ones close as their requests end."""
    made = trial(present)
    sent = sent_at(made, T0 + MS)
    assert len(sent) == present
    made.set_slots_at(T0 + 2 * MS, wanted)
    sent += sent_at(made, T0 + 3 * MS)
    assert made.count("in_flight") == max(present, wanted)
    for place, request in enumerate(sent[: present + 2]):
        made.answer(request, T0 + (4 + place) * MS)
        sent += sent_at(made, T0 + (4 + place) * MS)
    assert made.count("in_flight") == wanted


def test_new_slots_open_one_after_the_other() -> None:
    """No client can send from all of them at one instant, so they are due 20 us apart."""
    made = trial(1)
    sent_at(made, T0)
    made.set_slots_at(T0 + MS, 4)
    dues = []
    for _ in range(3):
        dues.append(made.due(T0 + MS) - T0 - MS)
        made.send(T0 + 2 * MS)
    assert dues == [0, STEP, 2 * STEP]
    assert made.due(T0 + 2 * MS) == NEVER


def test_a_surplus_that_is_wanted_again_stays() -> None:
    """Slots that were to close, and had not, are the first of those that are asked for later."""
    made = trial(4)
    sent = sent_at(made, T0 + MS)
    made.set_slots_at(T0 + 2 * MS, 1)
    made.set_slots_at(T0 + 3 * MS, 3)
    assert made.due(T0 + 3 * MS) == NEVER, "four are in flight"
    made.answer(sent[0], T0 + 4 * MS)
    assert made.due(T0 + 4 * MS) == NEVER, "three are in flight, as wanted"
    made.answer(sent[1], T0 + 5 * MS)
    assert made.due(T0 + 5 * MS) == T0 + 5 * MS


def test_free_slots_close_at_once() -> None:
    """A loop without requests has free slots; fewer are wanted, so that the next requests find fewer."""
    made = trial(5, requests=0)
    made.set_slots_at(T0 + MS, 2)
    for request in range(5):
        made.submit_at(T0 + 2 * MS, request)
    # Slots of the plan that had not been used open as planned, and close when they are given back.
    sent = sent_at(made, T0 + 3 * MS)
    for place, request in enumerate(sent):
        made.answer(request, T0 + (4 + place) * MS)
    for request in range(5, 10):
        made.submit_at(T0 + 20 * MS, request)
    assert len(sent_at(made, T0 + 20 * MS)) == 2


def test_requests_of_the_load_before_are_forgotten() -> None:
    """What is not sent and has a smaller number than is asked for is withdrawn; what follows it is not starved."""
    made = trial(1, requests=5)
    sent_at(made, T0 + MS)
    for request in range(100, 104):
        made.submit_at(T0 + 2 * MS, request)
    made.set_slots_at(T0 + 3 * MS, 3, first=100)
    assert made.count("withdrawn") == 4
    assert sent_at(made, T0 + 4 * MS) == [100, 101]
    assert made.count("starved") == 0


def test_what_went_out_before_has_ended() -> None:
    """`known` is the moment at which the oldest request in flight went out, or now."""
    made = trial(3)
    assert made.known_at(T0 + MS) == T0 + MS
    first = made.send(T0 + 2 * MS)
    second = made.send(T0 + 3 * MS)
    assert made.known_at(T0 + 9 * MS) == T0 + 2 * MS
    made.answer(second, T0 + 4 * MS)
    assert made.known_at(T0 + 9 * MS) == T0 + 2 * MS
    made.answer(first, T0 + 5 * MS)
    assert made.known_at(T0 + 9 * MS) == T0 + 9 * MS


def test_a_random_load_keeps_to_its_slots() -> None:
    """Through many changes there are never more in flight than the most of those asked for since the last time that
    surplus ones had closed, and all slots are in use whenever requests are ready."""
    random = np.random.default_rng(7)
    made = trial(3, most=12, requests=4_000)
    flying: list[int] = sent_at(made, T0)
    wanted, now = 3, T0
    for _ in range(1_000):
        now += MS
        if random.random() < 0.2:
            wanted = int(random.integers(1, 13))
            made.set_slots_at(now, wanted)
        for _ in range(int(random.integers(0, len(flying) + 1))):
            made.answer(flying.pop(int(random.integers(len(flying)))), now)
        before = len(flying)
        flying += sent_at(made, now + 12 * STEP)
        assert len(flying) == max(before, wanted)
        assert made.count("in_flight") == len(flying)
