"""One visit of a level as it goes on: from the requests that ended to what the search is told. Pure: moments are
arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.capacity.levels import Seen
from fastbench.answers.capacity.steady import backlog_length_ns, begin_ns, falls_behind
from fastbench.answers.statistics import LEAST_IN_BLOCK
from fastbench.units import NS_PER_S

LEAST_ENDED = 10
"""Requests by which the P95 of E2EL is known well enough for the begin of a level."""
LEAST_CLEAR = 50
_CLEAR_SHARE = 0.95
CLIENT_SHARE = 0.05
"""Of the time of slots, that the client may be late to use them: so much less than its level is the load."""
_CLIENT_NS = NS_PER_S
"""In less time one stall of the client would be as much."""
_P95 = 95.0
_BINS = 16
"""Stretches of a P95 of E2EL in which the rate of tokens is looked at."""
_BEHIND_BEGIN = 3
"""Mean E2EL after a rate was set, when answers come."""

Moments = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Looked:
    """What a visit has shown. begin_ns, block_ns: when its requests count, and in blocks of which length. seen: for the
    search. tokens_per_s: output, of the blocks' time."""

    begin_ns: int
    block_ns: int
    seen: Seen
    tokens_per_s: float


class EndedRequests(NamedTuple):
    """Requests that ended, (n,) each; good: (criteria, n). late_ns: from when a slot was free until they were sent;
    failed: without success; clear: a quarter of each limit is kept."""

    sent_ns: Moments
    end_ns: Moments
    late_ns: Moments
    tokens: Moments
    good: Mask
    clear: Mask
    failed: Mask


class Visiting:
    """The requests of one visit, and what they show. criteria: how many.

    A level counts from when its limit is reached, a P95 of E2EL has passed, and the rate of tokens is steady (MSER-5).
    A block is one mean E2EL or the time of 20 requests, and counts when every request that was sent in it has ended.
    """

    def __init__(self, criteria: int, *, is_open: bool = False) -> None:
        self._criteria = criteria
        self._open = is_open
        self.changed_ns: int | None = None
        self.reached_ns: int | None = None
        self.begin_ns: int | None = None
        self.block_ns: int | None = None
        self._parts: list[EndedRequests] = []
        self._backlog: tuple[int, int] | None = None
        # Of the whole load: (moment, output events until then, requests sent until then).
        self._counts: list[tuple[int, int, int]] = []

    def set(self, changed_ns: int) -> None:
        """The moment at which the level was set; what was sent before does not count."""
        self.changed_ns = changed_ns

    def add(self, ended: EndedRequests) -> None:
        """Requests that ended."""
        self._parts.append(ended)

    def note(self, now_ns: int, in_flight: int, users: float, output_events: int, sent: int) -> None:
        """How the load stands: output events, and requests sent, so far."""
        if self.changed_ns is None:
            return
        if self.reached_ns is None and (self._open or in_flight <= users):
            self.reached_ns = now_ns if in_flight else self.changed_ns
        if self._open or self.begin_ns is None:
            self._counts.append((now_ns, output_events, sent))

    def look(self, now_ns: int, known_ns: int) -> Looked | None:
        """What the visit has shown by now; None = nothing that counts. known_ns: all that was sent before has ended."""
        ended = self._all()
        if self.changed_ns is None or self.reached_ns is None or ended is None:
            return None
        if self.begin_ns is None:
            self.begin_ns = self._begin_ns(now_ns)
        if self.begin_ns is None:
            return None
        return self._looked(ended, self.begin_ns, now_ns, min(now_ns, known_ns))

    def p95_e2el_ns(self) -> int | None:
        """Of those that ended since the level was set; None for fewer than 10."""
        ended = self._all()
        if ended is None or self.changed_ns is None:
            return None
        took = (ended.end_ns - ended.sent_ns)[ended.sent_ns >= self.changed_ns]
        return int(np.percentile(took, _P95)) if took.size >= LEAST_ENDED else None

    def _all(self) -> EndedRequests | None:
        """All that ended; None without any."""
        if len(self._parts) > 1:
            self._parts = [
                EndedRequests(*(np.concatenate(columns, axis=-1) for columns in zip(*self._parts, strict=True)))
            ]
        return self._parts[0] if self._parts else None

    def _begin_ns(self, now_ns: int) -> int | None:
        p95 = self.p95_e2el_ns()
        assert self.changed_ns is not None
        assert self.reached_ns is not None
        if p95 is None:
            return None
        if self._open:
            # Of what comes at a rate a queue is looked for: that is no warm-up.
            begin = self.changed_ns + p95
            return begin if now_ns >= begin else None
        moments, events, _ = np.array(self._counts, np.int64).T
        width = max(p95 // _BINS, int(np.median(np.diff(moments))) if moments.size > 1 else 1, 1)
        edges = np.arange(self.changed_ns, int(moments[-1]) + 1, width)
        counts = np.diff(np.interp(edges, moments, events))
        return begin_ns(self.reached_ns, p95, counts, width, self.changed_ns)

    def _looked(self, ended: EndedRequests, begin: int, now: int, known: int) -> Looked | None:
        sent, end = ended.sent_ns, ended.end_ns
        counted = (sent >= begin) & (sent < known)
        number = int(np.count_nonzero(counted))
        if self.block_ns is None:
            if number < LEAST_IN_BLOCK:
                return None
            mean = float((end - sent)[counted].mean())
            self.block_ns = math.ceil(max(mean, LEAST_IN_BLOCK * (known - begin) / number, 1))
        count = max(0, (known - begin) // self.block_ns)
        behind = self._open and self._is_behind(ended, now)
        if not count and not behind:
            return None
        inside = counted & (sent < begin + count * self.block_ns)
        of = (sent[inside] - begin) // self.block_ns
        within = (end >= begin) & (end < begin + count * self.block_ns)
        of_end = (end[within] - begin) // self.block_ns
        seconds = self.block_ns / NS_PER_S
        good = ended.good[:, inside]
        took = (end - sent)[inside]
        seen = Seen(
            np.bincount(of, minlength=count).astype(np.float64),
            np.stack([np.bincount(of[kept], minlength=count) for kept in good]).astype(np.float64)
            if self._criteria
            else np.zeros((0, count)),
            np.bincount(of_end, minlength=count) / seconds,
            float(took.mean()) if took.size else 0.0,
            int(count * self.block_ns),
            clear=self._is_clear(ended, inside),
            behind=behind,
            client_limited=self._is_clients(ended.late_ns[inside], took, count * self.block_ns),
        )
        return Looked(begin, self.block_ns, seen, float(ended.tokens[within].sum()) / (max(1, count) * seconds))

    def _is_clients(self, late_ns: Moments, took_ns: Moments, measured_ns: int) -> bool:
        if self._open or measured_ns < _CLIENT_NS:
            return False
        return bool(late_ns.sum() > CLIENT_SHARE * took_ns.sum() > 0)

    def _is_clear(self, ended: EndedRequests, inside: Mask) -> bool:
        if not self._criteria or np.count_nonzero(inside) < LEAST_CLEAR or ended.failed[inside].any():
            return False
        return bool(ended.good[:, inside].all() and ended.clear[inside].mean() > _CLEAR_SHARE)

    def _is_behind(self, ended: EndedRequests, now: int) -> bool:
        """An open loop's: of all that was sent, ended or not."""
        assert self.changed_ns is not None
        moments, _, counts = np.array(self._counts, np.int64).T
        sent, end = np.repeat(moments[1:], np.maximum(np.diff(counts), 0)), ended.end_ns
        if self._backlog is None:
            if end.size < LEAST_IN_BLOCK:
                return False
            # By the first answers: later ones have waited in the queue that is looked for.
            mean = float((end - ended.sent_ns).mean())
            length = backlog_length_ns(sent.size, max(1, now - self.changed_ns), mean)
            self._backlog = (self.changed_ns + int(_BEHIND_BEGIN * mean), length)
        begin, length = self._backlog
        return falls_behind(sent, end, begin, length, int(max(0, (now - begin) // length)))
