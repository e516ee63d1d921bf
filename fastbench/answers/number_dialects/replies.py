"""The moments and counts that rules are made of: what a tool would have seen of a recording's successful streams.

Each is one step of a rule; `rules` puts them together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.number_dialects.conventions import Weighted, WithZeros
from fastbench.metrics import Rows, Selection
from fastbench.metrics.samples import ArraySamples, Mask, Samples, output_tokens
from fastbench.recording import FLAGS
from fastbench.units import NS_PER_MS

US_PER_MS = 1_000


class Replies:
    """The successful streams of a selection. chosen: (n,), some of them."""

    def __init__(self, selection: Selection, chosen: Mask | None = None) -> None:
        self.selection = selection
        self._chosen = slice(None) if chosen is None else chosen

    @cached_property
    def rows(self) -> Rows:
        """(m,): theirs."""
        return self.selection.streamed[self._chosen]

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """(m,): output tokens, reasoning among them; the number of output events where nobody counted."""
        return output_tokens(self.rows)

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """(m,): the tokens of all output events together: as many as the service said of each, 1 where it said
        nothing."""
        sums = self.selection.streamed["events"].astype(np.int64)
        told = self.selection.streamed["flags"] & FLAGS["event_tokens"] != 0
        if told.any():
            sums[told] = _told(self.selection)
        return np.asarray(sums[self._chosen], np.int64)

    @cached_property
    def reasoned(self) -> Mask:
        """(m,): which streamed reasoning, and then an answer."""
        reasoned: Mask = (self.rows["flags"] & FLAGS["reasoning"] != 0) & (self.rows["answer_ns"] > 0)
        return reasoned


def _told(selection: Selection) -> NDArray[np.int64]:
    """Of each stream whose events' tokens the service told, their sum."""
    told = selection.rows["flags"] & FLAGS["event_tokens"] != 0
    sums = [np.empty(0, np.int64)]
    for run in selection.recording.token_runs(selection.streamed_mask & told):
        events = selection.rows["events"][run.first_row : run.stop_row].astype(np.int64)
        # An event that is output has one at least, whatever is said of it.
        held = np.maximum(run.event_tokens, 1)
        sums.append(np.add.reduceat(held, np.cumsum(events) - events, dtype=np.int64))
    return np.concatenate(sums)


Moment = Callable[[Replies], NDArray[np.int64]]
"""(m,) ns of CLOCK_MONOTONIC, of each stream."""
Count = Callable[[Replies], NDArray[np.int64]]
"""(m,) tokens, of each stream."""


@dataclass(frozen=True)
class Series:
    """The samples of a number. scale: how many of their unit are a ms."""

    samples: Callable[[Replies], Samples]
    scale: float


def _moment(name: str) -> Moment:
    return lambda replies: np.asarray(replies.rows[name], np.int64)


SENT, FIRST, LAST, END = map(_moment, ("sent_ns", "first_token_ns", "last_token_ns", "end_ns"))


def first_answer(replies: Replies) -> NDArray[np.int64]:
    """The first output event; of a reply that begins with reasoning the first one that is not reasoning alone."""
    return np.where(replies.reasoned, replies.rows["answer_ns"], replies.rows["first_token_ns"])


def all_tokens(replies: Replies) -> NDArray[np.int64]:
    """Output tokens, reasoning among them."""
    return replies.tokens


def answer_tokens(replies: Replies) -> NDArray[np.int64]:
    """Output tokens without those of streamed reasoning, as far as somebody counted those."""
    thought = np.where(replies.reasoned, np.maximum(replies.rows["reasoning_tokens"], 0), 0)
    return np.asarray(replies.tokens - thought, np.int64)


def between(begin: Moment, end: Moment) -> Series:
    """From one moment to another, of each stream."""
    return Series(lambda replies: ArraySamples(end(replies) - begin(replies)), NS_PER_MS)


def of_several_tokens(series: Series) -> Series:
    """Of the streams alone whose events hold more than one token."""
    return Series(lambda replies: series.samples(Replies(replies.selection, replies.held > 1)), series.scale)


def per_token(
    begin: Moment,
    end: Moment,
    count: Count = all_tokens,
    *,
    less: int = 1,
    weighted: bool = False,
    whole_ns: bool = False,
    of_one_token: bool = False,
) -> Series:
    """From one moment to another, shared by the tokens of a stream.

    less: how many of its tokens are not counted. weighted: whether a stream counts as often as it has tokens that are,
    not once. whole_ns: whether its value is rounded. of_one_token: whether a stream without such a token has the value
    0, not none.
    """

    def samples(replies: Replies) -> Samples:
        shared = count(replies) - less
        values = (end(replies) - begin(replies)) / np.maximum(shared, 1)
        values = np.where(shared > 0, np.rint(values) if whole_ns else values, 0.0)
        chosen = shared >= (0 if of_one_token else 1)
        return Weighted(values[chosen], shared[chosen]) if weighted else ArraySamples(values[chosen])

    return Series(samples, NS_PER_MS)


EVENT_GAPS = Series(lambda replies: replies.selection.gaps, US_PER_MS)
"""Every gap between neighbouring output events, however many tokens an event has."""


def _token_gaps(replies: Replies) -> Samples:
    surplus = int(replies.held.sum()) - int(replies.rows["events"].sum(dtype=np.int64))
    return WithZeros(replies.selection.gaps, surplus)


TOKEN_GAPS = Series(_token_gaps, US_PER_MS)
"""Every gap between neighbouring tokens, where all tokens of an event have its moment."""
