"""Why the client had an effect, and what helps: by what the recording has of its stalls, its processor and its plan."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.effect import Sends
from fastbench.metrics.model import ClientError, Load
from fastbench.metrics.selection import Selection
from fastbench.metrics.stalls import Stalls
from fastbench.metrics.timeline import InFlight

STALL_US = 3_500
"""A turn of the reactor that takes longer is recorded as a stall."""
MOST = 0.5
"""A cause is named where it explains so much of an effect."""
BUSY = 0.9
"""From this share of its time on the thread that sends and reads has no room left."""
NEARLY = 0.95
"""Of the limit in flight: workers that share it reach theirs one by one."""

_ROOM = "leave it a processor of its own, or measure from another machine"
_URGENT = "let its thread run as a real-time one (docs/performance.md), or leave it a processor of its own"


class Cause(NamedTuple):
    """What it was, and what helps: clauses without a capital or an end."""

    why: str
    remedy: str


def limit_reached(load: Load) -> Cause:
    """There was no place in flight."""
    most = "" if load.max_concurrency is None else f" of {load.max_concurrency}"
    return Cause(f"the limit{most} in flight was reached", "raise --concurrency or lower --rate")


def of_reading(selection: Selection, client: ClientError) -> Cause:
    """Why events shared a read that they need not have shared."""
    marks = selection.marks()
    blur = marks["count"].astype(np.float64) * marks["bound_us"]
    if client.stalls and blur[marks["bound_us"] > STALL_US].sum() >= MOST * blur.sum():
        return _stalled(client)
    return _slow(client, "read")


def of_sending(sent: Sends, late_ns: NDArray[np.int64], selection: Selection, load: Load, client: ClientError) -> Cause:
    """Why requests went out late. late_ns: (n,), by how much each counts."""
    total = max(1, int(late_ns.sum()))

    def explains(part_ns: NDArray[np.int64]) -> bool:
        return int(part_ns.sum()) >= MOST * total

    if load.kind == "open" and explains(np.where(_at_limit(sent, selection, load), late_ns, 0)):
        return limit_reached(load)
    if client.stalls and explains(np.minimum(late_ns, Stalls.of(selection).within(sent.intended_ns, sent.begun_ns))):
        return _stalled(client)
    if explains(np.where(sent.starved, late_ns, 0)):
        return _starved(client)
    return _slow(client, "sent")


def _at_limit(sent: Sends, selection: Selection, load: Load) -> NDArray[np.bool_]:
    """(n,): which were due when there was no place in flight."""
    if load.max_concurrency is None:
        return np.zeros(sent.intended_ns.size, bool)
    flight = InFlight.of(selection.final)
    begun, ended = (np.searchsorted(moments, sent.intended_ns, side="right") for moments in flight)
    full: NDArray[np.bool_] = begun - ended >= NEARLY * load.max_concurrency
    if selection.final["session"].any():
        # A conversation keeps its place between its turns.
        full |= load.peak_concurrency >= NEARLY * load.max_concurrency
    return full


def _stalled(client: ClientError) -> Cause:
    times = "once" if client.stalls == 1 else f"{client.stalls} times"
    longest = "" if client.stalls == 1 else f", the longest {client.stall_longest_ms:.1f} ms"
    why = f"the client was stopped or had no processor {times}, {client.stall_total_ms:.1f} ms in all{longest}"
    return Cause(why, _processor(client))


def _starved(client: ClientError) -> Cause:
    requests = "1 request was" if client.starved == 1 else f"{client.starved} requests were"
    return Cause(
        f"{requests} not prepared when due",
        "use more --workers, or prompts that are made faster: shorter ones, or finished ones from a --dataset file",
    )


def _slow(client: ClientError, what: str) -> Cause:
    """Neither stalls that are recorded nor preparation: the thread itself was behind."""
    busy = client.busy_share
    if busy is not None and busy >= BUSY:
        return Cause(
            f"the thread that sends and reads was busy for {busy:.0%} of the time",
            "use more --workers, or a lower load",
        )
    why = f"the client's thread did not get a processor in time, and {what} late"
    return Cause(why, _processor(client))


def _processor(client: ClientError) -> str:
    """How it comes to one in time: a priority that it has already is no remedy."""
    share = client.real_time_share
    return _URGENT if share is not None and share < MOST else _ROOM
