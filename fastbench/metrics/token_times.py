"""The token times of a recording, some requests at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.selection import Mask, Selection
from fastbench.recording.format import FLAGS
from fastbench.recording.reader import Recording
from fastbench.recording.table import TokenRun
from fastbench.units import NS_PER_US

EVENTS_AT_ONCE = 1 << 18


class TokenTimes(NamedTuple):
    """The output events of some requests, one after the other.

    requests: (n,), which. offsets: (n + 1,), where each one's events begin. token_ns: (events,), ns of
    CLOCK_MONOTONIC. gaps_us: (events,), µs since the event before, 0 for a first one. tokens: (events,), how many an
    event held, 0 where the service did not say.
    """

    requests: NDArray[np.int64]
    offsets: NDArray[np.int64]
    token_ns: NDArray[np.int64]
    gaps_us: NDArray[np.int64]
    tokens: NDArray[np.uint16]


def token_times(recording: Recording, mask: Mask | None = None) -> Iterator[TokenTimes]:
    """Of the measured requests that had output, in the order in which they finished. mask: (rows,), of these alone."""
    chosen = Selection(recording).final_mask & (recording.rows["events"] > 0)
    if mask is not None:
        chosen &= mask
    return (_times(recording, run) for part in _parted(recording, chosen) for run in recording.token_runs(part))


def _parted(recording: Recording, chosen: Mask) -> Iterator[Mask]:
    """The rows of a mask in parts of about `EVENTS_AT_ONCE` events."""
    part = np.cumsum(np.where(chosen, recording.rows["events"], 0), dtype=np.int64) // EVENTS_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), chosen.size]
    for first, stop in pairwise(edges):
        here = np.zeros(chosen.size, bool)
        here[first:stop] = chosen[first:stop]
        if here.any():
            yield here


def _times(recording: Recording, run: TokenRun) -> TokenTimes:
    rows = recording.rows[run.first_row : run.stop_row]
    events = rows["events"].astype(np.int64)
    offsets = np.concatenate(([0], np.cumsum(events)))
    between = np.ones(int(offsets[-1]), bool)
    between[offsets[:-1]] = False
    all_gaps = np.zeros(between.size, np.int64)
    all_gaps[between] = run.gaps_us()
    elapsed = np.cumsum(all_gaps)
    origin = rows["first_token_ns"] - elapsed[offsets[:-1]] * NS_PER_US
    tokens = np.zeros(between.size, np.uint16)
    tokens[np.repeat(rows["flags"] & FLAGS["event_tokens"] != 0, events)] = run.event_tokens
    return TokenTimes(rows["request"], offsets, elapsed * NS_PER_US + np.repeat(origin, events), all_gaps, tokens)
