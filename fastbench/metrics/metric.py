"""What a metric is: the entries of `fastbench.registry.METRICS`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastbench.errors import ConfigError, PluginError
from fastbench.metrics.model import Interval
from fastbench.metrics.samples.selection import Mask, Rows, Selection
from fastbench.metrics.samples.statistics import ArraySamples, Samples, is_statistic

MS = "ms"


class Table(Enum):
    """In which table a metric has its row. The first one is AISBench's: its rows are fixed. NONE: it is in exports."""

    PERFORMANCE = "Performance Parameters"
    FURTHER = "Further Parameters"
    NONE = ""


class Values(NamedTuple):
    """A value for each of some requests, (n,) int64 or float64; known: (n,), where there is one at all."""

    values: NDArray[Any]
    known: Mask

    @classmethod
    def all(cls, values: NDArray[Any]) -> Values:
        """Of requests that have one each."""
        return cls(values, np.ones(values.size, bool))

    @property
    def samples(self) -> NDArray[Any]:
        """(m,): those that there are."""
        return self.values[self.known]


Timed = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Samples with the moments, ns of CLOCK_MONOTONIC, at which each came to be. (n,) each."""


@dataclass(frozen=True)
class Metric:
    """One metric: where its samples come from, and where it is shown.

    name: of its row. unit: "ms", "token/s", "req/s", …; "" for a count. about: what it is, a clause. formula: in the
    names of `docs/metrics.md`; source: where it is from. scale: samples in one unit shown, such as 1e6 for those
    in ns that are shown in ms.

    Either `values` gives one of each request of some rows, which are successful ones (streams, if streams_only); or
    `samples` gives those of a selection that are not one of each request, `requests` the number of requests behind
    them, and `timed` the samples of all of them, some at a time, where it is in intervals. `each`, where `samples` has
    at most one of a request: of each of `selection.streamed` (`selection.ok`, unless streams_only), and which have one.

    streams_only: there is no row where no streams were asked for. column: its name in exports, which needs `values` or
    `each`; "" = it is in none, as what has several samples of a request cannot be. in_intervals: whether it is in
    histogram logs, which hold times alone. headlines: the statistics that stand at the top of the page. has_curve:
    whether the page draws its percentiles, which are times too. bounds: of some statistics, as far as marks leave them
    uncertain.
    """

    name: str
    unit: str
    about: str
    formula: str
    source: str = ""
    values: Callable[[Rows], Values] | None = None
    samples: Callable[[Selection], Samples] | None = None
    each: Callable[[Selection], Values] | None = None
    requests: Callable[[Selection], int] | None = None
    timed: Callable[[Selection], Iterator[Timed]] | None = None
    scale: float = 1
    table: Table = Table.FURTHER
    streams_only: bool = False
    column: str = ""
    in_intervals: bool = False
    headlines: tuple[str, ...] = ()
    has_curve: bool = False
    bounds: Callable[[Selection, Sequence[str]], dict[str, Interval]] | None = None

    def __post_init__(self) -> None:
        """Raises ConfigError for what contradicts itself."""
        if (self.values is None) == (self.samples is None):
            raise ConfigError(f"the metric {self.name} must have either values or samples")
        if self.values is None and self.each is None and self.column:
            raise ConfigError(f"the metric {self.name} has no values of each request for the column {self.column}")
        if self.values is None and self.in_intervals and self.timed is None:
            raise ConfigError(f"the metric {self.name} has samples, and so needs timed to be in intervals")
        if self.in_intervals and (set(self.name) & set(", \t\r\n")):
            raise ConfigError(
                f"the metric {self.name} has a blank or a comma in its name, so it cannot be in intervals"
            )
        if (self.in_intervals or self.has_curve) and self.unit != MS:
            raise ConfigError(f"the metric {self.name} is in {self.unit or 'no unit'}: intervals and curves hold {MS}")

    def fits(self, selection: Selection) -> bool:
        """Whether it says anything of a selection."""
        return selection.is_stream or not self.streams_only

    def samples_of(self, selection: Selection) -> Samples:
        """All of a selection's."""
        if self.samples is not None:
            return self.samples(selection)
        return ArraySamples(self.values_of(selection.streamed if self.streams_only else selection.ok).samples)

    def values_of(self, rows: Rows) -> Values:
        """Of rows that are fit for it. ConfigError where it has no values."""
        if self.values is None:
            raise ConfigError(f"the metric {self.name} has no value of each request")
        return self.values(rows)

    def each_of(self, selection: Selection) -> Values:
        """One of each of the requests that it is for: `selection.streamed`, or `selection.ok`. ConfigError where it
        has no value of each request."""
        if self.each is not None:
            return self.each(selection)
        return self.values_of(selection.streamed if self.streams_only else selection.ok)

    def requests_of(self, selection: Selection, samples: Samples) -> int:
        """The number of requests behind the samples."""
        return samples.size if self.requests is None else self.requests(selection)


def check_metric(metric: Metric) -> None:
    """Raises PluginError for a package's metric with a field that cannot be used."""
    for name in ("name", "unit", "about", "formula", "source", "column"):
        if not isinstance(value := getattr(metric, name), str) or not value.isprintable():
            raise PluginError(f"its {name} is {value!r}, not text on one line")
    for name in ("values", "samples", "each", "requests", "timed", "bounds"):
        if (function := getattr(metric, name)) is not None and not callable(function):
            raise PluginError(f"its {name} is {function!r}, not a function")
    scale: object = metric.scale
    if not isinstance(scale, int | float) or not math.isfinite(scale) or scale <= 0:
        raise PluginError(f"its scale is {scale!r}, not a number above 0")
    if not isinstance(metric.table, Table):
        raise PluginError(f"its table is {metric.table!r}, not a Table")
    if not isinstance(metric.headlines, tuple | list) or not all(map(is_statistic, metric.headlines)):
        raise PluginError(
            f'its headlines are {metric.headlines!r}, not a tuple of statistics such as ("Median", "P99")'
        )
