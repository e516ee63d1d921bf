"""What is looked at in the schedule that a load shape makes."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from fastbench.errors import ConfigError
from fastbench.plan.shapes import Begun, LoadShape, LoadSpec, Schedule, Slots, Stretch, at_once, closed_loop, open_loop

S = 10**9


class Odd(LoadShape, frozen=True, kw_only=True):
    """A shape of somebody else's."""

    name: ClassVar[str] = "odd"

    make: Callable[[LoadSpec, int], Any]
    law: Any = None

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        made: Schedule = self.make(spec, count)
        return made

    def rates(self, count: int) -> Any:
        return self.law


def opened(*offsets: float, **fields: Any) -> Callable[[LoadSpec, int], Schedule]:
    """Makes an open loop of these offsets; fields: of the schedule, over its own."""
    dtype = np.int64 if all(isinstance(offset, int) for offset in offsets) else np.float64
    return lambda spec, count: open_loop(spec, np.array(offsets, dtype))._replace(**fields)


def slotted(openings: list[int], closings: list[int], **fields: Any) -> Callable[[LoadSpec, int], Schedule]:
    """Makes a closed loop of these slots."""
    slots = Slots(np.array(openings, np.int64), np.array(closings, np.int64))
    return lambda spec, count: closed_loop(spec, slots, count)._replace(**fields)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda spec, count: None, "gives NoneType as its schedule, not a Schedule"),
        (opened(0, 5, 4), "gives offsets that fall: 5 ns, then 4 ns at place 2"),
        (opened(-1, 5), "gives offsets from -1 to 5 ns, not from 0 to"),
        (opened(0, 2**62 + 1), "gives offsets from 0 to 4611686018427387905 ns"),
        (opened(0, 0.5), "gives offsets that are 1-dimensional of float64, not an array"),
        (opened(0, 1, offsets=np.zeros((2, 2), np.int64)), "gives offsets that are 2-dimensional of int64"),
        (opened(0, 1, offsets=[0, 1]), "gives offsets that are list"),
        (opened(0, 1, total=3), "gives 2 offsets for 3 requests"),
        (opened(0, 1, total=None, duration_ns=S), "gives 2 offsets for None requests"),
        (opened(0, 1, 2, 3, 4), "begins 5 requests of 4, and has no duration for which the data could be used again"),
        (opened(), "begins 0 requests, not a whole number of at least 1"),
        (opened(0, 1, total=np.int64(2)), r"begins (np\.int64\()?2\)? requests, not a whole number"),
        (opened(0, 1, limit=0), "lets 0 requests be in flight, not a whole number from 1 to"),
        (opened(0, 1, duration_ns=0.5), r"lasts 0\.5 ns, not a whole number from 1 to"),
        (slotted([0, 1], [], total=None), "never ends: it says neither how many requests begin nor for how long"),
        (slotted([], []), "opens no slot"),
        (slotted([5, 0], []), "gives openings of slots that fall: 5 ns, then 0 ns at place 1"),
        (slotted([0, 1], [9, 8]), "gives closings of slots that fall"),
        (slotted([0, 10], [5, 6]), "closes slots before it opened them"),
        (slotted([0], [5, 6]), "closes slots before it opened them"),
        (slotted([0, 1], [5, 6]), "closes all its slots, and has no duration that ends it"),
        (slotted([0, 1, 2, 3], [9]), "opens 4 slots at once, and lets 3 requests be in flight"),
    ],
)
def test_a_schedule_that_cannot_be_carried_out(make: Callable[[LoadSpec, int], Any], told: str) -> None:
    """What is wrong with a schedule is a sentence with the shape's name."""
    with pytest.raises(ConfigError, match=rf"^the load shape odd {told}.*; fix its `schedule`$"):
        LoadSpec(shape=Odd(make=make), concurrency=3).schedule(4)


@pytest.mark.parametrize(
    "make",
    [
        opened(0, 0, 5),
        opened(0, 1, 2, 3, 4, duration_ns=S),
        slotted([0, 1, 2, 6], [5]),
        slotted([0, 1], [5, 6], total=None, duration_ns=S),
    ],
)
def test_a_schedule_that_can(make: Callable[[LoadSpec, int], Any]) -> None:
    """Times that are equal, more requests than there are in a duration, and slots that close are all carried out."""
    spec = LoadSpec(shape=Odd(make=make), concurrency=3)
    assert repr(spec.schedule(4)) == repr(make(spec, 4))


def test_what_a_shape_raises_is_told() -> None:
    """An exception of somebody else's code is a sentence with the shape's name."""
    with pytest.raises(
        ConfigError, match=r"^the load shape odd cannot make its schedule \(TypeError: .*; fix the pack"
    ):
        LoadSpec(shape=Odd(make=None), concurrency=3).schedule(4)


@pytest.mark.parametrize(
    ("law", "told"),
    [
        (np.ones(3), r"gives \(3,\) rates for 2 requests, not an array \(2,\)"),
        ([1.0, 1.0], r"gives list rates for 2 requests"),
        (np.array([1.0, 0.0]), "gives rates that are not above 0"),
        (np.array([1.0, np.nan]), "gives rates that are not above 0"),
    ],
)
def test_a_rate_law_that_is_none(law: Any, told: str) -> None:
    """A law has a rate above 0 for each request, or there is none."""
    with pytest.raises(ConfigError, match=rf"^the load shape odd {told}.*; fix its `rates`$"):
        LoadSpec(shape=Odd(make=opened(0, 1), law=law), concurrency=3).schedule(4)


def test_clients_have_a_law_too() -> None:
    """In a closed loop a law is that of the clients."""
    spec = LoadSpec(
        shape=Odd(make=lambda spec, count: closed_loop(spec, at_once(3), count), law=np.ones(3)), concurrency=3
    )
    assert spec.schedule(4).slots is not None


class Telling(LoadShape, frozen=True, kw_only=True):
    """A shape that tells of itself what a test gives it."""

    name: ClassVar[str] = "telling"

    told: dict[str, Any]

    def schedule(self, spec: LoadSpec, count: int) -> Schedule:
        return open_loop(spec, np.arange(count, dtype=np.int64))

    @property
    def burstiness(self) -> Any:
        return self.told.get("burstiness", 0.0)

    @property
    def rate(self) -> Any:
        return self.told.get("rate")

    def headline(self, limit: int | None) -> Any:
        return self.told.get("headline", "told")

    def stages(self, begun: Begun) -> Any:
        return self.told.get("stages", lambda moments: ())(begun.moments_ns)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"burstiness": "x"}, r"cannot tell its law \(its burstiness is 'x', not a number from 0 on\)"),
        ({"burstiness": float("nan")}, r"cannot tell its law \(its burstiness is nan, not a number"),
        ({"rate": "5/s"}, r"cannot tell its law \(its rate is '5/s', not a number above 0 or None\)"),
        ({"headline": None}, r"cannot tell its law \(its `headline` gives None, not text\)"),
        ({"stages": lambda moments: moments["x"]}, r"cannot tell its stages \(IndexError: "),
        ({"stages": lambda moments: [3]}, r"cannot tell its stages \(its `stages` gives int, not a Stretch\)"),
        ({"stages": lambda moments: [Stretch("a", 0.5, 1, None)]}, r"its `stages` gives Stretch.*times ns as int"),  # type: ignore[arg-type]  # what is refused
        ({"stages": lambda moments: [Stretch("a", 0, 1, "5/s")]}, r"its rate must be a number or None\)"),  # type: ignore[arg-type]  # what is refused
        ({"stages": lambda moments: moments.sort() or ()}, "ValueError: .* read-only"),
    ],
)
def test_what_a_shape_tells_of_itself(told: dict[str, Any], words: str) -> None:
    """A law or stages that no report could use are refused before anything is sent."""
    with pytest.raises(ConfigError, match=rf"^the load shape telling .*{words}.*; fix the package or uninstall it$"):
        LoadSpec(shape=Telling(told=told), concurrency=3).schedule(4)
