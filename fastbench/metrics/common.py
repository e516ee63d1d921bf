"""The table "Common Metric": one value for the whole stage."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fastbench.metrics.model import Common, Number
from fastbench.metrics.samples.latencies import e2el_ns, known_input, ttft_ns
from fastbench.metrics.samples.selection import Rows, Selection, Window, flagged, output_tokens, section
from fastbench.metrics.samples.statistics import ArraySamples
from fastbench.metrics.samples.timeline import InFlight
from fastbench.units import NS_PER_MS, NS_PER_S

WHOLE = " (whole-request rule)"
"""Behind the name of a figure by AISBench's rule: the tokens of the requests that began inside, over the window."""


@dataclass(frozen=True)
class Totals:
    """The input of a stage's values. planned: its requests; failed: those of them that failed. arrived: the output
    tokens that arrived in its window, None for the whole run."""

    selection: Selection
    planned: int
    failed: int
    arrived: int | None

    @cached_property
    def duration_ns(self) -> int:
        """How long the stage lasted."""
        return length_ns(self.selection)

    @cached_property
    def success(self) -> int:
        """Requests that succeeded."""
        return int(self.selection.ok.size)

    @cached_property
    def inputs(self) -> int | None:
        """Their input tokens; None where some were not counted: a sum over the others is no total."""
        known = known_input(self.selection.ok)
        return int(known["input_tokens"].sum(dtype=np.int64)) if known.size == self.success else None

    @cached_property
    def outputs(self) -> int:
        """Their output tokens."""
        return int(output_tokens(self.selection.ok).sum())

    @property
    def output_in_stage(self) -> int:
        """The output tokens that arrived in the stage."""
        return self.outputs if self.arrived is None else self.arrived

    def per_second(self, amount: int | None) -> Number:
        """Over the stage; None without time, or without an amount."""
        return amount * NS_PER_S / self.duration_ns if self.duration_ns and amount is not None else None

    def with_input(self, outputs: int) -> int | None:
        """Input and output tokens together."""
        return None if self.inputs is None else self.inputs + outputs


@dataclass(frozen=True)
class CommonMetric:
    """A row of the table. headline: whether it stands at the top of the page. windows_only: there is no such row for
    the whole run."""

    name: str
    unit: str
    formula: str
    value: Callable[[Totals], Number]
    streams_only: bool = False
    windows_only: bool = False
    headline: bool = False

    def fits(self, totals: Totals) -> bool:
        """Whether a stage has the row."""
        return (totals.selection.is_stream or not self.streams_only) and (
            totals.arrived is not None or not self.windows_only
        )


def common(totals: Totals) -> tuple[Common, ...]:
    """The rows of a stage, in AISBench's order."""
    return tuple(Common(row.name, row.unit, row.value(totals)) for row in COMMON_METRICS if row.fits(totals))


def length_ns(selection: Selection) -> int:
    """How long a stage lasted; of a class, that of all together, so that the rates of classes add up."""
    window = selection.window
    return span_ns(selection.stage.ok) if window is None else window.end_ns - window.begin_ns


def span_ns(rows: Rows) -> int:
    """From the first request sent to the last one's end; 0 without rows."""
    return int(rows["end_ns"].max() - rows["sent_ns"].min()) if rows.size else 0


def _duration_ms(totals: Totals) -> Number:
    return totals.duration_ns / NS_PER_MS if totals.success else None


def _concurrency(totals: Totals) -> Number:
    """ΣE2EL / Duration; in a window, of the time that successful requests spent inside it."""
    selection = totals.selection
    if not totals.duration_ns:
        return None
    if selection.window is None:
        return ArraySamples(e2el_ns(selection.ok)).total / totals.duration_ns
    number = selection.class_number
    everything = Selection(selection.recording) if number is None else selection.stage.of_class(number, None)
    flight = InFlight.of(everything.ok)
    return flight.mean(selection.window.begin_ns, selection.window.end_ns)


def _max_concurrency(totals: Totals) -> int | None:
    """As AISBench has it: `batch_size` even where it limits nothing, as with a trace's time stamps."""
    header, limit = totals.selection.header, totals.selection.asked.limit
    models = section(header, "config").get("models")
    size = models[0].get("batch_size") if isinstance(models, list) and models and isinstance(models[0], dict) else None
    return limit if limit is not None or not isinstance(size, int) else size


def _prefill_throughput(totals: Totals) -> Number:
    known = known_input(totals.selection.streamed)
    ttft = ArraySamples(ttft_ns(known)).total
    return int(known["input_tokens"].sum(dtype=np.int64)) * NS_PER_S / ttft if ttft > 0 else None


COMMON_METRICS = (
    CommonMetric("Benchmark Duration", "ms", "last end_ns - first sent_ns", _duration_ms),
    CommonMetric("Total Requests", "", "requests planned", lambda totals: totals.planned),
    CommonMetric("Failed Requests", "", "requests failed", lambda totals: totals.failed),
    CommonMetric("Success Requests", "", "requests that succeeded", lambda totals: totals.success),
    CommonMetric("Concurrency", "", "ΣE2EL / Duration", _concurrency, headline=True),
    CommonMetric("Max Concurrency", "", "the configured limit", _max_concurrency),
    CommonMetric(
        *("Request Throughput", "req/s", "Success Requests / Duration"),
        lambda totals: totals.per_second(totals.success),
        headline=True,
    ),
    CommonMetric("Total Input Tokens", "", "ΣInputTokens", lambda totals: totals.inputs),
    CommonMetric("Prefill Token Throughput", "token/s", "ΣInputTokens / ΣTTFT", _prefill_throughput, streams_only=True),
    CommonMetric("Total Generated Tokens", "", "ΣOutputTokens", lambda totals: totals.outputs),
    CommonMetric(
        *("Input Token Throughput", "token/s", "ΣInputTokens / Duration"),
        lambda totals: totals.per_second(totals.inputs),
    ),
    CommonMetric(
        *("Output Token Throughput", "token/s", "ΣOutputTokens / Duration"),
        lambda totals: totals.per_second(totals.output_in_stage),
        headline=True,
    ),
    CommonMetric(
        *(f"Output Token Throughput{WHOLE}", "token/s", "ΣOutputTokens of the requests begun inside / Duration"),
        lambda totals: totals.per_second(totals.outputs),
        windows_only=True,
    ),
    CommonMetric(
        *("Total Token Throughput", "token/s", "(ΣInputTokens + ΣOutputTokens) / Duration"),
        lambda totals: totals.per_second(totals.with_input(totals.output_in_stage)),
    ),
    CommonMetric(
        *(f"Total Token Throughput{WHOLE}", "token/s", "the same of the requests begun inside / Duration"),
        lambda totals: totals.per_second(totals.with_input(totals.outputs)),
        windows_only=True,
    ),
)


def arrived_tokens(whole: Selection, window: Window) -> int:
    """Of the successful requests of the whole run, to the nearest token.

    A request's tokens are spread over its output events as the service says, else evenly. One without token times
    counts at its end.
    """
    rows, tokens = whole.rows, output_tokens(whole.rows)
    first = np.where(whole.streamed_mask, rows["first_token_ns"], rows["end_ns"])
    last = np.where(whole.streamed_mask, rows["last_token_ns"], rows["end_ns"])
    inside = whole.ok_mask & window.holds(first) & window.holds(last)
    touching = whole.streamed_mask & ~inside & (last >= window.begin_ns) & (first <= window.end_ns)
    crossing = math.fsum(_share(whole, window, row) * int(tokens[row]) for row in np.flatnonzero(touching).tolist())
    return int(tokens[inside].sum()) + round(crossing)


def _share(whole: Selection, window: Window, row: int) -> float:
    """The part of a request's output that arrived inside."""
    inside = window.holds(whole.recording.token_ns(row))
    tokens = whole.recording.event_tokens(row) if flagged(whole.rows[row : row + 1], "event_tokens")[0] else None
    if tokens is None or not tokens.any():
        return float(np.count_nonzero(inside)) / inside.size
    return float(tokens[inside].sum(dtype=np.int64)) / float(tokens.sum(dtype=np.int64))
