"""vLLM's result file: what `vllm bench serve --save-result` writes.

Fields: vllm-project/vllm at 009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1, vllm/benchmarks/serve.py (`benchmark`,
`main_async`). The numbers are by vLLM's rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.number_dialects import NUMBER_DIALECTS
from fastbench.answers.number_dialects.replies import Replies
from fastbench.answers.result_files.parts import (
    PERCENTS,
    distribution,
    first_sent_s,
    load_of,
    positive,
    sent_rows,
    wall_s,
)
from fastbench.errors import UsageError
from fastbench.metrics import Computed, Rows, Selection
from fastbench.metrics.samples import OK, InFlight, arrivals, output_tokens, section, token_times
from fastbench.recording import Recording
from fastbench.units import NS_PER_S

MOST_GAPS = 20_000_000
"""As many are some 400 MB of JSON."""
_BACKENDS = {"openai-completions": "openai", "openai-chat": "openai-chat"}
_SUFFIXES = {"TTFT": "ttft", "TPOT": "tpot", "ITL": "itl", "E2EL": "e2el"}
_US_PER_S = 1_000_000


def vllm_result(computed: Computed, *, detailed: bool = False) -> dict[str, Any]:
    """detailed: the lists with a value of each request too, as with `--save-detailed`. UsageError where they would be
    too long."""
    selection = computed.selection
    lists = _lists(selection) if detailed else {}
    return {**_head(computed), **_sums(selection), **lists, **_peaks(selection), **_latencies(selection)}


def _head(computed: Computed) -> dict[str, Any]:
    selection = computed.selection
    service, load = section(selection.header, "service"), load_of(selection)
    began = first_sent_s(selection)
    backend = str(service.get("backend", "openai"))
    rate = positive(load, "rate")
    return {
        "date": datetime.fromtimestamp(began or 0.0, UTC).strftime("%Y%m%d-%H%M%S"),
        "endpoint_type": _BACKENDS.get(backend, backend),
        "backend": _BACKENDS.get(backend, backend),
        "label": None,
        "model_id": str(service.get("model", "")),
        "tokenizer_id": None,
        "num_prompts": sum(computed.metrics.outcomes.values()),
        # As its --metadata has them: further names beside its own.
        "fastbench_version": str(selection.header.get("fastbench", "")),
        "fastbench_verdict": computed.metrics.verdict.word,
        "request_rate": "inf" if rate is None else rate,
        "burstiness": positive(load, "burstiness") or 1.0,
        "max_concurrency": positive(load, "concurrency"),
    }


def _sums(selection: Selection) -> dict[str, Any]:
    ok, seconds = selection.ok, wall_s(selection)
    inputs = int(np.maximum(ok["input_tokens"], 0).sum(dtype=np.int64))
    outputs = int(output_tokens(ok).sum())

    def rate(amount: int) -> float:
        return amount / seconds if seconds else 0.0

    return {
        "duration": seconds,
        "completed": int(ok.size),
        "failed": int(sent_rows(selection).size - ok.size),
        "total_input_tokens": inputs,
        "total_output_tokens": outputs,
        "request_throughput": rate(int(ok.size)),
        "request_goodput": None,
        "output_throughput": rate(outputs),
        "total_token_throughput": rate(inputs + outputs),
    }


def _peaks(selection: Selection) -> dict[str, Any]:
    """Of output events in a second since the first request, and of requests in flight."""
    streamed = selection.streamed
    if not streamed.size:
        return {"max_output_tokens_per_s": 0.0, "max_concurrent_requests": 0, "rtfx": 0.0}
    origin = int(streamed["sent_ns"].min())
    bins = -((origin - int(streamed["last_token_ns"].max())) // NS_PER_S) + 1
    events = arrivals(selection.recording, selection.streamed_mask, origin, NS_PER_S, bins)
    flight = InFlight(np.sort(streamed["sent_ns"]), np.sort(streamed["last_token_ns"]))
    return {"max_output_tokens_per_s": float(events.max()), "max_concurrent_requests": flight.peak, "rtfx": 0.0}


def _latencies(selection: Selection) -> dict[str, Any]:
    if not selection.is_stream:
        return {}
    found: dict[str, Any] = {}
    replies = Replies(selection)
    for rule in NUMBER_DIALECTS["vllm"].rules:
        name = f"{_SUFFIXES[rule.metric]}_ms"
        samples: Any = rule.series.samples(replies)
        spread = distribution(samples, rule.series.scale)
        # Without samples it has 0, as of a list that holds one 0.
        percentiles = spread.percentiles if spread else (0.0,) * len(PERCENTS)
        by_percent = dict(zip(PERCENTS, percentiles, strict=True))
        found[f"mean_{name}"] = spread.mean if spread else 0.0
        found[f"median_{name}"] = by_percent[50]
        found[f"std_{name}"] = spread.deviation if spread else 0.0
        found |= {f"p{percent:g}_{name}": value for percent, value in by_percent.items()}
    return found


def _lists(selection: Selection) -> dict[str, Any]:
    """A value of each request that went out, in the order of the plan; 0 and nothing of failed ones."""
    rows = sent_rows(selection)
    gaps = int(np.maximum(rows["events"].astype(np.int64) - 1, 0).sum())
    if gaps > MOST_GAPS:
        raise UsageError(
            f"the recording has {gaps:,} gaps, more than the {MOST_GAPS:,} that lists in a JSON file can hold: leave "
            "--tokens out, or take --format parquet --tokens"
        )
    ok = rows["outcome"] == OK
    streamed = ok & (rows["first_token_ns"] > 0)
    itls = _gaps_s(selection.recording)
    reasons = _reasons(selection)
    return {
        "input_lens": np.maximum(rows["input_tokens"], 0).tolist(),
        "output_lens": np.where(ok, output_tokens(rows), 0).tolist(),
        "ttfts": _between_s(rows, "sent_ns", "first_token_ns", streamed),
        "itls": [itls.get(request, []) if good else [] for request, good in _pairs(rows["request"], streamed)],
        "latencies": _between_s(rows, "sent_ns", "last_token_ns", streamed),
        "start_times": (rows["sent_ns"] / NS_PER_S).tolist(),
        "queue_times": _between_s(rows, "intended_ns", "sent_ns", rows["intended_ns"] > 0),
        "generated_texts": [""] * int(rows.size),
        "errors": ["" if good else reasons.get(request, "failed") for request, good in _pairs(rows["request"], ok)],
    }


def _pairs(requests: NDArray[np.int64], known: NDArray[np.bool_]) -> Iterator[tuple[int, bool]]:
    return zip(requests.tolist(), known.tolist(), strict=True)


def _between_s(rows: Rows, begin: str, end: str, known: NDArray[np.bool_]) -> list[float]:
    values: list[float] = np.where(known, (rows[end] - rows[begin]) / NS_PER_S, 0.0).tolist()
    return values


def _gaps_s(recording: Recording) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for times in token_times(recording):
        gaps = (times.gaps_us / _US_PER_S).tolist()
        edges = times.offsets.tolist()
        for at, request in enumerate(times.requests.tolist()):
            found[request] = gaps[edges[at] + 1 : edges[at + 1]]
    return found


def _reasons(selection: Selection) -> dict[int, str]:
    """By request, why it failed."""
    messages = selection.recording.messages
    numbers = np.flatnonzero(selection.final_mask).tolist()
    rows = selection.rows
    return {
        int(rows["request"][number]): messages[number].decode("utf-8", "replace")
        for number in numbers
        if number in messages
    }
