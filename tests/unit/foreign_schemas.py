"""What the readers of other tools' files ask of them, as JSON Schemas of those parts that fastbench writes.

llm-d: the classes of llm-d/llm-d-benchmark, llmdbenchmark/analysis/benchmark_report/: schema_v0_2_1.py at
566a75967a4f7257f240091fc3e5fa68d93dba17, schema_v0_2.py at 32445ce29634beaedb7c487e10127526f766d128 (as vendored in
kubernetes-sigs/inference-perf, inference_perf/reportgen/br/v0_2/schema_v0_2.py at
2a355e0502d8421e16e6ec1ee6c4c645a9475063), base.py at 3b7decff5fe82e51778b8ba56d6dfb8b440c3109. Their classes forbid
fields that they do not have, and so do these. An object here has the name of its class.

vLLM: vllm-project/vllm, vllm/benchmarks/serve.py at 009e6d4a1cd6ba3fb2a9fc00f4ec06f5297232a1.
"""

from __future__ import annotations

from typing import Any

PERCENTS = ("0.1", "1", "5", "10", "25", "50", "75", "90", "95", "99", "99.9")
TEXT, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
MAP = {"type": "object"}
COUNT = {"type": "integer", "minimum": 0}


def closed(required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """An object with these fields and no others."""
    properties = {**required, **optional}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def statistics(*units: str) -> dict[str, Any]:
    """`Statistics`, in one of the units that the field's class takes."""
    names = ("mode", "min", *(f"p{percent.replace('.', 'p')}" for percent in PERCENTS), "max")
    optional = {"stddev": {"type": "number", "minimum": 0}, **dict.fromkeys(names, NUMBER)}
    return closed({"units": {"enum": list(units)}, "mean": NUMBER}, optional)


QUANTITY, TIME = ("count", "pixels"), ("ms", "s")
MEMORY = ("bytes", "MB", "GB", "TB", "MiB", "GiB", "TiB")
GEN_LATENCY, GEN_THROUGHPUT, REQUEST_THROUGHPUT = ("ms/token", "s/token"), ("tokens/s",), ("queries/s",)

AGGREGATE_REQUESTS = closed(
    {"total": COUNT},
    {
        "failures": COUNT,
        "incomplete": COUNT,
        "input_length": statistics(*QUANTITY),
        "output_length": statistics(*QUANTITY),
        "request_size": statistics(*MEMORY),
    },
)
AGGREGATE_LATENCY = closed(
    {},
    {
        "time_to_first_token": statistics(*TIME),
        "normalized_time_per_output_token": statistics(*GEN_LATENCY),
        "time_per_output_token": statistics(*GEN_LATENCY),
        "inter_token_latency": statistics(*GEN_LATENCY),
        "request_latency": statistics(*TIME),
    },
)
AGGREGATE_THROUGHPUT = closed(
    {},
    {
        **dict.fromkeys(("input_token_rate", "output_token_rate", "total_token_rate"), statistics(*GEN_THROUGHPUT)),
        "request_rate": statistics(*REQUEST_THROUGHPUT),
    },
)
SEQUENCE_LENGTH = closed(
    {
        "distribution": {"enum": ["fixed", "gaussian", "uniform", "other"]},
        "value": {"type": "number", "minimum": 0},
    },
    {
        "std_dev": {"type": "number", "minimum": 0},
        "min": COUNT,
        "max": {"type": "integer", "minimum": 1},
    },
)
LOAD_STANDARDIZED = closed(
    {
        "tool": TEXT,
        "tool_version": TEXT,
        "source": {"enum": ["random", "sampled", "unknown"]},
        "input_seq_len": SEQUENCE_LENGTH,
    },
    {
        "parallelism": {"type": "integer", "minimum": 1},
        "stage": COUNT,
        "output_seq_len": SEQUENCE_LENGTH,
        "rate_qps": {"type": "number", "exclusiveMinimum": 0},
        "concurrency": {"type": "integer", "minimum": 1},
    },
)
LOAD = closed(
    {
        "metadata": closed({}, {"schema_version": TEXT, "cfg_id": TEXT, "description": TEXT}),
        "standardized": LOAD_STANDARDIZED,
        "native": closed({}, {"args": MAP, "envars": MAP, "config": {}}),
    },
    {},
)
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$"}
RUN = closed(
    {"uid": TEXT},
    {
        **dict.fromkeys(("eid", "cid", "pid", "user", "description"), TEXT),
        "time": closed({}, {"start": MOMENT, "end": MOMENT, "duration": {"type": "string", "pattern": r"^PT[\d.]+S$"}}),
        "keywords": {"type": "array", "items": TEXT},
    },
)
AGGREGATE = closed(
    {},
    {"requests": AGGREGATE_REQUESTS, "latency": AGGREGATE_LATENCY, "throughput": AGGREGATE_THROUGHPUT},
)
LLM_D_REPORT = closed(
    {
        "run": RUN,
        "results": closed({}, {"request_performance": closed({}, {"aggregate": AGGREGATE})}),
        "version": {"const": "0.2.1"},
    },
    {"scenario": closed({}, {"load": LOAD})},
)

NULL = {"type": "null"}
VLLM_HEAD = {
    "date": {"type": "string", "pattern": r"^\d{8}-\d{6}$"},
    "endpoint_type": TEXT,
    "backend": TEXT,
    "label": {"type": ["string", "null"]},
    "model_id": TEXT,
    "tokenizer_id": {"type": ["string", "null"]},
    "num_prompts": COUNT,
    "request_rate": {"anyOf": [{"const": "inf"}, NUMBER]},
    "burstiness": NUMBER,
    "max_concurrency": {"type": ["integer", "null"]},
}
VLLM_RESULT = {
    "duration": NUMBER,
    "completed": COUNT,
    "failed": COUNT,
    "total_input_tokens": COUNT,
    "total_output_tokens": COUNT,
    "request_throughput": NUMBER,
    "request_goodput": {"type": ["number", "null"]},
    "output_throughput": NUMBER,
    "total_token_throughput": NUMBER,
    "max_output_tokens_per_s": NUMBER,
    "max_concurrent_requests": COUNT,
    "rtfx": NUMBER,
}
VLLM_METADATA = {"fastbench_version": TEXT, "fastbench_verdict": {"enum": ["VALID", "INVALID"]}}
"""Further names, as its option --metadata gives them."""


def list_of(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


VLLM_LISTS = {
    **dict.fromkeys(("input_lens", "output_lens"), list_of(COUNT)),
    **dict.fromkeys(("ttfts", "latencies", "start_times", "queue_times"), list_of(NUMBER)),
    "itls": list_of(list_of(NUMBER)),
    **dict.fromkeys(("generated_texts", "errors"), list_of(TEXT)),
}
VLLM_LATENCIES = {
    f"{statistic}_{metric}_ms": NUMBER
    for metric in ("ttft", "tpot", "itl", "e2el")
    for statistic in ("mean", "median", "std", *(f"p{percent}" for percent in PERCENTS))
}


def vllm_file(*, stream: bool = True, detailed: bool = False) -> dict[str, Any]:
    """Its file: of streams with latencies, with --save-detailed with lists."""
    fields = {**VLLM_HEAD, **VLLM_RESULT, **VLLM_METADATA}
    return closed({**fields, **(VLLM_LATENCIES if stream else {}), **(VLLM_LISTS if detailed else {})}, {})
