"""The table "Performance Parameters": one row for each per-request metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fastbench.metrics.model import Interval, Parameter
from fastbench.metrics.selection import Mask, Rows, Selection, flagged, output_tokens
from fastbench.metrics.statistics import ArraySamples, Samples, statistics, too_few
from fastbench.metrics.uncertainty import unsure
from fastbench.recording.format import SOURCES
from fastbench.units import NS_PER_MS, NS_PER_S

US_PER_MS = 1_000


def parameters(
    selection: Selection, gaps: Samples, stats: Sequence[str], bounds: Mapping[str, dict[str, Interval]]
) -> tuple[Parameter, ...]:
    """The rows in the guide's order; those of token times only for streams. bounds: of rows, by their names."""

    def row(name: str, unit: str, samples: Samples, scale: float = 1, n: int | None = None) -> Parameter:
        row = replace(parameter(name, unit, samples, stats, scale, n), bounds=bounds.get(name, {}))
        return replace(row, unsure=unsure(row))

    def rows() -> Iterator[Parameter]:
        ok, streamed = selection.ok, selection.streamed
        yield row("E2EL", "ms", ArraySamples(e2el_ns(ok)), NS_PER_MS)
        if selection.is_stream:
            several = int(np.count_nonzero(streamed["events"] > 1))
            yield row("TTFT", "ms", ArraySamples(ttft_ns(streamed)), NS_PER_MS)
            yield row("TPOT", "ms", ArraySamples(tpot_ns(streamed)), NS_PER_MS)
            yield row("ITL", "ms", gaps, US_PER_MS, several)
        yield row("InputTokens", "", ArraySamples(known_input(ok)["input_tokens"].astype(np.int64)))
        yield row("OutputTokens", "", ArraySamples(output_tokens(ok)))
        yield row("OutputTokenThroughput", "token/s", ArraySamples(_per_second(output_tokens(ok), e2el_ns(ok))))
        if selection.is_stream:
            known = known_input(streamed)
            prefill = _per_second(known["input_tokens"], ttft_ns(known))
            yield row("PrefillTokenThroughput", "token/s", ArraySamples(prefill))

    return tuple(rows())


def parameter(
    name: str, unit: str, samples: Samples, stats: Sequence[str], scale: float = 1, n: int | None = None
) -> Parameter:
    """A row of a table of parameters. scale: samples in one unit shown. n: the requests behind it, where samples are
    not one of each."""
    count = samples.size if n is None else n
    # Of requests: the gaps of one stream depend on each other, and many of them are no more than one sample.
    return Parameter(name, unit, statistics(samples, stats, scale), count, samples.size, too_few(stats, count))


def shown(row: Parameter, stats: Sequence[str]) -> Parameter:
    """A row with some of its statistics."""
    return replace(
        row,
        values={name: row.values[name] for name in stats},
        marked=tuple(name for name in row.marked if name in stats),
        bounds={name: row.bounds[name] for name in stats if name in row.bounds},
        unsure=tuple(name for name in stats if name in row.unsure),
    )


def e2el_ns(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: service time, `end_ns - sent_ns`."""
    return _int64(rows["end_ns"] - rows["sent_ns"])


def ttft_ns(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: `first_token_ns - sent_ns`."""
    return _int64(rows["first_token_ns"] - rows["sent_ns"])


def tpot_ns(rows: Rows) -> NDArray[np.float64]:
    """float64: `(E2EL - TTFT) / (OutputTokens - 1)` of the rows that have it, less reasoning that was not streamed."""
    several = rows[has_tpot(rows)]
    return np.asarray((e2el_ns(several) - ttft_ns(several)) / (streamed_tokens(several) - 1), np.float64)


def has_tpot(rows: Rows) -> Mask:
    """(rows,): which have more than one output token, and not all of them in one event: that took no time to watch."""
    several: Mask = (streamed_tokens(rows) > 1) & (rows["events"] > 1)
    return several


def streamed_tokens(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: output tokens that came as output, without silent reasoning."""
    return output_tokens(rows) - silent_tokens(rows)


def silent_tokens(rows: Rows) -> NDArray[np.int64]:
    """(rows,) int64: reasoning tokens that usage counts among the output tokens of a reply that streamed none."""
    silent = (rows["reasoning_tokens"] > 0) & ~flagged(rows, "reasoning")
    silent &= rows["output_source"] == SOURCES.index("usage")
    return np.where(silent, rows["reasoning_tokens"], 0).astype(np.int64)


def known_input(rows: Rows) -> Rows:
    """The rows whose input tokens were counted."""
    return rows[rows["input_tokens"] >= 0]


def _per_second(amounts: NDArray[Any], ns: NDArray[np.int64]) -> NDArray[np.float64]:
    """float64: amounts per second, of the entries that took any time."""
    lasting = ns > 0
    return np.asarray(amounts[lasting] * float(NS_PER_S) / ns[lasting], np.float64)


def _int64(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)
