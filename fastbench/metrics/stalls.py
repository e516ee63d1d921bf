"""When the thread that sends and reads stood still, by the recording's health."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.selection import Selection, flagged

Moments = NDArray[np.int64]


class Stalls(NamedTuple):
    """Those of the load, from the first send on. starts, ends: (n,) ns, rising."""

    starts: Moments
    ends: Moments

    @classmethod
    def of(cls, selection: Selection) -> Stalls:
        """Of the whole run."""
        begin = begin_ns(selection)
        found = [stall for record in selection.recording.health for stall in record.get("stalls", ())]
        kept = sorted((int(start), int(start) + int(length)) for start, length in found if start + length > begin)
        starts, ends = np.array(kept, np.int64).reshape(-1, 2).T
        return cls(starts, ends)

    @property
    def lengths_ns(self) -> list[int]:
        """How long each was."""
        lengths: list[int] = (self.ends - self.starts).tolist()
        return lengths

    def within(self, begins: Moments, ends: Moments) -> Moments:
        """(m,): how much of the time between each begin and end was stalled, at most; workers stall side by side."""
        return self._until(ends) - self._until(begins)

    def _until(self, moments: Moments) -> Moments:
        """(m,): stalled time before each moment."""
        if not self.starts.size:
            return np.zeros(moments.size, np.int64)
        whole = np.concatenate(([0], np.cumsum(self.ends - self.starts)))
        begun = np.searchsorted(self.starts, moments, side="right")
        # Of the stall that began last, what lies beyond the moment is still to come.
        beyond = np.maximum(self.ends[np.maximum(begun - 1, 0)] - moments, 0)
        return np.asarray(whole[begun] - np.where(begun > 0, beyond, 0), np.int64)


def begin_ns(selection: Selection) -> int:
    """The first send; while the load was only prepared there was nothing to be late for."""
    sent_ns = selection.rows["sent_ns"][~flagged(selection.rows, "warmup")]
    return int(sent_ns.min(initial=np.iinfo(np.int64).max, where=sent_ns > 0))
