"""llm-d's Benchmark Report, version 0.2.1.

Schema: llm-d/llm-d-benchmark, llmdbenchmark/analysis/benchmark_report/schema_v0_2_1.py at
566a75967a4f7257f240091fc3e5fa68d93dba17, schema_v0_2.py at 32445ce29634beaedb7c487e10127526f766d128, base.py at
3b7decff5fe82e51778b8ba56d6dfb8b440c3109. Optional fields of which a recording says nothing are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastbench.answers.result_files.parts import (
    PERCENTS,
    Spread,
    distribution,
    first_sent_s,
    load_of,
    positive,
    sent_rows,
    wall_s,
)
from fastbench.metrics import E2EL, ITL, TPOT, TTFT, Computed, Metric, Rows, Selection
from fastbench.metrics.samples import ArraySamples, output_tokens, section
from fastbench.recording import OUTCOMES
from fastbench.units import NS_PER_S

VERSION = "0.2.1"
_CANCELLED = OUTCOMES.index("cancelled")
_COUNT, _BYTES, _S, _S_PER_TOKEN = "count", "bytes", "s", "s/token"
_MS_PER_S = 1_000


def llm_d_report(computed: Computed) -> dict[str, Any]:
    """The whole report. Latencies and rates are fastbench's own: rates over the time of successful requests."""
    selection = computed.selection
    return {
        "version": VERSION,
        "run": _run(computed),
        "scenario": {"load": _load(selection)},
        "results": {"request_performance": {"aggregate": _aggregate(computed)}},
    }


def _run(computed: Computed) -> dict[str, Any]:
    header, verdict = computed.selection.header, computed.metrics.verdict
    task = section(header, "task")
    measured = f"{task.get('model', '-')}/{task.get('dataset', '-')}"
    words = (f"Measured by fastbench: {measured}; the measurement is {verdict.word}.", *verdict.sentences)
    return {
        "uid": str(header.get("run_id") or _digest(header)),
        "time": _time(computed.selection),
        "description": " ".join(words),
        "keywords": ["fastbench", verdict.word],
    }


def _time(selection: Selection) -> dict[str, Any]:
    began, took = first_sent_s(selection), wall_s(selection)
    duration = {"duration": f"PT{took:.9f}S"}
    if began is None:
        return duration
    moments = {"start": began, "end": began + took}
    return {name: datetime.fromtimestamp(at, UTC).isoformat() for name, at in moments.items()} | duration


def _load(selection: Selection) -> dict[str, Any]:
    header, load = selection.header, load_of(selection)
    config = header.get("config")
    workers = section(header, "workers").get("count")
    rows = sent_rows(selection)
    standardized = {
        "tool": "fastbench",
        "tool_version": str(header.get("fastbench", "")),
        "parallelism": workers if isinstance(workers, int) and workers > 0 else 1,
        "source": _source(config),
        "input_seq_len": _lengths(rows["input_tokens"]) or _lengths(rows["planned_input"]) or _unknown(),
        "output_seq_len": _lengths(rows["planned_output"]),
        "rate_qps": positive(load, "rate"),
        "concurrency": positive(load, "concurrency"),
    }
    return {
        "metadata": {"cfg_id": _digest({"load": load, "config": config})},
        "standardized": {name: value for name, value in standardized.items() if value is not None},
        "native": {"config": config if isinstance(config, Mapping) else {}},
    }


def _source(config: object) -> str:
    """How the tokens of prompts come about."""
    datasets = config.get("datasets") if isinstance(config, Mapping) else None
    if not isinstance(datasets, list) or not datasets or not isinstance(datasets[0], Mapping):
        return "unknown"
    return "random" if "synthetic" in str(datasets[0].get("type", "")).lower() else "sampled"


def _lengths(tokens: NDArray[np.int32]) -> dict[str, Any] | None:
    """A sequence length; None where no request says one."""
    known = tokens[tokens > 0].astype(np.int64)
    if not known.size:
        return None
    least, most = int(known.min()), int(known.max())
    if least == most:
        return {"distribution": "fixed", "value": least}
    mean = int(known.sum()) / int(known.size)
    return {"distribution": "other", "value": mean, "std_dev": float(known.std()), "min": least, "max": most}


def _unknown() -> dict[str, Any]:
    return {"distribution": "other", "value": 0}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _aggregate(computed: Computed) -> dict[str, Any]:
    selection = computed.selection
    sent, ok = sent_rows(selection), selection.ok
    cancelled = int(np.count_nonzero(sent["outcome"] == _CANCELLED))
    inputs = ok["input_tokens"][ok["input_tokens"] >= 0].astype(np.int64)
    requests = {
        "total": int(sent.size),
        "failures": int(sent.size) - int(ok.size) - cancelled,
        "incomplete": cancelled,
        "input_length": _statistics(ArraySamples(inputs), _COUNT),
        "output_length": _statistics(ArraySamples(output_tokens(ok)), _COUNT),
        "request_size": _statistics(ArraySamples(ok["sent_bytes"].astype(np.int64)), _BYTES),
    }
    return {
        "requests": _known(requests),
        "latency": _known(_latency(selection)),
        "throughput": _known(_rates(computed)),
    }


def _latency(selection: Selection) -> dict[str, Any]:
    counted = selection.ok[output_tokens(selection.ok) > 0]
    return {
        "time_to_first_token": _of(TTFT, selection, _S),
        "normalized_time_per_output_token": _statistics(ArraySamples(_per_token(counted)), _S_PER_TOKEN, NS_PER_S),
        "time_per_output_token": _of(TPOT, selection, _S_PER_TOKEN),
        "inter_token_latency": _of(ITL, selection, _S_PER_TOKEN),
        "request_latency": _of(E2EL, selection, _S),
    }


def _per_token(rows: Rows) -> NDArray[np.float64]:
    return np.asarray((rows["end_ns"] - rows["sent_ns"]) / output_tokens(rows), np.float64)


def _of(metric: Metric, selection: Selection, units: str) -> dict[str, Any] | None:
    if not metric.fits(selection):
        return None
    samples: Any = metric.samples_of(selection)
    return _statistics(samples, units, metric.scale * _MS_PER_S)


def _rates(computed: Computed) -> dict[str, Any]:
    rates = {
        "input_token_rate": ("Input Token Throughput", "tokens/s"),
        "output_token_rate": ("Output Token Throughput", "tokens/s"),
        "total_token_rate": ("Total Token Throughput", "tokens/s"),
        "request_rate": ("Request Throughput", "queries/s"),
    }
    figures = {name: (computed.figure(row), units) for name, (row, units) in rates.items()}
    return {name: None if mean is None else {"units": units, "mean": mean} for name, (mean, units) in figures.items()}


def _statistics(samples: Spread, units: str, scale: float = 1) -> dict[str, Any] | None:
    """Its `Statistics`; None without samples."""
    found = distribution(samples, scale)
    if found is None:
        return None
    names = (f"p{percent:g}".replace(".", "p") for percent in PERCENTS)
    return {
        "units": units,
        "mean": found.mean,
        "stddev": found.deviation,
        "min": found.minimum,
        **dict(zip(names, found.percentiles, strict=True)),
        "max": found.maximum,
    }


def _known(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part is not None}
