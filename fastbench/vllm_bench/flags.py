"""The flags of `vllm bench serve`, with vLLM's defaults: one entry each.

Names and defaults: vLLM 0.32, vllm/benchmarks/serve.py and vllm/benchmarks/datasets/datasets.py. Flags of earlier
releases that its documents still show are in `FORMER`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from fastbench.vllm_bench.flag import Flag, Form

BACKENDS = {
    "openai": "completions",
    "vllm": "completions",
    "openai-chat": "chat",
}
"""Those that can be honoured: the API that each speaks."""
OTHER_BACKENDS = {
    "openai-responses": "the Responses API is not spoken; --backend openai-chat measures the same model",
    "openai-audio": "fastbench sends no sound by itself; `fastbench perf --rows FILE` sends chats that hold some",
    **dict.fromkeys(
        (
            "openai-embeddings",
            "openai-embeddings-chat",
            "openai-embeddings-clip",
            "openai-embeddings-vlm2vec",
            "infinity-embeddings",
            "infinity-embeddings-clip",
            "vllm-pooling",
            "vllm-rerank",
        ),
        "fastbench measures generation, not embeddings, pooling or ranking",
    ),
}
"""Those that cannot, and why."""
_MEDIA = "pictures and sound are sent by `fastbench perf --rows FILE`, a file of whole requests"
DATASETS = (
    "random",
    "sharegpt",
    "custom",
    "spec_bench",
    "speed_bench",
    "burstgpt",
    "prefix_repetition",
    "timed_trace",
    "sonnet",
)
OTHER_DATASETS = {
    "hf": "fastbench downloads no data sets; save its rows as JSON lines with a prompt each and give --dataset-name "
    "custom --dataset-path FILE.jsonl",
    "random-mm": _MEDIA,
    "custom_image": _MEDIA,
    "custom_audio": _MEDIA,
    "random-rerank": "fastbench measures generation, not ranking",
}
METRICS = ("ttft", "tpot", "itl", "e2el", "client_queue_time", "e2el_including_client_queue")
"""What --percentile-metrics may name."""
_ELSEWHERE = "is not for the data sets that can be sent here"
_PAGE = "no effect: the report page that fastbench writes shows it"


def number(text: str) -> float:
    """A number, or inf. Raises ValueError, also for nan."""
    value = float(text)
    if math.isnan(value):
        raise ValueError
    return value


def _object(text: str) -> dict[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


def ratios(text: str) -> tuple[float, float]:
    """The range ratios of input and output, of one number or of a JSON object. Raises ValueError."""
    try:
        both = float(text)
    except ValueError:
        value = _object(text)
        if not {"input", "output"} <= value.keys():
            raise ValueError from None
        return float(str(value["input"])), float(str(value["output"]))
    return both, both


def _of_media(name: str, help_: str, default: object = None) -> Flag:
    return Flag(name, help_, default=default, refused=_ELSEWHERE)


_GENERAL = (
    Flag("backend", "API of the service.", "--api", default="openai", choices=(*BACKENDS, *OTHER_BACKENDS)),
    Flag("base-url", "Base URL of the service.", "--url"),
    Flag("host", "Its host, without --base-url.", "--url", default="127.0.0.1"),
    Flag("port", "Its port, without --base-url.", "--url", default=8000, parse=int),
    Flag("endpoint", "Path of the API.", "--url, with what stands before /v1", default="/v1/completions"),
    Flag("header", "KEY=VALUE...: request headers.", "--header", Form.SEVERAL),
    Flag(
        "model", "Model, and where its tokenizer is.  [default: the first one of the service]", "--model, --tokenizer"
    ),
    Flag("served-model-name", "Name of the model in requests.", "--model"),
    Flag(
        "tokenizer",
        "Tokenizer, if it is not the model's: a directory, or a name in Hugging Face's cache.",
        "--tokenizer",
    ),
    Flag("tokenizer-mode", "Which tokenizer: auto, hf, slow.", "--tokenizer", default="auto"),
    Flag("skip-tokenizer-init", "Use no tokenizer.", "no --tokenizer", Form.FLAG, default=False),
    Flag(
        "trust-remote-code",
        "Trust code of the model's repository.",
        "nothing",
        Form.FLAG,
        default=False,
        ignored="no effect: a tokenizer never runs code",
    ),
    Flag("insecure", "Do not verify the service's certificate.", "--insecure", Form.FLAG, default=False),
    Flag("extra-body", "JSON object of further fields of each request.", "--param", parse=_object),
    Flag(
        "chat-template-kwargs",
        "JSON object for the chat template of the data set's prompts.",
        "the prompts",
        parse=_object,
    ),
    Flag("logprobs", "Log probabilities for each token; of completions.", "--param logprobs=N", parse=int),
    Flag(
        "ignore-eos",
        "Ask for the full output length; always, with made prompts.",
        "--ignore-eos",
        Form.FLAG,
        default=False,
    ),
    Flag(
        "use-beam-search",
        "Beam search.",
        "nothing",
        Form.FLAG,
        default=False,
        ignored="no effect: `vllm bench serve` reads it and sends nothing of it",
    ),
    Flag(
        "ready-check-timeout-sec",
        "Wait so long for the service to answer, s.",
        "a wait before the run",
        default=0,
        parse=int,
    ),
    Flag("num-warmups", "Requests that are not measured.", "--num-warmups", default=0, parse=int),
    Flag(
        "profile",
        "Start and stop the service's profiler.",
        form=Form.FLAG,
        default=False,
        refused="would measure the profiler with the service: POST /start_profile and /stop_profile around the run "
        "yourself",
    ),
    Flag(
        "probe-request-rate",
        "Rate of probes beside the load.",
        default=0.0,
        parse=number,
        refused="has no counterpart: start a second `fastbench perf --rate N --input-len 1 --output-len 1` beside the "
        "run",
    ),
    Flag(
        "request-id-prefix",
        "How request ids begin.",
        "nothing",
        ignored="no effect: each request's X-Request-Id is a UUID, which the recording has too",
    ),
    Flag(
        "lora-modules", "Adapters, one of which each request asks for.", "--param lora_data_map_file=FILE", Form.SEVERAL
    ),
    Flag(
        "lora-assignment",
        "How adapters are dealt.",
        "--param lora_data_map_file=FILE",
        default="random",
        choices=("random", "round-robin"),
    ),
)
_LOAD = (
    Flag("num-prompts", "How many requests.", "--num-prompts", default=1000, parse=int),
    Flag(
        "request-rate",
        "Requests per second; inf: all at once, or as --max-concurrency lets them.",
        "--rate",
        default=math.inf,
        parse=number,
    ),
    Flag(
        "burstiness",
        "Shape of the intervals' gamma distribution; 1: Poisson.",
        "--burstiness",
        default=1.0,
        parse=number,
    ),
    Flag("max-concurrency", "Most requests in flight.  [default: no limit]", "--concurrency", parse=int),
    Flag("ramp-up-strategy", "How the rate rises.", "--ramp", choices=("linear", "exponential")),
    Flag("ramp-up-start-rps", "Rate at the start.", "--ramp", parse=int),
    Flag("ramp-up-end-rps", "Rate at the end.", "--ramp", parse=int),
    Flag("self-timed", "Send by the trace's times.  [default: with timed_trace]", "--trace", Form.EITHER),
    Flag("seed", "Seed of prompts, of their order and of send times.", "--seed, --arrival-seed", default=0, parse=int),
)
_SAMPLING = tuple(
    Flag(name, help_, f"--param {name.replace('-', '_')}=N", parse=parse)
    for name, help_, parse in (
        ("temperature", "Temperature.", float),
        ("top-p", "Share of the likeliest tokens.", float),
        ("top-k", "Number of the likeliest tokens.", int),
        ("min-p", "Least share of the likeliest token's probability.", float),
        ("frequency-penalty", "Penalty of frequent tokens.", float),
        ("presence-penalty", "Penalty of present tokens.", float),
        ("repetition-penalty", "Penalty of repeated tokens.", float),
    )
)
SAMPLING = tuple(flag.key for flag in _SAMPLING)
_PROMPTS = (
    Flag(
        "dataset-name",
        "Kind of prompts.",
        "--input-len, --dataset, --trace",
        default="random",
        choices=(*DATASETS, *OTHER_DATASETS),
    ),
    Flag("dataset-path", "File of prompts.", "--dataset, --trace, --text"),
    Flag("input-len", "Input tokens of made prompts.", "--input-len", parse=int),
    Flag("output-len", "Output tokens, of any data set.", "--output-len", parse=int),
    Flag("disable-shuffle", "Leave rows in their order.", "the prompts", Form.FLAG, default=False),
    Flag("no-oversample", "Repeat no rows where there are too few.", "the prompts", Form.FLAG, default=False),
    Flag("skip-chat-template", "Send rows as they are.", "the prompts", Form.FLAG, default=False),
    Flag(
        "enable-multimodal-chat",
        "Put prompts into chat messages, with their media.",
        "nothing",
        Form.FLAG,
        default=False,
    ),
    Flag("no-stream", "Load the whole of a downloaded data set.", "nothing", Form.FLAG, default=False),
    Flag("random-input-len", "random: input tokens.", "--input-len", default=1024, parse=int),
    Flag("random-output-len", "random: output tokens.", "--output-len", default=128, parse=int),
    Flag(
        "random-range-ratio",
        "random: lengths from (1 - R) to (1 + R) of these; a number, or JSON with input and output.",
        "--input-len MIN:MAX",
        default="0.0",
    ),
    Flag(
        "random-prefix-len",
        "random: tokens before these that all prompts have in common.",
        "--shared-prefix",
        default=0,
        parse=int,
    ),
    Flag(
        "random-batch-size",
        "random: prompts in a request.",
        default=1,
        parse=int,
        refused="is for embeddings and ranking, which fastbench does not measure",
    ),
    Flag("no-reranker", "For ranking.", "nothing", Form.FLAG, default=False),
    Flag(
        "sharegpt-output-len",
        "sharegpt: output tokens.  [default: as many as the set's reply has]",
        "the prompts",
        parse=int,
    ),
    Flag("custom-output-len", "custom: output tokens; -1: those of the row.", "the prompts", default=256, parse=int),
    Flag(
        "prefix-repetition-prefix-len",
        "prefix_repetition: tokens of a prefix.",
        "--prefix-pool",
        default=256,
        parse=int,
    ),
    Flag("prefix-repetition-suffix-len", "prefix_repetition: tokens after it.", "--input-len", default=256, parse=int),
    Flag(
        "prefix-repetition-num-prefixes",
        "prefix_repetition: number of prefixes.",
        "--prefix-pool",
        default=10,
        parse=int,
    ),
    Flag("prefix-repetition-output-len", "prefix_repetition: output tokens.", "--output-len", default=128, parse=int),
    Flag("spec-bench-output-len", "spec_bench: output tokens.", "the prompts", default=256, parse=int),
    Flag("spec-bench-category", "spec_bench: rows of this category alone.", "the prompts"),
    Flag(
        "speed-bench-dataset-subset",
        "speed_bench: which of its files.",
        "the prompts",
        default="qualitative",
        choices=("qualitative", "throughput_1k", "throughput_2k", "throughput_8k", "throughput_16k", "throughput_32k"),
    ),
    Flag("speed-bench-output-len", "speed_bench: output tokens.", "the prompts", default=4096, parse=int),
    Flag("speed-bench-category", "speed_bench: rows of this category alone.", "the prompts"),
    Flag(
        "timed-trace-chunk-hash-size",
        "timed_trace: tokens of a block; only 512 can be sent.",
        "--trace",
        default=16,
        parse=int,
    ),
    Flag(
        "timed-trace-sec-multiplier",
        "timed_trace: seconds in a unit of its times.",
        "--trace",
        default=1.0,
        parse=number,
    ),
    Flag("timed-trace-label-timestamp", "timed_trace: field of the time.", "--trace", default="timestamp"),
    Flag(
        "timed-trace-label-input-length", "timed_trace: field of the input tokens.", "--trace", default="input_length"
    ),
    Flag(
        "timed-trace-label-output-length",
        "timed_trace: field of the output tokens.",
        "--trace",
        default="output_length",
    ),
    Flag("timed-trace-label-hash-ids", "timed_trace: field of the blocks.", "--trace", default="hash_ids"),
)
_REFUSED_PROMPTS = (
    Flag(
        "custom-ensure-client-side-data",
        "custom_image: send pictures as data.",
        form=Form.FLAG,
        default=False,
        refused=_ELSEWHERE,
    ),
    *(_of_media(name, "hf: which rows.") for name in ("hf-subset", "hf-split", "hf-name")),
    _of_media("hf-output-len", "hf: output tokens."),
    _of_media("bfcl-categories", "hf: BFCL's categories."),
    _of_media("blazedit-min-distance", "hf: of Blazedit.", default=0.0),
    _of_media("blazedit-max-distance", "hf: of Blazedit.", default=1.0),
    _of_media("asr-min-audio-len-sec", "hf: of sound.", default=0.0),
    _of_media("asr-max-audio-len-sec", "hf: of sound.", default=math.inf),
    _of_media("random-mm-base-items-per-request", "random-mm: pictures of a request.", default=1),
    _of_media("random-mm-num-mm-items-range-ratio", "random-mm: how that scatters.", default=0.0),
    _of_media("random-mm-limit-mm-per-prompt", "random-mm: most pictures."),
    _of_media("random-mm-bucket-config", "random-mm: sizes of pictures."),
)
_RESULTS = (
    Flag("save-result", "Write the result as JSON.", "the same file", Form.FLAG, default=False),
    Flag("save-detailed", "With each request's values.", "the same file, --save-text", Form.FLAG, default=False),
    Flag("append-result", "Append it to the file.", "the same file", Form.FLAG, default=False),
    Flag("result-dir", "Directory of that file.  [default: here]", "the same file"),
    Flag("result-filename", "Its name.  [default: of label, rate, model and time]", "the same file"),
    Flag("label", "How its name begins.  [default: the backend]", "the same file"),
    Flag("metadata", "KEY=VALUE...: further fields of the file.", "the same file", Form.SEVERAL),
    Flag("percentile-metrics", "Metrics of the file and the screen.  [default: ttft,tpot,itl]", "the same file"),
    Flag("metric-percentiles", "Their percentiles.", "the same file, --stats", default="99"),
    Flag("goodput", "KEY:MS...: limits of ttft, tpot, e2el that good requests keep.", "--slo", Form.SEVERAL),
    Flag("disable-tqdm", "No progress.", "--quiet", Form.FLAG, default=False),
    Flag("plot-timeline", "Draw the requests.", "the report page", Form.FLAG, default=False, ignored=_PAGE),
    Flag("timeline-itl-thresholds", "Colours of that.", "nothing", default="25,50"),
    Flag("plot-dataset-stats", "Draw the lengths.", "the report page", Form.FLAG, default=False, ignored=_PAGE),
)
FORMER = (
    Flag("endpoint-type", "Up to 0.10: --backend.", "--api", choices=(*BACKENDS, *OTHER_BACKENDS)),
    Flag("sonnet-input-len", "sonnet: input tokens.", "--input-len", default=550, parse=int),
    Flag("sonnet-output-len", "sonnet: output tokens.", "--output-len", default=150, parse=int),
    Flag(
        "sonnet-prefix-len",
        "sonnet: tokens that all prompts have in common.",
        "--shared-prefix",
        default=200,
        parse=int,
    ),
)
"""Of earlier releases."""
GROUPS: Mapping[str, Sequence[Flag]] = {
    "Service": _GENERAL,
    "Load": _LOAD,
    "Sampling": _SAMPLING,
    "Prompts": (*_PROMPTS, *_REFUSED_PROMPTS),
    "Results": _RESULTS,
    "Of earlier releases": FORMER,
}
"""All flags, by the section of the help."""
FLAGS: Mapping[str, Flag] = {flag.key: flag for group in GROUPS.values() for flag in group}
"""All flags by the names of their values."""
