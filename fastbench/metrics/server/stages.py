"""A load whose rate changes, stage by stage: the steps of a profile, equal steps of a ramp or of added clients."""

from __future__ import annotations

import numpy as np

from fastbench.metrics.metric import Metric
from fastbench.metrics.model import Number, StageOfLoad
from fastbench.metrics.own import TPOT, TTFT
from fastbench.metrics.samples.selection import Selection, Window
from fastbench.metrics.samples.statistics import statistics, too_few
from fastbench.metrics.samples.timeline import InFlight
from fastbench.metrics.server.service_verdict import Run
from fastbench.plan.shapes import Begun, Stretch
from fastbench.units import NS_PER_S

STATS = ("Median", "P99")


def stages(whole: Selection, run: Run | None) -> tuple[StageOfLoad, ...]:
    """One for each stage in which a request was to begin; none for a load of one rate. run: None = a closed loop."""
    rows = whole.final[(whole.final["intended_ns"] > 0) & (whole.final["turn"] == 0)]
    rows = rows[np.argsort(rows["intended_ns"], kind="stable")]
    if not rows.size:
        return ()
    flight = InFlight.of(whole.final)
    begun = Begun(
        moments_ns=rows["intended_ns"],
        planned=whole.asked.planned,
        starts_ns=flight.starts,
        in_flight=flight.at_starts(),
    )
    # One whose requests were all due at once, as scatter may have it, has no rates.
    found = (stretch for stretch in whole.asked.shape.stages(begun) if stretch.stop_ns > stretch.begin_ns)
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
