"""How far the client itself may be wrong: its lag, its stalls, gaps that they blurred, what it can have changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import Hdr
from fastbench.errors import RecordingError
from fastbench.metrics.fidelity.sends import Sends
from fastbench.metrics.model import ClientEffect, ClientError, Load, Parameter, Quantity
from fastbench.metrics.own import ITL, TTFT
from fastbench.metrics.samples.bounds import off_ms
from fastbench.metrics.samples.selection import Selection, flagged
from fastbench.metrics.samples.statistics import ArraySamples, percentile
from fastbench.units import NS_PER_MS, NS_PER_S, NS_PER_US

NOTABLE_SHARE = 0.01
"""A gap's uncertainty is worth a word above this share of the ITL median."""
Moments = NDArray[np.int64]


def client_error(selection: Selection) -> ClientError:
    """The client's error over the whole run, and over the stage's gaps."""
    health = selection.recording.health
    begin = begin_ns(selection)
    stalls_ns = Stalls.of(selection).lengths_ns
    marks = selection.marks()
    # The first event has no gap before it: its stamp is the TTFT's end.
    from_first = marks["event"] == 0
    gaps = np.maximum(marks["count"].astype(np.int64) - from_first, 0)
    notable = marks["bound_us"] > NOTABLE_SHARE * (percentile(selection.gaps, 50) or 0)
    uncertain, notable_gaps = int(gaps.sum()), int(gaps[notable].sum())
    streamed = selection.streamed
    under_load = [record for record in health if int(record.get("t_ns", 0)) > begin]
    real_time_ns = _sum(under_load, "real_time_ns")
    scheduled_ns = real_time_ns + _sum(under_load, "ordinary_ns")
    return ClientError(
        stamps=str(selection.header.get("stamps", "unknown")),
        kernel_stamp_share=_share(int(np.count_nonzero(flagged(streamed, "kernel"))), streamed.size),
        reads=_sum(health, "reads"),
        unstamped_reads=_sum(health, "unstamped_reads"),
        lag=lag(health),
        stalls=len(stalls_ns),
        stall_longest_ms=max(stalls_ns, default=0) / NS_PER_MS,
        stall_total_ms=sum(stalls_ns) / NS_PER_MS,
        starved=int(np.count_nonzero(flagged(selection.final, "starved"))),
        starved_turns=_sum(health, "starved"),
        uncertain_gaps=uncertain,
        uncertain_gap_share=_share(uncertain, selection.gaps.size),
        notable_gaps=notable_gaps,
        notable_gap_share=_share(notable_gaps, selection.gaps.size),
        bound_max_ms=_ms(marks["bound_us"]),
        uncertain_ttfts=int(np.count_nonzero(from_first)),
        ttft_bound_max_ms=_ms(marks["bound_us"][from_first]),
        clipped_requests=int(np.count_nonzero(flagged(streamed, "clipped"))),
        cpu_s=_sum(health, "cpu_ns") / NS_PER_S,
        real_time_share=_share(real_time_ns, scheduled_ns),
        busy_share=_share(_sum(under_load, "cpu_ns"), scheduled_ns),
    )


def lag(health: Iterable[dict[str, Any]]) -> Quantity:
    """From a read's arrival until the client noticed it, over these states."""
    counts = Hdr()
    for record in health:
        try:
            counts.add_sparse(record.get("lag", ()))
        except ValueError as error:
            raise RecordingError(f"the recording's health cannot be read: {error}") from error
    if not counts.total:
        return Quantity("us", 0, dict.fromkeys(("Median", "P99", "Max")))
    values = {"Median": counts.value_at_percentile(50), "P99": counts.value_at_percentile(99), "Max": counts.maximum}
    return Quantity("us", counts.total, {name: value / NS_PER_US for name, value in values.items()})


def _ms(bounds_us: NDArray[np.uint32]) -> float:
    """The greatest bound in ms."""
    return int(bounds_us.max(initial=0)) * NS_PER_US / NS_PER_MS


def _sum(health: list[dict[str, Any]], name: str) -> int:
    return sum(int(record.get(name, 0)) for record in health)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


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


SHOWN = ("Median", "P99")
_ROWS = (TTFT.name, ITL.name)


def client_effect(selection: Selection, load: Load, sent: Sends, latencies: Sequence[Parameter]) -> ClientEffect:
    """What stands beside the verdict, and what it is made of. latencies: rows with the statistics in SHOWN."""
    closed = load.kind == "closed"
    share = _slot_share(sent) if closed else None
    whole = selection.window is None and closed and load.arrival == "concurrency"
    ramp, own_ramp = _ramp(sent) if whole else (None, None)
    lateness = percentile(ArraySamples(sent.late_ns), 99)
    rows = [row for row in latencies if row.name in _ROWS and row.samples]
    return ClientEffect(
        off_ms={row.name: {name: off_ms(row, name) for name in SHOWN} for row in rows},
        bounds={row.name: {name: row.bounds[name] for name in SHOWN} for row in rows if row.bounds},
        load_share=share if closed else _withheld(load),
        slot_share=share,
        ramp_ms=ramp,
        own_ramp_ms=own_ramp,
        first_wave=int(np.count_nonzero(sent.wave)),
        lateness_ms=None if lateness is None else lateness / NS_PER_MS,
    )


def _slot_share(sent: Sends) -> float | None:
    """The part of the slots' time that the client took: none of it before a slot's first request."""
    late, lasted = (int(part_ns[sent.again].sum()) for part_ns in (sent.late_ns, sent.lasted_ns))
    return late / (late + lasted) if late + lasted else None


def _ramp(sent: Sends) -> tuple[float, float] | tuple[None, None]:
    """How long it took until all slots were in flight, and how long it took the client, ms."""
    wave = sent.wave & (sent.sent_ns > 0)
    if not wave.any():
        return None, None
    moments = sent.sent_ns[wave], sent.begun_ns[wave]
    ramp, own = (int(moment.max() - moment.min()) / NS_PER_MS for moment in moments)
    return ramp, own


def _withheld(load: Load) -> float | None:
    """By how much fewer requests a second were sent than asked."""
    if not load.asked_rate or load.sent_rate is None:
        return None
    return max(0.0, 1 - load.sent_rate / load.asked_rate)
