"""Percentile curves: a latency for each percentile, evenly spaced towards the tail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastbench.metrics import OWN_METRICS, Metric, Selection
from fastbench.metrics.samples import CONFIDENCE, Samples, percentile

CURVES_NOTE = "The dotted end of a curve has too few requests to be certain (at 99 % confidence)."
PER_DECADE = 60
"""Points from one more nine to the next."""


def curves_of(selection: Selection, plugged: Sequence[Metric] = ()) -> dict[str, Any]:
    """By metric: the curve in ms; only of metrics that have samples. Those of token times are the first. plugged:
    metrics of packages."""
    drawn = [metric for metric in (*OWN_METRICS, *plugged) if metric.has_curve and metric.fits(selection)]
    drawn.sort(key=lambda metric: not metric.streams_only)
    curves = {metric.name: _curve_of(metric, selection) for metric in drawn}
    return {name: found for name, found in curves.items() if found}


def _curve_of(metric: Metric, selection: Selection) -> dict[str, Any]:
    samples = metric.samples_of(selection)
    return curve(samples, metric.scale, metric.requests_of(selection, samples))


def curve(samples: Samples, scale: float, requests: int) -> dict[str, Any]:
    """Exact percentiles of the samples, divided by `scale`; empty without samples. requests: that they are of.

    nines: the place on the axis, -log10(1 - percent / 100), up to the last but one sample. supported: the last place at
    which a sample lies beyond with 99 % confidence.
    """
    if not samples.size:
        return {}
    last = max(math.log10(samples.size), 1 / PER_DECADE)
    steps = math.ceil(last * PER_DECADE)
    nines = [last * step / steps for step in range(steps + 1)]
    percents = [100 * (1 - 10**-place) for place in nines]
    values = [percentile(samples, percent) or 0.0 for percent in percents]
    return {
        "samples": samples.size,
        "supported": supported(requests),
        "nines": [round(place, 6) for place in nines],
        "percents": [round(percent, 8) for percent in percents],
        "values": [round(value / scale, 6) for value in values],
    }


def supported(size: int) -> float:
    """Where the curve of `size` samples ceases to be supported: 1 - (1 - p)**size = 99 %, as a place on its axis."""
    return -math.log10(-math.expm1(math.log(1 - CONFIDENCE) / size))
