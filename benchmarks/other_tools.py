"""The tools beside which `bench_others` puts fastbench: how each is started, and what its result says.

Each has an environment of its own in one folder of tools, and is measured as it comes, from its command on:

    python -m venv TOOLS/vllm && TOOLS/vllm/bin/pip install vllm      # both of vLLM's clients
    python -m venv TOOLS/aiperf && TOOLS/aiperf/bin/pip install aiperf
    python -m venv TOOLS/guidellm && TOOLS/guidellm/bin/pip install guidellm
    python -m venv TOOLS/aisbench && TOOLS/aisbench/bin/pip install ais-bench-benchmark 'pyarrow<21'
    python -m venv TOOLS/fastbench && TOOLS/fastbench/bin/pip install .   # for its size alone
"""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

INPUT = 16
"""Input tokens of a request."""
TOKENIZER = "fastbench/words"
"""The tokenizer's name in the folder that stands for Hugging Face's; some tools take no path."""
_REVISION = "1" * 40


class Load(NamedTuple):
    """What a tool has to do. place: an empty folder for its files; home: what `tokenizer_home` made."""

    url: str
    streams: int
    requests: int
    tokens: int
    place: Path
    home: Path

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's folder."""
        return self.home / "hub" / f"models--{TOKENIZER.replace('/', '--')}" / "snapshots" / _REVISION


class Said(NamedTuple):
    """What a tool says of its load. ttft_ms: the median."""

    requests: int
    seconds: float
    ttft_ms: float


class Tool(NamedTuple):
    """One tool. package: its distribution; folder: its environment's; slow: too slow for long turns."""

    name: str
    package: str
    folder: str
    program: str
    slow: bool
    command: Callable[[str, Load], list[str]]
    said: Callable[[Load], Said]


def tokenizer_home(place: Path) -> Path:
    """A folder laid out as Hugging Face's cache, with one tokenizer of 1,000 words."""
    folder = Load("", 0, 0, 0, place, place).tokenizer
    folder.mkdir(parents=True)
    refs = folder.parent.parent / "refs"
    refs.mkdir()
    (refs / "main").write_text(_REVISION)
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *(f"w{number}" for number in range(1000))])}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"},
    }
    for missing in ("truncation", "padding", "normalizer", "post_processor", "decoder"):
        tokenizer[missing] = None
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]", "model_max_length": 10**6}
    for name, content in {
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": settings,
        "config.json": {"model_type": "llama"},
    }.items():
        (folder / name).write_text(json.dumps(content))
    return place


def _fastbench(_: str, load: Load) -> list[str]:
    words = f"-m fastbench perf --url {load.url} --model mock --input-len {INPUT} --output-len {load.tokens}".split()
    words += f"--concurrency {load.streams} --num-prompts {load.requests} --quiet".split()
    return [sys.executable, *words, "--json", str(load.place / "said.json"), "--work-dir", str(load.place / "runs")]


def _fastbench_said(load: Load) -> Said:
    task = _json(load.place / "said.json")["tasks"][0]
    duration = task["common"]["Benchmark Duration"]
    return Said(task["requests"]["ok"], _seconds(duration), task["metrics"]["TTFT"]["Median"])


def _seconds(duration: dict[str, Any]) -> float:
    return float(duration["value"]) / {"ms": 1000, "s": 1}[duration["unit"]]


def _vllm(program: str, load: Load) -> list[str]:
    words = (
        f"bench serve --backend openai-chat --base-url {load.url} --endpoint /v1/chat/completions --model mock".split()
    )
    words += f"--dataset-name random --random-input-len {INPUT} --random-output-len {load.tokens}".split()
    words += f"--num-prompts {load.requests} --max-concurrency {load.streams} --ignore-eos --disable-tqdm".split()
    words += f"--tokenizer {load.tokenizer} --save-result --result-dir {load.place} --result-filename said.json".split()
    return [program, *words]


def _vllm_said(load: Load) -> Said:
    said = _json(load.place / "said.json")
    return Said(said["completed"], said["duration"], said["median_ttft_ms"])


def _aiperf(program: str, load: Load) -> list[str]:
    words = f"profile --model mock --url {load.url} --endpoint-type chat --streaming --tokenizer {TOKENIZER}".split()
    words += f"--synthetic-input-tokens-mean {INPUT} --output-tokens-mean {load.tokens}".split()
    words += f"--concurrency {load.streams} --request-count {load.requests} --extra-inputs ignore_eos:true".split()
    words += ["--use-server-token-count", "--ui-type", "none", "--no-gpu-telemetry", "--no-server-metrics"]
    return [program, *words, "--output-artifact-dir", str(load.place)]


def _aiperf_said(load: Load) -> Said:
    said = _json(load.place / "profile_export_aiperf.json")
    seconds = said["benchmark_duration"]["avg"]
    return Said(int(said["request_count"]["avg"]), seconds, said["time_to_first_token"]["p50"])


def _guidellm(program: str, load: Load) -> list[str]:
    return [
        *(program, "run", "--disable-console"),
        *("--backend", f"kind=openai_http,target={load.url},model=mock,request_format=/v1/chat/completions"),
        *("--profile", f"kind=concurrent,streams={load.streams}"),
        *("--constraint", f"kind=max_requests,count={load.requests}"),
        *("--tokenizer", f"kind=hf_auto,model={load.tokenizer}"),
        *("--data", f"kind=synthetic_text,prompt_tokens={INPUT},output_tokens={load.tokens}"),
        *("--output", f"kind=json,path={load.place / 'said.json'}"),
    ]


def _guidellm_said(load: Load) -> Said:
    said = _json(load.place / "said.json")["benchmarks"][0]
    metrics = said["metrics"]
    ttft = metrics["time_to_first_token_ms"]["successful"]["median"]
    return Said(metrics["request_totals"]["successful"], said["duration"], ttft)


_AISBENCH = """
from ais_bench.benchmark.calculators import DefaultPerfMetricCalculator
from ais_bench.benchmark.datasets import MATHEvaluator, SyntheticDataset
from ais_bench.benchmark.models import VLLMCustomAPIChat
from ais_bench.benchmark.openicl.icl_inferencer import GenInferencer
from ais_bench.benchmark.openicl.icl_prompt_template import PromptTemplate
from ais_bench.benchmark.openicl.icl_retriever import ZeroRetriever
from ais_bench.benchmark.summarizers import DefaultPerfSummarizer

models = [dict(attr="service", type=VLLMCustomAPIChat, abbr="m", path={tokenizer!r}, model="mock", stream=True,
    request_rate=0, retry=1, host_ip={host!r}, host_port={port}, max_out_len={tokens}, batch_size={streams},
    trust_remote_code=False, generation_kwargs=dict(ignore_eos=True))]
lengths = dict(Input=dict(Method="uniform", Params=dict(MinValue={input}, MaxValue={input})),
    Output=dict(Method="uniform", Params=dict(MinValue={tokens}, MaxValue={tokens})))
datasets = [dict(abbr="said", type=SyntheticDataset,
    config=dict(Type="string", RequestCount={requests}, TrustRemoteCode=False, StringConfig=lengths),
    reader_cfg=dict(input_columns=["question", "max_out_len"], output_column="answer"),
    infer_cfg=dict(prompt_template=dict(type=PromptTemplate, template="{{question}}"),
        retriever=dict(type=ZeroRetriever), inferencer=dict(type=GenInferencer)),
    eval_cfg=dict(evaluator=dict(type=MATHEvaluator)))]
summarizer = dict(attr="performance", type=DefaultPerfSummarizer,
    calculator=dict(type=DefaultPerfMetricCalculator, stats_list=["Average", "Median", "P99"]))
"""


def _aisbench(program: str, load: Load) -> list[str]:
    config, address = load.place / "said.py", urlsplit(load.url)
    fields = {"host": address.hostname, "port": address.port, "input": INPUT, "tokenizer": str(load.tokenizer)}
    fields |= {"tokens": load.tokens, "streams": load.streams, "requests": load.requests}
    config.write_text(_AISBENCH.format(**fields))
    return [program, str(config), "--mode", "perf", "--num-warmups", "0", "-w", str(load.place / "runs")]


def _aisbench_said(load: Load) -> Said:
    folder = next(load.place.glob("runs/*/performances/m"))
    common = {name: value["total"] for name, value in _json(folder / "said.json").items()}
    with (folder / "said.csv").open(encoding="utf-8", newline="") as file:
        ttft = next(row for row in csv.DictReader(file) if row["Performance Parameters"] == "TTFT")
    milliseconds = float(common["Benchmark Duration"].removesuffix(" ms"))
    return Said(int(common["Success Requests"]), milliseconds / 1000, float(ttft["Median"].removesuffix(" ms")))


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


TOOLS = (
    Tool("fastbench", "fastbench-llm", "fastbench", "", False, _fastbench, _fastbench_said),
    Tool("vllm-bench (Rust)", "vllm", "vllm", "lib/python*/site-packages/vllm/vllm-rs", False, _vllm, _vllm_said),
    Tool("AIPerf", "aiperf", "aiperf", "bin/aiperf", True, _aiperf, _aiperf_said),
    Tool("vllm bench", "vllm", "vllm", "bin/vllm", True, _vllm, _vllm_said),
    Tool("GuideLLM", "guidellm", "guidellm", "bin/guidellm", True, _guidellm, _guidellm_said),
    Tool("AISBench", "ais-bench-benchmark", "aisbench", "bin/ais_bench", True, _aisbench, _aisbench_said),
)
