"""Percentile curves: a latency for each percentile, evenly spaced towards the tail."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from fastbench.metrics.gaps import GapSamples
from fastbench.metrics.parameters import US_PER_MS, e2el_ns, tpot_ns, ttft_ns
from fastbench.metrics.selection import Selection
from fastbench.metrics.statistics import CONFIDENCE, ArraySamples, Samples, percentile
from fastbench.units import NS_PER_MS

PER_DECADE = 60
"""Points from one more nine to the next."""


def curves_of(selection: Selection, gaps: GapSamples) -> dict[str, Any]:
    """By metric: the curve in ms; only of metrics that have samples. gaps: all of the selection's."""

    def curves() -> Iterator[tuple[str, dict[str, Any]]]:
        if selection.is_stream:
            yield "TTFT", curve(ArraySamples(ttft_ns(selection.streamed)), NS_PER_MS)
            yield "TPOT", curve(ArraySamples(tpot_ns(selection.streamed)), NS_PER_MS)
            yield "ITL", curve(gaps, US_PER_MS, requests=int(np.count_nonzero(selection.streamed["events"] > 1)))
        yield "E2EL", curve(ArraySamples(e2el_ns(selection.ok)), NS_PER_MS)

    return {name: found for name, found in curves() if found}


def curve(samples: Samples, scale: float, requests: int | None = None) -> dict[str, Any]:
    """Exact percentiles of the samples, divided by `scale`; empty without samples.

    requests: of which the samples are, where each has several; None = each has one.

    nines: the place on the axis, -log10(1 - percent / 100), up to the last but one sample.
    supported: the last place at
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
        "supported": supported(samples.size if requests is None else requests),
        "nines": [round(place, 6) for place in nines],
        "percents": [round(percent, 8) for percent in percents],
        "values": [round(value / scale, 6) for value in values],
    }


def supported(size: int) -> float:
    """Where the curve of `size` samples ceases to be supported: 1 - (1 - p)**size = 99 %, as a place on its axis."""
    return -math.log10(-math.expm1(math.log(1 - CONFIDENCE) / size))
