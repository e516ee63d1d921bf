"""The table "Common Metric": one value for the whole stage."""

from __future__ import annotations

import numpy as np

from fastbench.metrics.model import Common, Number
from fastbench.metrics.parameters import e2el_ns, known_input, ttft_ns
from fastbench.metrics.selection import Rows, Selection, output_tokens, section
from fastbench.metrics.statistics import ArraySamples
from fastbench.units import NS_PER_MS, NS_PER_S


def common(selection: Selection, total: int) -> tuple[Common, ...]:
    """The rows in the guide's order. total: the number of requests planned."""
    ok = selection.ok
    duration_ns = span_ns(ok)
    known = known_input(ok)
    # A sum over some of the requests is no total.
    inputs = int(known["input_tokens"].sum(dtype=np.int64)) if known.size == ok.size else None
    outputs = int(output_tokens(ok).sum())

    def per_second(amount: int | None) -> Number:
        return amount * NS_PER_S / duration_ns if duration_ns and amount is not None else None

    rows = [
        Common("Benchmark Duration", "ms", duration_ns / NS_PER_MS if ok.size else None),
        Common("Total Requests", "", total),
        Common("Failed Requests", "", total - ok.size),
        Common("Success Requests", "", ok.size),
        Common("Concurrency", "", ArraySamples(e2el_ns(ok)).total / duration_ns if duration_ns else None),
        Common("Max Concurrency", "", max_concurrency(selection)),
        Common("Request Throughput", "req/s", per_second(ok.size)),
        Common("Total Input Tokens", "", inputs),
        Common("Prefill Token Throughput", "token/s", _prefill_throughput(selection)),
        Common("Total Generated Tokens", "", outputs),
        Common("Input Token Throughput", "token/s", per_second(inputs)),
        Common("Output Token Throughput", "token/s", per_second(outputs)),
        Common("Total Token Throughput", "token/s", per_second(None if inputs is None else inputs + outputs)),
    ]
    return tuple(row for row in rows if selection.is_stream or row.name != "Prefill Token Throughput")


def span_ns(rows: Rows) -> int:
    """From the first request sent to the last one's end; 0 without rows."""
    return int(rows["end_ns"].max() - rows["sent_ns"].min()) if rows.size else 0


def max_concurrency(selection: Selection) -> int | None:
    """The configured limit of requests in flight; None where there is none."""
    limit = section(selection.header, "load").get("concurrency")
    return limit if isinstance(limit, int) else None


def _prefill_throughput(selection: Selection) -> Number:
    """ΣInputTokens / ΣTTFT, token/s."""
    known = known_input(selection.streamed)
    ttft = ArraySamples(ttft_ns(known)).total
    return int(known["input_tokens"].sum(dtype=np.int64)) * NS_PER_S / ttft if ttft > 0 else None
