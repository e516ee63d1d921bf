"""A load whose rate changes, stage by stage: the steps of a profile, equal steps of a ramp or of added clients."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from fastbench.metrics.asked_rates import asked_rates
from fastbench.metrics.model import Number, StageOfLoad
from fastbench.metrics.parameters import tpot_ns, ttft_ns
from fastbench.metrics.selection import Rows, Selection, Window, section
from fastbench.metrics.service_verdict import Run
from fastbench.metrics.statistics import ArraySamples, statistics, too_few
from fastbench.metrics.timeline import InFlight
from fastbench.units import NS_PER_MS, NS_PER_S

STEPS = 8
"""Of a ramp, and of the clients that pressure adds."""
STATS = ("Median", "P99")


class _Stretch(NamedTuple):
    """When requests of a stage begin, ns. rate: asked for, per second; None where clients decide."""

    name: str
    begin_ns: int
    stop_ns: int
    rate: float | None


def stages(whole: Selection, run: Run | None) -> tuple[StageOfLoad, ...]:
    """One for each stage in which a request was to begin; none for a load of one rate. run: None = a closed loop."""
    load = section(whole.header, "load")
    rows = whole.final[(whole.final["intended_ns"] > 0) & (whole.final["turn"] == 0)]
    rows = rows[np.argsort(rows["intended_ns"], kind="stable")]
    if not rows.size:
        return ()
    flight = InFlight.of(whole.final)
    return tuple(_stage(whole, run, flight, stretch) for stretch in _stretches(load, rows, flight))


def _stretches(load: dict[str, Any], rows: Rows, flight: InFlight) -> Iterator[_Stretch]:
    match load.get("arrival"):
        case "profile":
            yield from _profile(load, rows)
        case "ramp":
            yield from _ramp(load, rows)
        case "pressure":
            yield from _pressure(flight)


def _profile(load: dict[str, Any], rows: Rows) -> Iterator[_Stretch]:
    steps = [
        (step.get("rate"), step.get("concurrency"), int(step["duration_ns"])) for step in load.get("profile") or ()
    ]
    silent = 0
    for rate, concurrency, duration in steps:
        if rate or concurrency:
            break
        silent += duration
    begin, last = int(rows["intended_ns"][0]) - silent, int(rows["intended_ns"][-1])
    for rate, concurrency, duration in steps:
        if begin <= last and (rate or concurrency):
            name = f"{rate:g}/s" if rate else f"{concurrency} at once"
            yield _Stretch(name, begin, begin + duration, float(rate) if rate else None)
        begin += duration


def _ramp(load: dict[str, Any], rows: Rows) -> Iterator[_Stretch]:
    planned = load.get("planned")
    rates = asked_rates(load, max(planned, rows.size) if isinstance(planned, int) else rows.size)
    if rates is None:
        return
    edges = np.linspace(rates[0], rates[-1], STEPS + 1)
    moments = rows["intended_ns"]
    rising = rates[-1] >= rates[0]
    at = np.searchsorted(rates if rising else -rates, edges[1:-1] if rising else -edges[1:-1])
    bounds = [0, *np.minimum(at, rows.size).tolist(), rows.size]
    for step, (first, stop) in enumerate(itertools.pairwise(bounds)):
        if stop > first:
            end = int(moments[stop]) if stop < rows.size else int(moments[-1]) + 1
            yield _Stretch(
                f"{edges[step]:g}-{edges[step + 1]:g}/s",
                int(moments[first]),
                end,
                float(edges[step] + edges[step + 1]) / 2,
            )


def _pressure(flight: InFlight) -> Iterator[_Stretch]:
    if not flight.starts.size:
        return
    most = np.maximum.accumulate(flight.at_starts())
    sizes = np.unique(np.ceil(np.linspace(0, most[-1], STEPS + 1)[1:]).astype(int)).tolist()
    first = 0
    for size in sizes:
        stop = int(np.searchsorted(most, size, side="right")) if size < most[-1] else flight.starts.size
        if stop > first:
            end = int(flight.starts[stop]) if stop < flight.starts.size else int(flight.starts[-1]) + 1
            yield _Stretch(f"up to {size} clients", int(flight.starts[first]), end, None)
        first = max(first, stop)


def _stage(whole: Selection, run: Run | None, flight: InFlight, stretch: _Stretch) -> StageOfLoad:
    begin, stop = stretch.begin_ns, stretch.stop_ns
    part = whole.within(Window(stretch.name, begin, stop, "a stage of the load"))
    final, ok = part.final, whole.ok
    seconds = (stop - begin) / NS_PER_S
    ended = int(np.count_nonzero((ok["end_ns"] >= begin) & (ok["end_ns"] < stop)))
    intended = whole.final["intended_ns"]
    asked = int(np.count_nonzero((intended >= begin) & (intended < stop))) / seconds
    first = int(flight.starts[0]) if flight.starts.size else begin
    state, onset = (None, None) if run is None else run.finding(begin, min(stop, run.stop_ns))
    ttft, tpot = ttft_ns(part.streamed), tpot_ns(part.streamed)
    return StageOfLoad(
        name=stretch.name,
        begin_s=(begin - first) / NS_PER_S,
        end_s=(stop - first) / NS_PER_S,
        asked_rate=stretch.rate,
        intended_rate=asked if stretch.rate is not None else None,
        sent_rate=int(np.count_nonzero(final["sent_ns"] > 0)) / seconds,
        answered_rate=ended / seconds,
        requests=int(final.size),
        ttft_ms=_shown(ArraySamples(ttft)),
        tpot_ms=_shown(ArraySamples(tpot)),
        in_flight=flight.mean(begin, stop),
        kept_up=state,
        onset_s=None if onset is None else (onset - first) / NS_PER_S,
    )


def _shown(samples: ArraySamples) -> dict[str, Number]:
    """ms; None for a percentile of too few samples."""
    few = too_few(STATS, samples.size)
    return {name: None if name in few else value for name, value in statistics(samples, STATS, NS_PER_MS).items()}
