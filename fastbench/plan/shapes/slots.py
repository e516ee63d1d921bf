"""The slots of a closed loop: when they open, and when they close for good. Pure functions to arrays of ns."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SLOT_STEP = 20_000
"""Slots open this many ns apart, because no client can send from all of them at one instant."""

Offsets = NDArray[np.int64]


class Slots(NamedTuple):
    """openings, closings: rising offsets from the start, one for each slot."""

    openings: Offsets
    closings: Offsets

    @property
    def most(self) -> int:
        """How many are there at one moment, at the most."""
        gone = np.searchsorted(self.closings, self.openings, side="right")
        return int((np.arange(1, len(self.openings) + 1) - gone).max(initial=0))


class Level(NamedTuple):
    """So many slots for so long."""

    concurrency: int
    duration_ns: int


def at_once(concurrency: int) -> Slots:
    """All slots open at the start, and stay."""
    return Slots(np.arange(concurrency, dtype=np.int64) * SLOT_STEP, _none())


def stepped(levels: Sequence[Level]) -> Slots:
    """Slots open and close at each step so that each level has its number for its time."""
    openings, closings = [_none()], [_none()]
    now, present = 0, 0
    for level in levels:
        change = level.concurrency - present
        # All within the level, however short it is: what it opens is open before the next one closes any.
        step = min(SLOT_STEP, level.duration_ns // max(1, abs(change)))
        (openings if change > 0 else closings).append(now + np.arange(abs(change), dtype=np.int64) * step)
        now += level.duration_ns
        present = level.concurrency
    return Slots(np.sort(np.concatenate(openings)), np.sort(np.concatenate(closings)))


def _none() -> Offsets:
    return np.empty(0, dtype=np.int64)
