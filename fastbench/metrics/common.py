"""The table "Common Metric": one value for the whole stage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fastbench.metrics.model import Common, Number
from fastbench.metrics.parameters import e2el_ns, known_input, ttft_ns
from fastbench.metrics.selection import Rows, Selection, output_tokens, section
from fastbench.metrics.statistics import ArraySamples
from fastbench.metrics.timeline import InFlight
from fastbench.units import NS_PER_MS, NS_PER_S

WHOLE = " (whole-request rule)"
"""Behind the name of a figure by the original's rule: the tokens of the requests that began inside, over the window."""


def common(selection: Selection, total: int, failed: int, arrived: int | None) -> tuple[Common, ...]:
    """The rows in the guide's order. total: the number of requests planned; failed: those of them that failed.
    arrived: the tokens that arrived in the stage's window, None for the whole run."""
    ok = selection.ok
    duration_ns = length_ns(selection)
    known = known_input(ok)
    # A sum over some of the requests is no total.
    inputs = int(known["input_tokens"].sum(dtype=np.int64)) if known.size == ok.size else None
    outputs = int(output_tokens(ok).sum())

    def per_second(amount: int | None) -> Number:
        return amount * NS_PER_S / duration_ns if duration_ns and amount is not None else None

    def throughput(name: str, inputs: int | None, outputs: int) -> Iterator[Common]:
        def row(end: str, outputs: int) -> Common:
            return Common(name + end, "token/s", per_second(None if inputs is None else inputs + outputs))

        yield row("", outputs if arrived is None else arrived)
        if arrived is not None:
            yield row(WHOLE, outputs)

    rows = [
        Common("Benchmark Duration", "ms", duration_ns / NS_PER_MS if ok.size else None),
        Common("Total Requests", "", total),
        Common("Failed Requests", "", failed),
        Common("Success Requests", "", ok.size),
        Common("Concurrency", "", _concurrency(selection, duration_ns)),
        Common("Max Concurrency", "", _max_concurrency(selection)),
        Common("Request Throughput", "req/s", per_second(ok.size)),
        Common("Total Input Tokens", "", inputs),
        Common("Prefill Token Throughput", "token/s", _prefill_throughput(selection)),
        Common("Total Generated Tokens", "", outputs),
        Common("Input Token Throughput", "token/s", per_second(inputs)),
        *throughput("Output Token Throughput", 0, outputs),
        *throughput("Total Token Throughput", inputs, outputs),
    ]
    return tuple(row for row in rows if selection.is_stream or row.name != "Prefill Token Throughput")


def length_ns(selection: Selection) -> int:
    """How long the stage lasted."""
    window = selection.window
    return span_ns(selection.ok) if window is None else window.end_ns - window.begin_ns


def _concurrency(selection: Selection, duration_ns: int) -> Number:
    """ΣE2EL / Duration; in a window, of the time that successful requests spent inside it."""
    if not duration_ns:
        return None
    if selection.window is None:
        return ArraySamples(e2el_ns(selection.ok)).total / duration_ns
    flight = InFlight.of(Selection(selection.recording).ok)
    return flight.mean(selection.window.begin_ns, selection.window.end_ns)


def span_ns(rows: Rows) -> int:
    """From the first request sent to the last one's end; 0 without rows."""
    return int(rows["end_ns"].max() - rows["sent_ns"].min()) if rows.size else 0


def max_concurrency(selection: Selection) -> int | None:
    """The configured limit of requests in flight; None where there is none."""
    limit = section(selection.header, "load").get("concurrency")
    return limit if isinstance(limit, int) else None


def _max_concurrency(selection: Selection) -> int | None:
    """As the guide has it: `batch_size` even where it limits nothing, as with a trace's time stamps."""
    models = section(selection.header, "config").get("models")
    size = models[0].get("batch_size") if isinstance(models, list) and models and isinstance(models[0], dict) else None
    limit = max_concurrency(selection)
    return limit if limit is not None or not isinstance(size, int) else size


def _prefill_throughput(selection: Selection) -> Number:
    """ΣInputTokens / ΣTTFT, token/s."""
    known = known_input(selection.streamed)
    ttft = ArraySamples(ttft_ns(known)).total
    return int(known["input_tokens"].sum(dtype=np.int64)) * NS_PER_S / ttft if ttft > 0 else None
