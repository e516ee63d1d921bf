"""The presets: all of them can be used, under the names that the guide has for them."""

from pathlib import Path

import pytest

from fastbench.aisbench import PRESETS, build_run, find, read_named
from fastbench.config import RunConfig

MODEL = {"type": "openai_chat"}
DATASET = {"type": "synthetic", "count": 1, "input_len": 1}

# aisbench.md 2.1: task: (backend, abbr, stream)
SERVICES = {
    "vllm_api_general_stream": ("openai_completions", "vllm-api-general-stream", True),
    "vllm_api_general": ("openai_completions", "vllm-api-general", False),
    "vllm_api_stream_chat": ("openai_chat", "vllm-api-stream-chat", True),
    "vllm_api_general_chat": ("openai_chat", "vllm-api-general-chat", False),
    "vllm_api_stream_chat_multiturn": ("openai_chat", "vllm-multiturn-api-chat-stream", True),
    "vllm_api_function_call_chat": ("openai_chat", "vllm-api-function-call-chat", False),
    "mindie_stream_api_general": ("mindie_infer", "mindie-stream-api", True),
    "tgi_stream_api_general": ("tgi_generate", "tgi-stream-api-general", True),
    "tgi_api_general": ("tgi_generate", "tgi-api-general", False),
    "triton_stream_api_general": ("triton_generate", "triton-stream-api-general", True),
    "triton_api_general": ("triton_generate", "triton-api-general", False),
}
# aisbench.md 3: task: (type, abbr)
PROMPTS = {
    "synthetic_gen": ("synthetic", "synthetic"),
    "synthetic_gen_string": ("synthetic", "synthetic"),
    "synthetic_gen_tokenid": ("synthetic", "synthetic"),
    "mooncake_trace_gen": ("mooncake", "mooncake_trace"),
    "sharegpt_gen": ("sharegpt", "sharegpt"),
    "mtbench_gen": ("mtbench", "mtbench"),
    "gsm8k_gen_0_shot_cot_str_perf": ("template", "gsm8k"),
    "gsm8k_gen_0_shot_cot_str": ("template", "gsm8k"),
    "gsm8k_gen_0_shot_cot_chat_prompt": ("template", "gsm8k"),
    "gsm8k_gen_4_shot_cot_str": ("template", "gsm8k"),
    "gsm8k_gen_4_shot_cot_chat_prompt": ("template", "gsm8k"),
    "demo_gsm8k_gen_0_shot_cot_str_perf": ("template", "demo_gsm8k"),
    "demo_gsm8k_gen_4_shot_cot_chat_prompt": ("template", "demo_gsm8k"),
    "aime2024_gen_0_shot_str": ("template", "aime2024"),
    "aime2024_gen_0_shot_chat_prompt": ("template", "aime2024"),
    "ceval_gen_0_shot_str_perf": ("template", "ceval-computer_network"),
    "humaneval_gen_0_shot_perf": ("template", "openai_humaneval"),
    "SuperGLUE_BoolQ_gen_0_shot_str_perf": ("template", "BoolQ"),
}
SUMMARIZERS = {"default_perf": "total", "stable_stage": "stable", "example": "total"}


def run_of(option: str, name: str, config_dir: str | None = None) -> RunConfig:
    named = read_named({option: [name]}, config_dir)
    models = named.raw.get("models", [MODEL])
    if "triton" in name:
        models = [model | {"model_name": "m"} for model in models]
    return build_run({"datasets": [DATASET], **named.raw, "models": models}, "options", labels=named.labels)


@pytest.mark.parametrize("name", SERVICES)
def test_services(name: str) -> None:
    """Each service task speaks as the guide says, under the guide's result name, one request at a time."""
    (service,) = run_of("models", name).models
    assert (service.type, service.abbr, service.stream) == SERVICES[name]
    assert (service.batch_size, service.host_port, service.request_rate, service.retry) == (1, 8080, 0, 2)
    assert service.max_out_len == (10240 if name == "vllm_api_function_call_chat" else 512)


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts(name: str) -> None:
    """Each data set task is of its kind, under the guide's result name."""
    (dataset,) = run_of("datasets", name).datasets
    assert (dataset.__struct_config__.tag, dataset.abbr) == PROMPTS[name]


@pytest.mark.parametrize("name", SUMMARIZERS)
def test_summarizers(name: str) -> None:
    """Each summarizer shows the usual columns, of its stage."""
    run = run_of("summarizer", name)
    assert (run.stage, run.stats) == (SUMMARIZERS[name], ("Average", "Min", "Max", "Median", "P75", "P90", "P99"))


def test_every_preset_is_tested() -> None:
    """No preset lies in the package that this file does not name."""
    wanted = {option: ["*"] for option in ("models", "datasets", "summarizer")}
    found = {one.name for fitting in find(wanted) for one in fitting}
    assert found == SERVICES.keys() | PROMPTS.keys() | SUMMARIZERS.keys()


def test_the_package_holds_all_presets() -> None:
    """Each directory of presets is one that setuptools packs, which needs no list of them."""
    setuptools = pytest.importorskip("setuptools")
    packed = set(setuptools.find_namespace_packages(str(PRESETS.parents[2]), include=["fastbench*"]))
    places = {file.parent.relative_to(PRESETS.parents[2]) for file in PRESETS.rglob("*.py")}
    assert {".".join(place.parts) for place in places} <= packed


@pytest.mark.parametrize("name", ["demo_gsm8k_gen_4_shot_cot_chat_prompt", "synthetic_gen"])
def test_a_preset_may_be_copied(tmp_path: Path, name: str) -> None:
    """A copy of a preset works in a directory of the user's, whatever the preset takes from others."""
    (file,) = PRESETS.rglob(f"{name}.py")
    copy = tmp_path / "datasets" / f"my_{name}.py"
    copy.parent.mkdir()
    copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    assert run_of("datasets", f"my_{name}", str(tmp_path)).datasets == run_of("datasets", name).datasets
