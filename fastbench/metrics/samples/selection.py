"""Which rows of a recording a number is computed from."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.asked import AskedLoad
from fastbench.metrics.samples.gaps import GapSamples, count, count_groups, first_gaps
from fastbench.recording import FLAGS, OUTCOMES, ProgressCallback, Recording, TokenRun
from fastbench.units import NS_PER_US

OK = OUTCOMES.index("ok")

Rows = NDArray[np.void]
Mask = NDArray[np.bool_]

A = TypeVar("A", bound=NDArray[Any])


class Window(NamedTuple):
    """A stretch of a run, ns; requests that begin inside count whole. method: how it was found, in words.

    closed: whether the very moment of its end is inside. It is where the end is something that happened, such as the
    run's last; it is not where it is a time asked for, so that of neighbouring windows each moment is in one.
    """

    name: str
    begin_ns: int
    end_ns: int
    method: str
    closed: bool = False

    def holds(self, moments_ns: NDArray[np.int64]) -> Mask:
        """Which moments lie inside."""
        before = moments_ns <= self.end_ns if self.closed else moments_ns < self.end_ns
        inside: Mask = (moments_ns >= self.begin_ns) & before
        return inside


class Edges(NamedTuple):
    """(streamed rows,) int64 ns: by how much the first event, the last one and the end may be earlier."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    end: NDArray[np.int64]


class Selection:
    """The rows of one stage. `final`: one row for each measured request that has an outcome.

    All of its arrays are read-only: they are kept, and every number is of them, those of packages' metrics too.
    """

    def __init__(
        self, recording: Recording, window: Window | None = None, *, progress: ProgressCallback | None = None
    ) -> None:
        """window: None = the whole run. progress: of counting the gaps."""
        self.recording = recording
        self.rows = recording.rows
        self.header = recording.header
        self.window = window
        self.class_number: int | None = None
        """The only class whose rows it has; None = it has all."""
        self._stage: Selection | None = None
        self._progress = progress

    @property
    def stage(self) -> Selection:
        """That of all classes together, whose length rates are of."""
        return self._stage or self

    def within(self, window: Window | None) -> Selection:
        """The same recording's rows in another window."""
        if window is None:
            return self
        part = Selection(self.recording, window, progress=self._progress)
        part.asked = self.asked
        return part

    def of_class(self, number: int, window: Window | None) -> Selection:
        """The rows of one class in a window. 0: those without a class."""
        part = Selection(self.recording, window)
        part.asked, part.class_number, part._stage = self.asked, number, self.stage
        return part

    @cached_property
    def final_mask(self) -> Mask:
        """(rows,): measured, not an attempt that was retried, and begun in the window."""
        measured = ~(flagged(self.rows, "warmup") | flagged(self.rows, "superseded"))
        if self.class_number is not None:
            measured &= self.rows["class_number"] == self.class_number
        if self.window is None:
            return frozen(measured)
        # What was never sent belongs where it was meant to be.
        begun = np.where(self.rows["sent_ns"] > 0, self.rows["sent_ns"], self.rows["intended_ns"])
        return frozen(measured & self.window.holds(begun))

    @cached_property
    def ok_mask(self) -> Mask:
        """(rows,): final and successful; these alone enter latency statistics."""
        succeeded: Mask = self.rows["outcome"] == OK
        return frozen(self.final_mask & succeeded)

    @cached_property
    def final(self) -> Rows:
        """The final rows."""
        return frozen(self.rows[self.final_mask])

    @cached_property
    def ok(self) -> Rows:
        """The successful rows."""
        return frozen(self.rows[self.ok_mask])

    @cached_property
    def streamed_mask(self) -> Mask:
        """(rows,): successful, asked for as a stream, and with a first token."""
        return frozen(self.ok_mask & is_streamed(self.rows))

    @cached_property
    def streamed(self) -> Rows:
        """The successful rows that have token times."""
        return frozen(self.rows[self.streamed_mask])

    @cached_property
    def is_stream(self) -> bool:
        """Whether the service was asked for streams, so that there are token times to report."""
        asked = section(self.header, "service").get("stream")
        return asked if isinstance(asked, bool) else bool(np.any(flagged(self.final, "stream")))

    @cached_property
    def failed_attempts(self) -> int:
        """Attempts that were retried."""
        return int(np.count_nonzero(flagged(self.rows, "superseded") & ~flagged(self.rows, "warmup")))

    @cached_property
    def asked(self) -> AskedLoad:
        """The requested load."""
        return AskedLoad.of(section(self.header, "load"))

    @cached_property
    def runs(self) -> list[TokenRun]:
        """The tokens of all successful streams."""
        return list(self.recording.token_runs(self.streamed_mask))

    @property
    def shared(self) -> Selection:
        """That which goes through the gaps for it: of a class the one of all classes.

        Not kept: it would hold itself, and with it the recording's file, until garbage is collected."""
        return self.stage if self.stage.window is self.window else self

    @cached_property
    def gaps(self) -> GapSamples:
        """Their gaps, µs. Counting them takes long. RecordingError where the recording is inconsistent."""
        if self.shared is not self and self.class_number is not None:
            return self.shared._by_class[self.class_number]
        if "classes" in self.header:
            return GapSamples.joined(list(self._by_class.values()))
        return count(self.runs, progress=self._progress)

    @cached_property
    def _by_class(self) -> dict[int, GapSamples]:
        """The gaps of each class that has rows: one pass for all of them and the whole."""
        numbers = np.unique(self.final["class_number"])
        group = np.full(self.rows.size, -1, np.int64)
        group[self.streamed_mask] = np.searchsorted(numbers, self.streamed["class_number"])
        counted = count_groups(self.runs, self.rows, group, numbers.size, self._progress)
        return dict(zip(numbers.tolist(), counted, strict=True))

    @cached_property
    def first_gaps_us(self) -> NDArray[np.int64]:
        """(streamed rows,): the first gap of each, µs; 0 of those with a single event."""
        if self.shared is not self:
            of_rows = self.shared.streamed["class_number"] == self.class_number
            return frozen(self.shared.first_gaps_us[of_rows])
        found = np.zeros(self.streamed.size, np.int64)
        gaps = (first_gaps(self.rows[run.first_row : run.stop_row], run) for run in self.runs)
        found[self.streamed["events"] > 1] = np.concatenate([np.empty(0, np.int64), *gaps])
        return frozen(found)

    @cached_property
    def edges(self) -> Edges:
        """How much earlier they may have begun and ended than is recorded."""
        rows, marks = self.streamed, self.recording.all_marks
        # Looked up, not copied: there may be as many marks as a tenth of the gaps.
        stops = np.cumsum(self.rows["marks"], dtype=np.int64)[self.streamed_mask]
        marked = rows["marks"] > 0
        head, tail = marks[(stops - rows["marks"])[marked]], marks[stops[marked] - 1]
        is_last = tail["event"].astype(np.int64) + tail["count"] == rows["events"][marked]
        first, last = np.zeros((2, rows.size), np.int64)
        first[marked] = np.where(head["event"] == 0, head["bound_us"], 0).astype(np.int64) * NS_PER_US
        last[marked] = np.where(is_last, tail["bound_us"], 0).astype(np.int64) * NS_PER_US
        # Where the end came in the last event's read, that read's one stamp may be that of what followed.
        end = np.where(rows["end_ns"] == rows["last_token_ns"], last, 0)
        return Edges(*map(frozen, (first, last, end)))

    def marks(self) -> NDArray[np.void]:
        """(m,) MARK_DTYPE: the marks of all successful streams."""
        return self.recording.all_marks[np.repeat(self.streamed_mask, self.rows["marks"])]


def frozen(array: A) -> A:
    """The array, from now on read-only."""
    array.flags.writeable = False
    return array


def is_streamed(rows: Rows) -> Mask:
    """(rows,): which were asked for as streams and have output, so that there are token times."""
    streamed: Mask = flagged(rows, "stream") & (rows["events"] > 0)
    return streamed


def flagged(rows: Rows, name: str) -> Mask:
    """(rows,): which rows have the flag."""
    mask: Mask = rows["flags"] & FLAGS[name] != 0
    return mask


def section(record: dict[str, object], name: str) -> dict[str, object]:
    """The object under `name` in a header or footer; an empty one when it is not there."""
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def output_tokens(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: output tokens; the number of output events where there is no count."""
    counted = rows["output_tokens"].astype(np.int64)
    return np.where(counted < 0, rows["events"].astype(np.int64), counted)
