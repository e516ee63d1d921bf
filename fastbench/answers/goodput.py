"""Which requests of a recording are good, which clause broke first, and the goodput."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.statistics import Interval, blocks_of, design_effect, share_interval, time_needed_ns
from fastbench.errors import UsageError
from fastbench.metrics import Rows, Selection, length_ns
from fastbench.metrics.samples import OK, is_streamed, output_tokens
from fastbench.recording import FLAGS, OUTCOMES, TokenRun
from fastbench.registry import METRICS
from fastbench.slo import OF_GAPS, STREAMS_ONLY, Clause, Slo, without_stream
from fastbench.units import NS_PER_S, NS_PER_US

Mask = NDArray[np.bool_]
Moments = NDArray[np.int64]
Integers = NDArray[np.int64]

_P99 = 99.0
NEVER = int(np.iinfo(np.int64).max)


class Requests(Protocol):
    """What clauses are asked about: a `Selection`, or requests of a run that goes on."""

    @property
    def rows(self) -> Rows: ...
    @property
    def final(self) -> Rows: ...
    @property
    def final_mask(self) -> Mask: ...
    @property
    def is_stream(self) -> bool: ...
    @property
    def runs(self) -> list[TokenRun]: ...


class Kept(NamedTuple):
    """Of one clause, for each final request of a selection. kept: (requests,); False for those without success.
    broke_ns: (requests,), the moment at which it was broken; `NEVER` where it was not."""

    kept: Mask
    broke_ns: Moments


def kept(selection: Requests, clause: Clause) -> Kept:
    """Which requests keep a clause. UsageError where it is about a stream's moments and no streams were asked for.

    What a request does not have it cannot break: the time per token of a single one, gaps of a single event.
    """
    fault = None if selection.is_stream else without_stream([clause])
    if fault is not None:
        raise UsageError(fault)
    rows = selection.final
    succeeded = rows["outcome"] == OK
    streamed = succeeded & is_streamed(rows)
    if clause.metric in OF_GAPS:
        broke = _gaps_broke_ns(selection, clause)
    else:
        begun, took = _times(rows, clause.metric)
        late = took >= clause.limit_ns
        moment = rows["end_ns"] if clause.metric == "tpot" else begun + clause.limit_ns
        broke = np.where(late, moment, NEVER)
    wanted = streamed if clause.metric in STREAMS_ONLY else succeeded
    return Kept(wanted & (broke == NEVER), np.where(wanted, broke, NEVER))


def _times(rows: Rows, metric: str) -> tuple[Moments, NDArray[np.float64]]:
    """(requests,) each: from when on a metric counts, and its value, ns; 0 where there is none."""
    sent = rows["sent_ns"]
    intended = np.where(rows["intended_ns"] > 0, rows["intended_ns"], sent)
    if metric == "tpot":
        found = METRICS.get("TPOT").values_of(rows)
        return sent, np.where(found.known, found.values, 0)
    if metric == "ttfa":
        # Without reasoning the first output is the answer's; one that only reasoned never answered.
        reasons = rows["flags"] & FLAGS["reasoning"] != 0
        answered = np.where(reasons, np.where(rows["answer_ns"] > 0, rows["answer_ns"], NEVER), rows["first_token_ns"])
        return sent, (answered - sent).astype(np.float64)
    begin = intended if metric in ("ttft_intended", "response") else sent
    end = rows["first_token_ns"] if metric.startswith("ttft") else rows["end_ns"]
    return begin, (end - begin).astype(np.float64)


def _gaps_broke_ns(selection: Requests, clause: Clause) -> Moments:
    """(final requests,): when the gaps of each broke a clause; `NEVER` where they did not."""
    rows = selection.rows
    broke = np.full(rows.size, NEVER, np.int64)
    limit_us = clause.limit_ns / NS_PER_US
    for run in selection.runs:
        part = rows[run.first_row : run.stop_row]
        counts = np.maximum(part["events"].astype(np.int64) - 1, 0)
        gaps = run.gaps_us()
        long = np.flatnonzero(gaps >= limit_us)
        if not long.size:
            continue
        of = np.repeat(np.arange(counts.size), counts)[long]
        found, first, each = np.unique(of, return_index=True, return_counts=True)
        if clause.metric == "itl_max":
            begins = np.cumsum(counts) - counts
            sums = np.concatenate(([0], np.cumsum(gaps)))
            before_us = sums[long[first]] - sums[begins[found]]
            broke[run.first_row + found] = part["first_token_ns"][found] + before_us * NS_PER_US + clause.limit_ns
            continue
        over = _p99_over(gaps, counts, found, each, limit_us)
        broke[run.first_row + found[over]] = part["end_ns"][found[over]]
    return broke[selection.final_mask]


def _p99_over(gaps: Integers, counts: Integers, found: Integers, each: Integers, limit_us: float) -> Mask:
    """(found,): whether the P99 of a request's own gaps reaches the limit; each: how many of its gaps do.

    The ranks tell it of all but those whose P99 lies between a gap below the limit and one that reaches it.
    """
    size = counts[found]
    place = (size - 1) * (_P99 / 100)
    below = size - each
    over = np.floor(place) >= below
    between = ~over & (np.ceil(place) >= below)
    begins = (np.cumsum(counts) - counts)[found]
    for one in np.flatnonzero(between).tolist():
        own = gaps[begins[one] : begins[one] + size[one]]
        over[one] = np.percentile(own, _P99) >= limit_us
    return np.asarray(over, bool)


class Broken(NamedTuple):
    """Requests that are not good for the same first reason: a clause's text, or the outcome's name."""

    reason: str
    requests: int


@dataclass(frozen=True)
class Goodput:
    """The good requests of a stage.

    requests: that have an outcome; good: of them. interval: of their share, 95 %, None: too short to tell. deff: the
    design effect behind it. per_s: good requests a second; tokens_per_s: of their output. broken: the others by what
    broke first, the most frequent first. met: whether each group's share is reached, None: cannot tell. needed_ns: for
    how long requests should be sent for an interval; None where there is one, or none succeeded.
    """

    slo: Slo
    requests: int
    good: int
    interval: Interval | None
    deff: float | None
    per_s: float | None
    tokens_per_s: float | None
    broken: tuple[Broken, ...]
    met: bool | None
    needed_ns: int | None = None

    @property
    def share(self) -> float | None:
        """Of good requests, of 1; None without requests."""
        return self.good / self.requests if self.requests else None


def good_mask(selection: Requests, clauses: Sequence[Clause]) -> Mask:
    """(final requests,): which keep all of some clauses."""
    good = selection.final["outcome"] == OK
    for clause in clauses:
        good = good & kept(selection, clause).kept
    return np.asarray(good, bool)


def goodput_of(selection: Selection, slo: Slo) -> Goodput:
    """Of a stage. UsageError where a clause does not fit what was measured."""
    rows = selection.final
    found = [kept(selection, clause) for clause in slo.clauses]
    good = np.all([rows["outcome"] == OK, *(one.kept for one in found)], axis=0)
    length_s = length_ns(selection) / NS_PER_S
    requests, tokens = int(np.count_nonzero(good)), int(output_tokens(rows[good]).sum())
    interval, deff = _share_of(rows, good)
    return Goodput(
        slo,
        int(rows.size),
        requests,
        interval,
        deff,
        requests / length_s if length_s else None,
        tokens / length_s if length_s else None,
        _broken(rows, slo, found),
        _is_met(rows, slo, found),
        _needed_ns(rows) if interval is None else None,
    )


def _share_of(rows: Rows, good: Mask) -> tuple[Interval | None, float | None]:
    """The interval of a share and its design effect. What was never sent is put where it was meant to be."""
    if not (rows["outcome"] == OK).any():
        return None, None
    blocks = blocks_of(_begun_ns(rows), good, _mean_e2el_ns(rows))
    if blocks is None:
        return None, None
    deff = design_effect(blocks, good)
    return share_interval(float(np.count_nonzero(good)), rows.size, deff), deff


def _begun_ns(rows: Rows) -> Moments:
    return np.where(rows["sent_ns"] > 0, rows["sent_ns"], rows["intended_ns"])


def _mean_e2el_ns(rows: Rows) -> float:
    return float((rows["end_ns"] - rows["sent_ns"])[rows["outcome"] == OK].mean())


def _needed_ns(rows: Rows) -> int | None:
    return time_needed_ns(_begun_ns(rows), _mean_e2el_ns(rows)) if (rows["outcome"] == OK).any() else None


def _is_met(rows: Rows, slo: Slo, found: Sequence[Kept]) -> bool | None:
    """Whether each group's share is; None where an interval leaves it open, or there is none."""
    answers: list[bool | None] = []
    for share, clauses in slo.groups:
        good = np.all([found[slo.clauses.index(clause)].kept for clause in clauses], axis=0)
        interval, _ = _share_of(rows, good)
        if interval is None or interval.low < share <= interval.high:
            answers.append(None)
        else:
            answers.append(interval.low >= share)
    if False in answers:
        return False
    return None if None in answers else True


def _broken(rows: Rows, slo: Slo, found: Sequence[Kept]) -> tuple[Broken, ...]:
    moments = np.array([one.broke_ns for one in found])
    first = np.argmin(moments, axis=0)
    late = moments.min(axis=0) < NEVER
    reasons = [clause.text for clause in slo.clauses]
    counts = {reason: int(np.count_nonzero(late & (first == place))) for place, reason in enumerate(reasons)}
    failed = rows["outcome"][rows["outcome"] != OK]
    for code, count in zip(*np.unique(failed, return_counts=True), strict=True):
        counts[OUTCOMES[int(code)]] = int(count)
    order = sorted(counts.items(), key=lambda item: -item[1])
    return tuple(Broken(reason, count) for reason, count in order if count)
