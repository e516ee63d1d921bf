"""vLLM's result file: what `vllm bench serve --save-result` writes.

Fields: vllm-project/vllm at 009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1, vllm/benchmarks/serve.py (`benchmark`,
`main_async`). The numbers are by vLLM's rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

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
from fastbench.metrics.samples import OK, ArraySamples, arrivals, output_tokens, section, token_times
from fastbench.metrics.server import outer_scrapes, spec_decode_of
from fastbench.recording import Recording
from fastbench.units import NS_PER_S

MOST_GAPS = 20_000_000
"""As many are some 400 MB of JSON."""
_BACKENDS = {"openai-completions": "openai", "openai-chat": "openai-chat"}
_SUFFIXES = {"TTFT": "ttft", "TPOT": "tpot", "ITL": "itl", "E2EL": "e2el"}
_US_PER_S, _NS_PER_MS = 1_000_000, 1_000_000
_QUEUE, _WITH_QUEUE = "client_queue_time", "e2el_including_client_queue"


class VllmAsked(NamedTuple):
    """What a command of vLLM's is asked for.

    metrics: `ttft`, `tpot`, `itl`, `e2el`, `client_queue_time`, `e2el_including_client_queue`. limits_ms: of goodput,
    by metric. limited: whether requests wait for a place. at_once: whether all want to go out at the start. ramp:
    strategy, and rates at the start and the end. texts: the replies', by request.
    """

    percents: tuple[float, ...] = PERCENTS
    metrics: tuple[str, ...] = ("ttft", "tpot", "itl", "e2el")
    limits_ms: Mapping[str, float] = {}
    limited: bool = False
    at_once: bool = False
    ramp: tuple[str, float, float] | None = None
    detailed: bool = False
    texts: Mapping[int, str] = {}


def vllm_result(computed: Computed, *, detailed: bool = False) -> dict[str, Any]:
    """detailed: the lists with a value of each request too, as with `--save-detailed`. UsageError where they would be
    too long."""
    selection, asked = computed.selection, VllmAsked()
    lists = _lists(selection, asked) | _itls(selection) if detailed else {}
    return {**_head(computed), **_sums(selection, {}), **lists, **_peaks(selection), **_latencies(selection, asked)}


def vllm_numbers(computed: Computed, asked: VllmAsked) -> dict[str, Any]:
    """What its command itself has measured: all of the file but what it was told. The lists too, without `detailed` not
    that of gaps. UsageError where they would be too long."""
    selection = computed.selection
    return {
        **_sums(selection, asked.limits_ms),
        **_lists(selection, asked),
        **(_itls(selection) if asked.detailed else {}),
        **_peaks(selection),
        **_changes(selection, asked.ramp),
        **_speculation(computed),
        **_latencies(selection, asked),
        **_queues(selection, asked),
    }


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


def _sums(selection: Selection, limits_ms: Mapping[str, float]) -> dict[str, Any]:
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
        "request_goodput": rate(_good(ok, limits_ms)) if limits_ms else None,
        "output_throughput": rate(outputs),
        "total_token_throughput": rate(inputs + outputs),
    }


def _good(rows: Rows, limits_ms: Mapping[str, float]) -> int:
    """How many successful requests keep all limits; the time per token of a single one is 0."""
    sent, first, last = (rows[name].astype(np.float64) for name in ("sent_ns", "first_token_ns", "last_token_ns"))
    tokens = output_tokens(rows)
    values = {
        "ttft": first - sent,
        "tpot": np.where(tokens > 1, (last - first) / np.maximum(tokens - 1, 1), 0.0),
        "e2el": last - sent,
    }
    kept = [values[name] <= limit * _NS_PER_MS for name, limit in limits_ms.items()]
    return int(np.count_nonzero(np.logical_and.reduce(kept)))


def _peaks(selection: Selection) -> dict[str, Any]:
    """Of output events in a second since the first request, and of requests that were in flight within one."""
    streamed = selection.streamed
    if not streamed.size:
        return {"max_output_tokens_per_s": 0.0, "max_concurrent_requests": 0, "rtfx": 0.0}
    origin = int(streamed["sent_ns"].min())
    bins = -((origin - int(streamed["last_token_ns"].max())) // NS_PER_S) + 1
    events = arrivals(selection.recording, selection.streamed_mask, origin, NS_PER_S, bins)
    begun, ended = ((streamed[name] - origin) // NS_PER_S for name in ("sent_ns", "last_token_ns"))
    within = np.cumsum(np.bincount(begun, minlength=bins + 1) - np.bincount(ended + 1, minlength=bins + 1)[: bins + 1])
    return {"max_output_tokens_per_s": float(events.max()), "max_concurrent_requests": int(within.max()), "rtfx": 0.0}


def _changes(selection: Selection, ramp: tuple[str, float, float] | None) -> dict[str, Any]:
    """When a rising rate came to each whole number, by the requests that were due then."""
    rows, began = sent_rows(selection), first_sent_s(selection)
    if ramp is None or began is None:
        return {}
    strategy, start, end = ramp
    progress = rows["request"] / max(int(selection.final.size) - 1, 1)
    rates = start * (end / start) ** progress if strategy == "exponential" else start + (end - start) * progress
    moments = began + (rows["sent_ns"] - rows["sent_ns"].min()) / NS_PER_S
    levels = np.floor(rates + 1e-9).astype(np.int64)
    found = [(int(start), began)]
    for level, moment in zip(levels.tolist(), moments.tolist(), strict=True):
        found += [(rate, moment) for rate in range(found[-1][0] + 1, level + 1)]
    return {
        "rps_change_events": [
            {"rps": rate, "timestamp": datetime.fromtimestamp(moment).isoformat()} for rate, moment in found
        ]
    }


def _speculation(computed: Computed) -> dict[str, Any]:
    """Of the first service that speculates."""
    rates = (one.data for one in spec_decode_of(outer_scrapes(computed.selection.recording)))
    found = next(filter(None, rates), None)
    if found is None:
        return {}
    return {
        "spec_decode_acceptance_rate": found.acceptance_rate,
        "spec_decode_acceptance_length": found.acceptance_length or 0.0,
        "spec_decode_num_drafts": found.num_drafts,
        "spec_decode_draft_tokens": found.draft_tokens,
        "spec_decode_accepted_tokens": found.accepted_tokens,
        "spec_decode_per_position_acceptance_rates": [
            found.per_position_acceptance_rates[place] for place in sorted(found.per_position_acceptance_rates)
        ],
    }


def _latencies(selection: Selection, asked: VllmAsked) -> dict[str, Any]:
    if not selection.is_stream:
        return {}
    found: dict[str, Any] = {}
    replies = Replies(selection)
    for rule in NUMBER_DIALECTS["vllm"].rules:
        name = _SUFFIXES[rule.metric]
        if name in asked.metrics:
            samples: Any = rule.series.samples(replies)
            found |= _statistics(name, samples, rule.series.scale, asked.percents)
    return found


def _queues(selection: Selection, asked: VllmAsked) -> dict[str, Any]:
    """How long successful requests waited for a place, and with their latency."""
    if not asked.limited:
        return {}
    rows = sent_rows(selection)
    rows, waited = rows[rows["outcome"] == OK], _waited_ns(rows, asked)[rows["outcome"] == OK]
    latency = rows["last_token_ns"] - rows["sent_ns"]
    series = {_QUEUE: waited} if asked.at_once else {_QUEUE: waited, _WITH_QUEUE: waited + latency}
    found: dict[str, Any] = {}
    for name, values in series.items():
        if name in asked.metrics:
            found |= _statistics(name, ArraySamples(values), _NS_PER_MS, asked.percents)
    return found


def _statistics(name: str, samples: Any, scale: float, percents: tuple[float, ...]) -> dict[str, Any]:
    spread = distribution(samples, scale, (50, *percents))
    # Without samples it has 0, as of a list that holds one 0.
    median, *others = spread.percentiles if spread else (0.0,) * (len(percents) + 1)
    return {
        f"mean_{name}_ms": spread.mean if spread else 0.0,
        f"median_{name}_ms": median,
        f"std_{name}_ms": spread.deviation if spread else 0.0,
        **{f"p{percent:g}_{name}_ms": value for percent, value in zip(percents, others, strict=True)},
    }


def _waited_ns(rows: Rows, asked: VllmAsked) -> NDArray[np.int64]:
    """(rows,): from when a request wanted to go out to when it did."""
    wanted = rows["sent_ns"].min(initial=np.iinfo(np.int64).max) if asked.at_once else rows["intended_ns"]
    known = asked.at_once | (rows["intended_ns"] > 0)
    return np.where(known, np.maximum(rows["sent_ns"] - wanted, 0), 0)


def _lists(selection: Selection, asked: VllmAsked) -> dict[str, Any]:
    """A value of each request that went out, in the order of the plan; 0 and nothing of failed ones."""
    rows = sent_rows(selection)
    ok = rows["outcome"] == OK
    streamed = ok & (rows["first_token_ns"] > 0)
    reasons = _reasons(selection)
    return {
        "input_lens": np.maximum(rows["input_tokens"], 0).tolist(),
        "output_lens": np.where(ok, output_tokens(rows), 0).tolist(),
        "ttfts": _between_s(rows, "sent_ns", "first_token_ns", streamed),
        "latencies": _between_s(rows, "sent_ns", "last_token_ns", streamed),
        "start_times": (rows["sent_ns"] / NS_PER_S).tolist(),
        "queue_times": (_waited_ns(rows, asked) / NS_PER_S).tolist(),
        "generated_texts": [asked.texts.get(request, "") for request in rows["request"].tolist()],
        "errors": ["" if good else reasons.get(request, "failed") for request, good in _pairs(rows["request"], ok)],
    }


def _itls(selection: Selection) -> dict[str, Any]:
    """The gaps of each request, s. UsageError where they are too many."""
    rows = sent_rows(selection)
    gaps = int(np.maximum(rows["events"].astype(np.int64) - 1, 0).sum())
    if gaps > MOST_GAPS:
        raise UsageError(
            f"the recording has {gaps:,} gaps, more than the {MOST_GAPS:,} that lists in a JSON file can hold: leave "
            "--tokens out, or take --format parquet --tokens"
        )
    streamed = (rows["outcome"] == OK) & (rows["first_token_ns"] > 0)
    found = _gaps_s(selection.recording)
    return {"itls": [found.get(request, []) if good else [] for request, good in _pairs(rows["request"], streamed)]}


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
