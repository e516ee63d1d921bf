"""The service's own verdict: did it keep up, and what failed? For a stage, and for each stage of a changing load."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.metrics.metric import Metric
from fastbench.metrics.model import Number, ServiceVerdict, StageOfLoad
from fastbench.metrics.own import TPOT, TTFT
from fastbench.metrics.samples.selection import Rows, Selection, Window, frozen
from fastbench.metrics.samples.statistics import statistics, too_few
from fastbench.metrics.samples.timeline import InFlight
from fastbench.metrics.server.kept_up import KEPT_UP, NEVER, OVERLOADED, Course, Finding, course, judge
from fastbench.metrics.server.outcomes import Coverage, is_failed
from fastbench.plan.shapes import Begun, Stretch
from fastbench.recording import OUTCOMES
from fastbench.units import NS_PER_S
from fastbench.verdict_limits import LEAST_ANSWERED

CLOSED, UNKNOWN = "closed loop", "no end"
AT_LIMIT_SHARE = 0.1
"""Of the sends that find the limit in flight reached: it, and no longer the plan, decides when requests go out."""
_TIMEOUT, _CANCELLED, _DROPPED = (OUTCOMES.index(name) for name in ("timeout", "cancelled", "dropped"))


class Run(NamedTuple):
    """An open loop as the service saw it. begin_ns, stop_ns: when requests began. ok_ends: rising, ns.

    timed_out: (k,) when those began that the client gave up; they are not in the course: a service that loses some
    requests has no queue. at_limit: whether requests began when the limit in flight allowed, so that their intended
    moments are what counts.
    """

    course: Course
    asked: NDArray[np.int64]
    sent: NDArray[np.int64]
    ok_ends: NDArray[np.int64]
    timed_out: NDArray[np.int64]
    at_limit: bool
    begin_ns: int
    stop_ns: int

    def finding(self, begin_ns: int, stop_ns: int) -> Finding:
        """The state of a stretch of the run, and since when it is overloaded."""
        whole = judge(self.course, begin_ns, stop_ns)
        given_up = self.timed_out[(self.timed_out >= begin_ns) & (self.timed_out < stop_ns)]
        if whole.state != OVERLOADED and given_up.size:
            # Requests before the first timeout show whether there was a queue.
            before = judge(self.course, begin_ns, int(given_up.min()))
            if before.state == OVERLOADED:
                return before
        return whole

    def rate(self, moments: NDArray[np.int64], begin_ns: int, stop_ns: int) -> float | None:
        """The rate of moments, rising, that lie in a stretch, per second."""
        count = int(np.diff(np.searchsorted(moments, [begin_ns, stop_ns], side="right"))[0])
        return count * NS_PER_S / (stop_ns - begin_ns) if stop_ns > begin_ns else None


def run_of(whole: Selection) -> Run | None:
    """The whole run; None for a closed loop, and where nothing was sent."""
    if not whole.asked.is_open:
        return None
    final = whole.final
    sent = final[final["sent_ns"] > 0]
    if not sent.size:
        return None
    at_limit = _at_limit(whole, sent)
    dropped = final[final["outcome"] == _DROPPED]
    begun = np.concatenate((sent, dropped)) if at_limit else sent
    moments = begun["intended_ns" if at_limit else "sent_ns"]
    gave_up = begun["outcome"] == _TIMEOUT
    served = (begun["end_ns"] > 0) & (begun["outcome"] != _CANCELLED) & (begun["outcome"] != _DROPPED)
    took = begun[served & ~gave_up]
    took = took[np.argsort(took["sent_ns"], kind="stable")]
    asked = final["intended_ns"][final["intended_ns"] > 0]
    ended = np.where(served, begun["end_ns"], NEVER)
    first = np.where(begun["first_token_ns"] > 0, begun["first_token_ns"], ended)[~gave_up] if whole.is_stream else None
    return Run(
        course(moments[~gave_up], ended[~gave_up], took["end_ns"] - took["sent_ns"], first),
        np.sort(asked),
        np.sort(sent["sent_ns"]),
        np.sort(whole.ok["end_ns"]),
        np.sort(moments[gave_up]),
        at_limit,
        int(moments.min()),
        int(moments.max()),
    )


def _at_limit(whole: Selection, sent: Rows) -> bool:
    limit = whole.asked.limit
    return bool(limit and np.mean(InFlight.of(sent).at_starts() >= limit) >= AT_LIMIT_SHARE)


def service_verdict(
    whole: Selection, stage: Selection, run: Run | None, covered: Coverage, stages: tuple[StageOfLoad, ...]
) -> ServiceVerdict:
    """The verdict on a stage. run: of the whole. stages: those of the load where it has any, of the whole run."""
    rows = stage.final
    failed = rows[is_failed(rows)]
    answered = int(stage.ok.size) + failed.size
    state, onset, stretch = _state(stage, run, covered, stages)
    first = int(whole.final["sent_ns"][whole.final["sent_ns"] > 0].min(initial=NEVER))
    return ServiceVerdict(
        state=state,
        onset_s=None if onset is None else max(0, onset - first) / NS_PER_S,
        asked_rate=None if run is None else run.rate(run.asked, *stretch),
        sent_rate=None if run is None else run.rate(run.sent, *stretch),
        answered_rate=None if run is None else run.rate(run.ok_ends, *stretch),
        queue=None if run is None else run.course.in_flight(stretch[1]),
        waiting=None if run is None else run.course.waiting(stretch[1]),
        limit=whole.asked.limit if run is not None and run.at_limit else None,
        failed=int(failed.size),
        answered=int(stage.ok.size),
        failed_share=failed.size / answered if answered else None,
        reasons=_reasons(failed),
        kept_up_to=_kept_up_to(stages),
    )


def _state(
    stage: Selection, run: Run | None, covered: Coverage, stages: tuple[StageOfLoad, ...]
) -> tuple[str, int | None, tuple[int, int]]:
    """State, onset and the stretch that the rates are of: from the onset on, else when the pipeline has filled."""
    if run is None:
        return CLOSED, None, (0, 0)
    window = stage.window
    begin = run.begin_ns if window is None else max(run.begin_ns, window.begin_ns)
    stop = run.stop_ns if window is None else min(run.stop_ns, window.end_ns)
    filled = begin + run.course.patience_ns
    after = (filled, stop) if stop > filled else (begin, max(stop, int(run.ok_ends.max(initial=stop))))
    if not covered.ended:
        return UNKNOWN, None, after
    state, onset = run.finding(begin, stop)
    if window is None:
        for part in stages:
            since = begin if part.onset_s is None else int(run.sent[0] + part.onset_s * NS_PER_S)
            if part.kept_up == OVERLOADED:
                state, onset = OVERLOADED, since if onset is None else min(since, onset)
        ends = [int(run.sent[0] + part.end_s * NS_PER_S) for part in stages if part.kept_up == OVERLOADED]
        stop = min(stop, max(ends, default=stop))
        asked = run.asked.size + covered.dropped
        dropped = covered.dropped + int(np.count_nonzero(stage.final["outcome"] == _DROPPED))
        if state != OVERLOADED and run.at_limit and dropped > (1 - LEAST_ANSWERED) * asked:
            state, onset = OVERLOADED, begin
    if state == OVERLOADED and onset is not None and stop > max(onset, filled):
        after = max(onset, filled), stop
    return state, onset, after


def _reasons(failed: Rows) -> tuple[str, ...]:
    """The failed requests by reason, the most frequent first: `17 HTTP 503`, `9 truncated`."""

    def reason(outcome: int, status: int) -> str:
        return f"HTTP {status}" if OUTCOMES[outcome] == "http_error" and status else OUTCOMES[outcome].replace("_", " ")

    pairs = zip(failed["outcome"].tolist(), failed["status"].tolist(), strict=True)
    counts = Counter(reason(outcome, status) for outcome, status in pairs)
    return tuple(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _kept_up_to(stages: tuple[StageOfLoad, ...]) -> float | None:
    """The highest rate that the service kept up with, no lower one having been too much; None where there is none."""
    too_much = min((part.asked_rate or 0 for part in stages if part.kept_up == OVERLOADED), default=float("inf"))
    kept = [part.asked_rate for part in stages if part.kept_up == KEPT_UP and part.asked_rate is not None]
    return max((rate for rate in kept if rate < too_much), default=None)


STATS = ("Median", "P99")


def stages(whole: Selection, run: Run | None) -> tuple[StageOfLoad, ...]:
    """One for each stage in which a request was to begin; none for a load of one rate. run: None = a closed loop."""
    rows = whole.final[(whole.final["intended_ns"] > 0) & (whole.final["turn"] == 0)]
    rows = rows[np.argsort(rows["intended_ns"], kind="stable")]
    if not rows.size:
        return ()
    flight = InFlight.of(whole.final)
    begun = Begun(
        moments_ns=frozen(rows["intended_ns"]),
        planned=whole.asked.planned,
        starts_ns=frozen(flight.starts.view()),
        in_flight=frozen(flight.at_starts()),
    )
    # One whose requests were all due at once, as scatter may have it, has no rates.
    found = (stretch for stretch in whole.asked.stages(begun) if stretch.stop_ns > stretch.begin_ns)
    return tuple(_stage(whole, run, flight, stretch) for stretch in found)


def _stage(whole: Selection, run: Run | None, flight: InFlight, stretch: Stretch) -> StageOfLoad:
    begin, stop = stretch.begin_ns, stretch.stop_ns
    part = whole.within(Window(stretch.name, begin, stop, "a stage of the load"))
    final, ok = part.final, whole.ok
    seconds = (stop - begin) / NS_PER_S
    ended = int(np.count_nonzero((ok["end_ns"] >= begin) & (ok["end_ns"] < stop)))
    intended = whole.final["intended_ns"]
    asked = int(np.count_nonzero((intended >= begin) & (intended < stop))) / seconds
    first = int(flight.starts[0]) if flight.starts.size else begin
    state, onset = (None, None) if run is None else run.finding(begin, min(stop, run.stop_ns))
    return StageOfLoad(
        name=stretch.name,
        begin_s=(begin - first) / NS_PER_S,
        end_s=(stop - first) / NS_PER_S,
        asked_rate=stretch.rate,
        intended_rate=asked if stretch.rate is not None else None,
        sent_rate=int(np.count_nonzero(final["sent_ns"] > 0)) / seconds,
        answered_rate=ended / seconds,
        requests=int(final.size),
        ttft_ms=_shown(TTFT, part),
        tpot_ms=_shown(TPOT, part),
        in_flight=flight.mean(begin, stop),
        kept_up=state,
        onset_s=None if onset is None else (onset - first) / NS_PER_S,
    )


def _shown(metric: Metric, part: Selection) -> dict[str, Number]:
    """ms; None for a percentile of too few samples."""
    samples = metric.samples_of(part)
    few = too_few(STATS, samples.size)
    return {name: None if name in few else value for name, value in statistics(samples, STATS, metric.scale).items()}
