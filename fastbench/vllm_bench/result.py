"""The file and the screen of `vllm bench serve`, of a run's numbers."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastbench.errors import RecordingError
from fastbench.vllm_bench.translation import Translated, metadata

_LISTS = ("input_lens", "output_lens", "start_times", "ttfts", "itls", "generated_texts", "errors")
"""What is in the file with --save-detailed alone."""
_TITLES = {
    "ttft": ("TTFT", "Time to First Token"),
    "tpot": ("TPOT", "Time per Output Token (excl. 1st token)"),
    "itl": ("ITL", "Inter-token Latency"),
    "e2el": ("E2EL", "End-to-end Latency"),
    "client_queue_time": ("Client Queue Time", "Client-side Queueing"),
    "e2el_including_client_queue": ("E2EL incl. Client Queue", "Queue-inclusive End-to-end Latency"),
}
_WIDTH = 50


def result_of(translated: Translated, numbers: Mapping[str, Any], model: str, now: datetime) -> dict[str, Any]:
    """The whole file. numbers: of the run, by vLLM's names. model: what the requests asked for."""
    values = translated.values
    named = values["model"] or model
    tokenizer = None if values["skip_tokenizer_init"] else values["tokenizer"] or named
    rate = values["request_rate"]
    head = {
        "date": now.strftime("%Y%m%d-%H%M%S"),
        "endpoint_type": values["backend"],
        "backend": values["backend"],
        "label": values["label"],
        "model_id": named,
        "tokenizer_id": tokenizer,
        "num_prompts": values["num_prompts"],
        **metadata(values),
        "request_rate": "inf" if math.isinf(rate) else rate,
        "burstiness": values["burstiness"],
        "max_concurrency": values["max_concurrency"],
    }
    if values["ramp_up_strategy"] is not None:
        head |= {name: values[name] for name in ("ramp_up_strategy", "ramp_up_start_rps", "ramp_up_end_rps")}
    kept = numbers if values["save_detailed"] else {name: numbers[name] for name in numbers if name not in _LISTS}
    return {**head, **kept}


def file_of(translated: Translated, model: str, now: datetime) -> Path | None:
    """Where the result goes; None = it is not to be saved."""
    values = translated.values
    if not (values["save_result"] or values["append_result"]):
        return None
    limit = values["max_concurrency"]
    held = f"-concurrency{limit}" if limit is not None else ""
    name = f"{held}-{(values['model'] or model).split('/')[-1]}-{now:%Y%m%d-%H%M%S}.json"
    label = values["label"] or values["backend"]
    if values["ramp_up_strategy"] is not None:
        start, end = values["ramp_up_start_rps"], values["ramp_up_end_rps"]
        name = f"{label}-ramp-up-{values['ramp_up_strategy']}-{start}qps-{end}qps{name}"
    else:
        name = f"{label}-{values['request_rate']}qps{name}"
    return Path(values["result_dir"] or "", values["result_filename"] or name)


def save(result: Mapping[str, Any], path: Path, *, append: bool) -> None:
    """The result as one line of JSON, behind those that are there if `append`. Raises RecordingError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Errors and texts repeat what the service said, and so perhaps a prompt: a new file is for the owner alone.
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
        with os.fdopen(os.open(path, flags, 0o600), "a" if append else "w", encoding="utf-8") as file:
            file.write("\n" if append and path.stat().st_size else "")
            json.dump(result, file)
    except OSError as error:
        raise RecordingError(f"{path}: the result cannot be written ({error.strerror})") from error


def lines(result: Mapping[str, Any], translated: Translated) -> Iterator[str]:
    """The block that `vllm bench serve` prints, for what reads it."""
    values = translated.values
    yield _title("Serving Benchmark Result", "=")
    yield _line("Successful requests:", result["completed"])
    yield _line("Failed requests:", result["failed"])
    if values["max_concurrency"] is not None:
        yield _line("Maximum request concurrency:", values["max_concurrency"])
    if values["request_rate"] != math.inf:
        yield _line("Request rate configured (RPS):", float(values["request_rate"]))
    yield _line("Benchmark duration (s):", result["duration"])
    yield _line("Total input tokens:", result["total_input_tokens"])
    yield _line("Total generated tokens:", result["total_output_tokens"])
    yield _line("Request throughput (req/s):", result["request_throughput"])
    if translated.goodput:
        yield _line("Request goodput (req/s):", result["request_goodput"])
    yield _line("Output token throughput (tok/s):", result["output_throughput"])
    yield _line("Peak output token throughput (tok/s):", result["max_output_tokens_per_s"])
    yield _line("Peak concurrent requests:", float(result["max_concurrent_requests"]))
    yield _line("Total token throughput (tok/s):", result["total_token_throughput"])
    for metric in translated.metrics:
        if f"mean_{metric}_ms" in result:
            yield from _latencies(metric, result, translated.percents)
    if "spec_decode_acceptance_rate" in result:
        yield _title("Speculative Decoding", "-")
        yield _line("Acceptance rate (%):", result["spec_decode_acceptance_rate"])
        yield _line("Acceptance length:", result["spec_decode_acceptance_length"])
        yield _line("Drafts:", result["spec_decode_num_drafts"])
        yield _line("Draft tokens:", result["spec_decode_draft_tokens"])
        yield _line("Accepted tokens:", result["spec_decode_accepted_tokens"])
    yield "=" * _WIDTH


def _latencies(metric: str, result: Mapping[str, Any], percents: tuple[float, ...]) -> Iterator[str]:
    short, title = _TITLES[metric]
    yield _title(title, "-")
    yield _line(f"Mean {short} (ms):", result[f"mean_{metric}_ms"])
    yield _line(f"Median {short} (ms):", result[f"median_{metric}_ms"])
    for percent in percents:
        yield _line(f"P{percent:g} {short} (ms):", result[f"p{percent:g}_{metric}_ms"])


def _title(text: str, mark: str) -> str:
    return f" {text} ".center(_WIDTH, mark) if mark == "=" else text.center(_WIDTH, mark)


def _line(name: str, value: float) -> str:
    return f"{name:<40} {value:<10.2f}" if isinstance(value, float) else f"{name:<40} {value:<10}"
