"""Metrics that packages bring: what they give is checked, and a fault of theirs never costs more than their own row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from fastbench.errors import PluginError
from fastbench.metrics.metric import Metric, Table, Timed, Values
from fastbench.metrics.model import Interval
from fastbench.metrics.samples.gaps import GapSamples
from fastbench.metrics.samples.selection import Rows, Selection
from fastbench.metrics.samples.statistics import ArraySamples, Samples
from fastbench.registry import METRICS

CANNOT = "cannot be computed"

R = TypeVar("R")


class Plugged(NamedTuple):
    """faults: of those that cannot be had, a sentence each without its full stop."""

    metrics: tuple[Metric, ...]
    faults: tuple[str, ...]


def all_plugged() -> Plugged:
    """The metrics of packages, in the order of their rows."""
    found, faults = METRICS.loaded()
    return Plugged(tuple(plugged(name) for name in found if METRICS.is_plugged(name)), (*METRICS.claims(), *faults))


def plugged(name: str) -> Metric:
    """A package's metric; its row stands in the further table, as AISBench's has rows of its own alone.

    ConfigError where it cannot be had, and from its functions where they raise or give what cannot be used.
    """
    metric: Metric = METRICS.get(name)
    return replace(
        metric,
        table=Table.FURTHER if metric.table is Table.PERFORMANCE else metric.table,
        values=metric.values and _guarded(name, metric.values, _values),
        samples=metric.samples and _guarded(name, metric.samples, _samples),
        each=metric.each and _guarded(name, metric.each, partial(_each, metric.streams_only)),
        requests=metric.requests and _guarded(name, metric.requests, _count),
        bounds=metric.bounds and _guarded(name, metric.bounds, _bounds),
        timed=metric.timed and _guarded_each(name, metric.timed),
    )


def _guarded(name: str, function: Callable[..., Any], check: Callable[..., R]) -> Callable[..., R]:
    """The function with what it gives checked. check: gets that and the arguments, and raises PluginError."""

    def call(*args: Any) -> R:
        return check(function(*args), *args)

    return METRICS.guarded(name, CANNOT, call)


def _guarded_each(
    name: str, function: Callable[[Selection], Iterator[Timed]]
) -> Callable[[Selection], Iterator[Timed]]:
    def each(selection: Selection) -> Iterator[Timed]:
        with METRICS.blaming(name, CANNOT):
            for pair in function(selection):
                yield _timed(pair)

    return each


def _each(streams_only: bool, found: object, selection: Selection) -> Values:
    return _values(found, selection.streamed if streams_only else selection.ok, "each")


def _values(found: object, rows: Rows, what: str = "values") -> Values:
    """One value of each row, int64 or float64."""
    if not isinstance(found, Values):
        raise PluginError(f"its `{what}` gives {type(found).__name__}, not Values")
    values, known = np.asarray(found.values), np.asarray(found.known)
    if values.shape != rows.shape or known.shape != rows.shape:
        raise PluginError(
            f"its `{what}` gives {values.shape} values and {known.shape} known for {rows.size} requests, not one each"
        )
    if known.dtype != bool:
        raise PluginError(f"its `{what}` gives known of {known.dtype}, not of bool")
    return Values(_numbers(values, known, what), known)


def _numbers(values: Any, known: Any, what: str) -> Any:
    """As int64 or float64; those that are known are numbers."""
    if values.dtype.kind not in "iuf":
        raise PluginError(f"its `{what}` gives values of {values.dtype}, not of int64 or float64")
    if values.dtype == np.uint64 and (values > np.iinfo(np.int64).max).any():
        raise PluginError(f"its `{what}` gives values that are larger than an int64")
    numbers = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    if not np.isfinite(numbers[known]).all():
        raise PluginError(f"its `{what}` gives a value that is nan or infinite; say that it is not known")
    return numbers


def _samples(found: object, _: Selection) -> Samples:
    if not isinstance(found, ArraySamples | GapSamples):
        raise PluginError(f"its `samples` gives {type(found).__name__}, not ArraySamples")
    # Not a number stands behind all others when sorted, and in any sum.
    ends = [found.at(0), found.at(found.size - 1), found.total] if found.size else []
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in ends):
        raise PluginError("its `samples` gives a value that is no number, nan or infinite")
    return found


def _count(found: object, _: Selection) -> int:
    if not isinstance(found, int | np.integer) or found < 0:
        raise PluginError(f"its `requests` gives {found!r}, not a whole number")
    return int(found)


def _bounds(found: object, _: Selection, names: Sequence[str]) -> dict[str, Interval]:
    if not isinstance(found, Mapping):
        raise PluginError(f"its `bounds` gives {type(found).__name__}, not a dict")
    bounds = {name: (float(low), float(high)) for name, (low, high) in found.items() if name in names}
    if not all(math.isfinite(low) and math.isfinite(high) for low, high in bounds.values()):
        raise PluginError("its `bounds` gives a value that is nan or infinite")
    return bounds


def _timed(found: object) -> Timed:
    if not isinstance(found, tuple) or len(found) != 2:
        raise PluginError(f"its `timed` gives {type(found).__name__}, not pairs of moments and samples")
    moments, samples = (np.asarray(part) for part in found)
    if moments.ndim != 1 or moments.shape != samples.shape or moments.dtype.kind not in "iu":
        raise PluginError(
            f"its `timed` gives {moments.shape} moments of {moments.dtype} and {samples.shape} samples, not as many of "
            "each, the moments int64"
        )
    return moments.astype(np.int64), _numbers(samples, np.ones(samples.shape, bool), "timed")
