"""When the slots of a closed loop open and close."""

import numpy as np

from fastbench.plan.shapes.slots import SLOT_STEP, Level, at_once, stepped

S = 10**9


def present(slots: tuple[np.ndarray, np.ndarray], moment: int) -> int:
    """Slots that are open at a moment."""
    openings, closings = slots
    return int((openings <= moment).sum() - (closings <= moment).sum())


def test_at_once() -> None:
    """All slots open at the start, one step after the other, and none closes."""
    openings, closings = at_once(3)
    assert openings.tolist() == [0, SLOT_STEP, 2 * SLOT_STEP]
    assert closings.size == 0


def test_each_level_has_its_slots_for_its_time() -> None:
    """Up, down to nothing and up again: at each level's end its number of slots is open."""
    slots = stepped([Level(4, S), Level(2, S), Level(0, S), Level(7, S)])
    assert [present(slots, k * S + S // 2) for k in range(4)] == [4, 2, 0, 7]
    assert np.all(np.diff(slots.openings) >= 0)
    assert np.all(np.diff(slots.closings) >= 0)


def test_a_level_that_stays_changes_nothing() -> None:
    """Two levels of one number are one level."""
    twice, once = stepped([Level(3, S), Level(3, S)]), stepped([Level(3, 2 * S)])
    assert all(np.array_equal(a, b) for a, b in zip(twice, once, strict=True))
