"""When enough is known of a run: its interval is narrow enough (`--until`), certainly too much fails, or the service is
gone."""

from __future__ import annotations

import math

import numpy as np

from fastbench.answers import Criterion
from fastbench.answers import Judge as RequestJudge
from fastbench.answers.statistics import (
    LEAST_BLOCKS,
    anytime_ranks,
    evidence_of,
    neighbours_agree,
    raw_design_effect,
)
from fastbench.config import Task
from fastbench.live import BIN_BITS, BIN_MASK, BINS_PER_E, Progress, Seen
from fastbench.recording import OUTCOMES
from fastbench.run import Enough, Judge
from fastbench.slo import OF_GAPS, Until, parse_share, parse_slos, parse_until, percent, without_stream
from fastbench.units import NS_PER_S, NS_PER_US, quantity

ALPHA = 0.05
"""Of the interval of `--until`, at all moments together."""
SURE = 0.01
"""How often, at most, a run is ended by `--max-failed` whose share is not above it."""
LEAST_ENDED = 20
"""Requests before a run is ended for its failures: a service that just starts fails the first ones."""
LATENCIES, LEAST_IN_BLOCK = 3, 20
NO_CONNECTION = tuple(OUTCOMES.index(name) for name in ("refused", "reset"))
"""Outcomes of a service that is not there."""
_PATIENCE, _LEAST_PATIENCE_NS = 20, 30 * NS_PER_S


def judge_for(task: Task) -> Judge | None:
    """Who looks at the progress of a task; None where nothing can end it before its plan does."""
    until = parse_until(task.until) if task.until else None
    most = parse_share(task.max_failed) if task.max_failed else None
    if until is None and most is None:
        return None
    last: list[Seen | None] = [None]

    def judge(now: Progress) -> Enough | None:
        if most is not None and (found := too_many_fail(now, most)):
            return Enough(found, is_bad=True)
        if until is None or now.seen is None or now.seen is last[0]:
            return None
        last[0] = now.seen
        told = narrow_enough(now.seen, until)
        return None if told is None else Enough(told)

    return judge


def judging_for(task: Task) -> RequestJudge | None:
    """Who says which requests keep the first SLO of a task while it runs, as the view shows it: without its clauses
    about gaps, which the report alone judges; None where there is none."""
    clauses = parse_slos(task.slo)[0].clauses if task.slo else ()
    told = tuple(clause for clause in clauses if clause.metric not in OF_GAPS)
    stream = bool(task.service.stream)
    if not told or (not stream and without_stream(told)):
        return None
    return RequestJudge((Criterion(0, told[0].share, told),), stream)


def patience_ns(latency_ns: float) -> float:
    """How long a service with requests in flight may answer nothing before it counts as gone. latency_ns: of its
    replies."""
    return max(_LEAST_PATIENCE_NS, _PATIENCE * latency_ns)


def too_many_fail(now: Progress, most: float) -> str | None:
    """Why it is certain that more than a share of the requests fails; None where it is not."""
    ended = now.ok + now.failed
    if ended < LEAST_ENDED or now.failed <= most * ended:
        return None
    if evidence_of(now.ok, ended, 1 - most).decided(SURE) is not False:
        return None
    reasons = ", ".join(f"{count:,} {name}" for name, count in sorted(now.failures.items(), key=lambda one: -one[1]))
    return (
        f"{now.failed:,} of {ended:,} requests failed ({reasons}), certainly more than {percent(most)} % (--max-failed)"
    )


def narrow_enough(seen: Seen, until: Until) -> str | None:
    """What is known well enough, a clause; None where it is not."""
    found = interval_of(seen, until.percent)
    if found is None:
        return None
    low, point, high = found
    if high - low > 2 * until.width * point:
        return None
    return (
        f"{until.metric} P{until.percent:.10g} is known well enough: {quantity(point * NS_PER_US)} "
        f"(95 %: {quantity(low * NS_PER_US)}\N{EN DASH}{quantity(high * NS_PER_US)}; --until {until.words()})"
    )


def interval_of(seen: Seen, percentile: float) -> tuple[float, float, float] | None:
    """(low, point, high) of a percentile, µs, that holds at any moment one looks; None: too early to tell."""
    total = int(seen.counts.sum())
    bins, inverse = np.unique(seen.keys & BIN_MASK, return_inverse=True)
    ranks = np.cumsum(np.bincount(inverse, seen.counts))
    if not total:
        return None
    middle = int(np.searchsorted(ranks, math.ceil(total * percentile / 100)))
    deff = design_effect_of(seen, int(bins[middle]), total)
    places = None if deff is None else anytime_ranks(total, percentile, deff, ALPHA)
    if places is None:
        return None
    low, high = (int(bins[np.searchsorted(ranks, place)]) for place in places)
    return _value(low - 0.5), _value(int(bins[middle])), _value(high + 0.5)


def design_effect_of(seen: Seen, point: int, total: int) -> float | None:
    """Of the share of values up to a bin, by blocks as those of a report: three mean E2EL and 20 requests long, longer
    until neighbours do not depend on each other; None: fewer than six."""
    length = seen.block_ns
    # The last stretch of time is not over.
    last = int(seen.keys[-1] >> BIN_BITS)
    least = LATENCIES * seen.took_ns / total
    while last * seen.block_ns // length >= LEAST_BLOCKS:
        whole = last * seen.block_ns // length
        blocks = (seen.keys >> BIN_BITS) * seen.block_ns // length
        inside = blocks < whole
        sizes = np.bincount(blocks[inside], seen.counts[inside], whole).astype(np.float64)
        below = np.where((seen.keys & BIN_MASK) <= point, seen.counts, 0)
        upto = np.bincount(blocks[inside], below[inside], whole).astype(np.float64)
        used = sizes > 0
        enough = length >= least and sizes.sum() >= LEAST_IN_BLOCK * whole
        if enough and np.count_nonzero(used) >= LEAST_BLOCKS and neighbours_agree(upto[used] / sizes[used]):
            part = float(upto.sum() / sizes.sum())
            return max(1.0, raw_design_effect(upto[used], sizes[used], part * (1 - part)) or 1.0)
        length *= 2
    return None


def _value(place: float) -> float:
    return math.exp(place / BINS_PER_E)
