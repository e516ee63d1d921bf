"""Commands of `vllm bench serve` → commands of `fastbench perf`; and what `vllm bench serve` would have written."""

from __future__ import annotations

import ast
import json
import math
import random
import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import pytest
from command_lines import options_of
from every import every
from vllm_commands import NAMES, QWEN_VL, TAKEN, filled_hub, filled_place, json_lines, turns

from fastbench.cli.vllm_bench.command import vllm_bench_command
from fastbench.errors import UsageError
from fastbench.options import run_of_options
from fastbench.vllm_bench import FLAGS, FORMER, GROUPS, Translated, file_of, lines, result_of, save, translate
from fastbench.vllm_bench.flag import Form
from fastbench.vllm_bench.flags import BACKENDS, OTHER_BACKENDS

ENGINE = Path.home() / ".cache/fastbench-engines/vllm/lib/python3.11/site-packages/vllm/benchmarks"
MEDIA, NO_HF, ALIEN = "pictures and sound", "downloads no data sets", "not embeddings, pooling or ranking"
REFUSED = {
    "--model openai/whisper-tiny --backend openai-audio --endpoint /v1/audio/transcriptions --dataset-name "
    "custom_audio "
    "--dataset-path audio_data.jsonl --no-oversample --custom-output-len 256 --save-result --save-detailed "
    "--result-filename whisper_bench.json": "sends no sound",
    "--model Qwen/Qwen2-Audio-7B-Instruct --backend openai-chat --endpoint /v1/chat/completions --dataset-name "
    "custom_audio --dataset-path audio_data.jsonl --enable-multimodal-chat --save-result": MEDIA,
    f"--save-result --save-detailed {QWEN_VL} --dataset-name custom_image --dataset-path images.jsonl "
    "--custom-ensure-client-side-data": MEDIA,
    f"{QWEN_VL} --dataset-name hf --dataset-path lmarena-ai/VisionArena-Chat --hf-split train --num-prompts "
    "1000": NO_HF,
    "--model meta-llama/Meta-Llama-3-8B-Instruct --dataset-name hf --dataset-path likaixin/InstructCoder --num-prompts "
    "2048": NO_HF,
    "--backend openai-chat --endpoint /v1/chat/completions --model openai/gpt-oss-20b --dataset-name hf --dataset-path "
    "gorilla-llm/Berkeley-Function-Calling-Leaderboard --bfcl-categories simple,multiple --num-prompts 200": NO_HF,
    f'{QWEN_VL} --dataset-name hf --dataset-path lmms-lab/X --hf-split train --hf-subset "chart2text(cauldron)"': NO_HF,
    "--model Qwen/QwQ-32B --dataset-name hf --dataset-path AI-MO/aimo-validation-aime --num-prompts 10 --seed "
    "42": NO_HF,
    "--model Qwen/QwQ-32B --dataset-name hf --dataset-path vdaita/edit_5k_char --num-prompts 90 "
    "--blazedit-min-distance "
    "0.01 --blazedit-max-distance 0.99": NO_HF,
    "--model openai/whisper-large-v3-turbo --backend openai-audio --dataset-name hf --dataset-path facebook/voxpopuli "
    "--hf-subset en --hf-split test --no-stream --trust-remote-code --num-prompts 99999999 --no-oversample --endpoint "
    "/v1/audio/transcriptions --ready-check-timeout-sec 600 --save-result --max-concurrency 512": "sends no sound",
    "--backend openai-responses --endpoint /v1/responses --model openai/gpt-oss-20b --dataset-name random "
    "--random-input-len 1024 --random-output-len 1024 --num-prompts 200": "Responses API",
    "--model Qwen/Qwen2.5-VL-3B-Instruct --backend openai-chat --endpoint /v1/chat/completions --dataset-name "
    "random-mm "
    "--random-mm-bucket-config '{(2048, 2048, 1): 1.0}' --request-rate 4 --probe-request-rate 20": MEDIA,
    "--backend openai-chat --model Qwen/Qwen2.5-VL-7B-Instruct --dataset-name sharegpt --dataset-path pictures.json "
    "--num-prompts 100 --save-result --result-dir ~/r --endpoint /v1/chat/completions --tokenizer "
    "Qwen/Qwen3.5-2B": "has pictures or video",
    "--backend openai-chat --model Qwen/Qwen2.5-VL-3B-Instruct --endpoint /v1/chat/completions --dataset-name "
    "random-mm "
    "--num-prompts 100 --max-concurrency 10 --random-prefix-len 25 --random-input-len 300 --random-output-len 40 "
    "--random-range-ratio 0.2 --random-mm-base-items-per-request 2 --random-mm-limit-mm-per-prompt "
    "'{\"image\": 3, \"video\": 0}' --random-mm-bucket-config '{(224, 224, 1): 1.0}' --request-rate inf --ignore-eos "
    "--seed 42": MEDIA,
    "--model jinaai/jina-embeddings-v3 --backend openai-embeddings --endpoint /v1/embeddings --dataset-name sharegpt "
    "--dataset-path sharegpt.json": ALIEN,
    "--model openai/clip-vit-base-patch32 --backend openai-embeddings-clip --endpoint /v1/embeddings --dataset-name hf "
    "--dataset-path lmarena-ai/VisionArena-Chat": ALIEN,
    "--model TIGER-Lab/VLM2Vec-Full --backend openai-embeddings-vlm2vec --endpoint /v1/embeddings --dataset-name hf "
    "--dataset-path lmarena-ai/VisionArena-Chat": ALIEN,
    "--model BAAI/bge-reranker-v2-m3 --backend vllm-rerank --endpoint /v1/rerank --dataset-name random-rerank "
    "--tokenizer BAAI/bge-reranker-v2-m3 --random-input-len 512 --num-prompts 10 --random-batch-size 5": ALIEN,
}


def given(command: str) -> dict[str, Any]:
    """The values of the flags that the words of a command give."""
    serve = vllm_bench_command.commands["serve"]
    ctx = serve.make_context("serve", shlex.split(command))
    on_the_line = click.core.ParameterSource.COMMANDLINE
    named = {name: value for name, value in ctx.params.items() if ctx.get_parameter_source(name) is on_the_line}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hugging Face's cache with the tokenizers of the documents' models."""
    return filled_hub(tmp_path_factory.mktemp("hub"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the files that the commands name."""
    monkeypatch.chdir(tmp_path)
    return filled_place(tmp_path)


def translated(command: str, hub: Path | None = None, **environment: str) -> Translated:
    found = {"HF_HUB_CACHE": str(hub)} if hub else {"HOME": "/nowhere"}
    return translate(given(command), {**found, **environment})


def pairs(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Each option with its value."""
    return {
        (word,) if behind.startswith("--") else (word, behind)
        for word, behind in zip(words, (*words[1:], "--"), strict=True)
        if word.startswith("--")
    }


def words_of(command: str, hub: Path | None = None) -> tuple[str, ...]:
    return translated(command, hub).words


@pytest.mark.parametrize("command", TAKEN)
def test_documented_commands(command: str, place: Path, hub: Path) -> None:
    """A command of vLLM's documents becomes one of `fastbench perf`, whose options a run can be made of."""
    words = words_of(command, hub)
    assert pairs(tuple(shlex.split(TAKEN[command]))) <= pairs(words)
    run = run_of_options(options_of(*words)).run
    assert Path(run.models[0].path).resolve() == hub / "one"


@pytest.mark.parametrize("command", REFUSED)
def test_refused_documented_commands(command: str, place: Path, hub: Path) -> None:
    """What cannot be honoured is refused in a sentence that says why."""
    with pytest.raises(UsageError, match=REFUSED[command]) as refused:
        words_of(command, hub)
    assert "\n" not in str(refused.value)


def flags_in(path: Path) -> Iterator[tuple[str, Any, Form]]:
    """Each flag that a file of vLLM's adds: its default, ... where that is not written there, and what follows it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            settings = {word.arg: word.value for word in node.keywords}
            default, action = settings.get("default", ast.Constant(None)), settings.get("action")
            form = Form.VALUE if action is None else Form.FLAG if isinstance(action, ast.Constant) else Form.EITHER
            yield (
                str(ast.literal_eval(node.args[0])).removeprefix("--"),
                default.value if isinstance(default, ast.Constant) else ...,
                Form.SEVERAL if "nargs" in settings else form,
            )


@pytest.mark.skipif(not ENGINE.is_dir(), reason=f"no {ENGINE}")
def test_flags_and_defaults_are_vllms() -> None:
    """Each flag of the vLLM that is installed is known, with its form and its default, and no other."""
    theirs = [*flags_in(ENGINE / "serve.py"), *flags_in(ENGINE / "datasets/datasets.py")]
    ours = {flag.name: flag for flag in FLAGS.values()}
    assert set(ours) - {flag.name for flag in FORMER} == {name for name, _, _ in theirs}
    assert {name: ours[name].form for name, _, _ in theirs} == {name: form for name, _, form in theirs}
    written = {name: default for name, default, _ in theirs if default is not ... and default is not None}
    assert {name: ours[name].default for name in written} == written


@every("flag", FLAGS.values())
def test_each_flag_becomes_something(flag: Any) -> None:
    """A flag becomes something here, or is refused in a sentence, also by its data set or its API."""
    assert bool(flag.becomes) != bool(flag.refused)
    assert not flag.ignored or not flag.refused
    assert flag.default in (None, False) or flag.form is Form.VALUE


def test_the_defaults(hub: Path) -> None:
    """Without flags the load is vLLM's: 1,000 prompts of 1,024 tokens at once, each with 128 output tokens."""
    words = words_of("")
    assert words == (
        *("--url", "http://127.0.0.1:8000", "--api", "completions", "--input-len", "1024", "--output-len", "128"),
        *("--num-prompts", "1000", "--seed", "0", "--concurrency", "1000", "--ignore-eos"),
        *("--param", "repetition_penalty=1.0", "--num-warmups", "0", "--retry", "0", "--timeout", "6h"),
    )


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("--random_input_len 100 --random-range-ratio 0.1", "--input-len 90:111 --output-len 115:141"),
        ('--random-range-ratio \'{"input": 0.5, "output": 0}\'', "--input-len 512:1536 --output-len 128"),
        ("--input-len 10 --output-len 20 --random-prefix-len 7", "--input-len 17 --output-len 20 --shared-prefix 7"),
        ("--request-rate 10 --seed 3", "--rate 10 --burstiness 1 --arrival-seed 3 --seed 3 --concurrency 1000"),
        ("--request-rate 2.5 --burstiness 0.5 --max-concurrency 8", "--rate 2.5 --burstiness 0.5 --concurrency 8"),
        ("--ramp-up-strategy exponential --ramp-up-start-rps 1 --ramp-up-end-rps 9", "--ramp exponential:1:9"),
        ("--goodput ttft:100 e2el:2000.5", "--slo 'ttft<100ms, e2el<2000.5ms'"),
        ("--metric-percentiles 50,90,99.9 --disable-tqdm", "--stats Average,Median,P90,P99.9 --quiet"),
        ("--header a=1 b=x=y --insecure", "--header 'a: 1' --header 'b: x=y' --insecure"),
        ('--extra-body \'{"a": {"b": false}, "repetition_penalty": 1.1}\'', "--param repetition_penalty=1.1"),
        ("--logprobs 3 --num-warmups 5", "--param logprobs=3 --num-warmups 5"),
        ("--base-url https://h/x --served-model-name s --model m", "--url https://h/x --model s"),
        ("--base-url http://h/v1 --endpoint /completions --host ::1", "--url http://h"),
        ("--host ::1", "--url http://[::1]:8000"),
        ("--endpoint-type openai-chat --endpoint /a/v1/chat/completions", "--url http://127.0.0.1:8000/a --api chat"),
    ],
)
def test_flags(command: str, wanted: str) -> None:
    """A flag becomes the option that does the same."""
    assert pairs(tuple(shlex.split(wanted))) <= pairs(words_of(command))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("--backend openai-chat", "--endpoint /v1/completions is not that of --backend openai-chat: give --endpoint "),
        ("--profile", "--profile would measure the profiler"),
        ("--request-rate 5 --ramp-up-strategy linear", "both say the rate"),
        ("--ramp-up-strategy linear --ramp-up-start-rps 0 --ramp-up-end-rps 9", "give rates above 0"),
        ("--goodput itl:5", "--goodput itl:5: give KEY:MS"),
        ("--dataset-name sharegpt --model m", "needs its file: give --dataset-path"),
        ("--dataset-name sharegpt --dataset-path sharegpt.json --model m", "needs the model's tokenizer to count"),
        ("--dataset-name custom --dataset-path data.jsonl --model m", "--skip-chat-template sends prompts as they are"),
        ("--dataset-path x.json", "makes its prompts; leave --dataset-path out"),
        ("--tokenizer nobody/has", "--tokenizer nobody/has: there is no tokenizer.json"),
        ("--random-range-ratio 1", "from 0 to below 1"),
        ("--metadata novalue", "--metadata takes KEY=VALUE"),
        ("--max-concurrency 0", "from 1 to 100,000"),
        ("--tokenizer-mode mistral", "reads tokenizer.json alone"),
        ("--self-timed", "is for --dataset-name timed_trace"),
        ("--metric-percentiles 101", "must be from 0 to 100"),
    ],
)
def test_what_cannot_be_honoured(command: str, told: str, place: Path) -> None:
    """What cannot be honoured, or means nothing, is refused in a sentence with the way out."""
    with pytest.raises(UsageError, match=re.escape(told)):
        words_of(command)


def test_room_for_what_the_model_adds(hub: Path) -> None:
    """The tokens that a model puts before a prompt are taken off its length, so that the service counts that length."""
    assert ("--input-len", "1023") in pairs(words_of(f"--model {NAMES[0]}", hub))


def test_sharegpts_prompts_and_their_order(place: Path, hub: Path) -> None:
    """Of ShareGPT the first turns go out in the order of vLLM's shuffle, those too short left out, some again."""
    data = [turns(number, reply=number) for number in range(8)]
    Path("sharegpt.json").write_text(json.dumps(data))
    command = f"--model {NAMES[0]} --dataset-name sharegpt --dataset-path sharegpt.json --seed 5 --num-prompts 7"
    words = words_of(command, hub)
    sent = [json.loads(line) for line in Path(words[words.index("--dataset") + 1]).read_text().splitlines()]
    random.seed(5)
    random.shuffle(data)
    # With the token at the start a reply of 3 words has 4 tokens.
    usable = [number for entry in data if (number := len(entry["conversations"][1]["value"].split())) >= 3]
    random.seed(5)
    usable += [random.choice(usable) for _ in range(2)]
    assert [row["max_tokens"] - 1 for row in sent] == usable
    assert sent[0]["prompt"].startswith(f"q{usable[0]} what")


def test_custom_prompts_in_the_models_template(place: Path, hub: Path) -> None:
    """Rows of a file go out in the chat template, with the length of the row where that is asked for."""
    command = f"--model {NAMES[0]} --dataset-name custom --dataset-path data.jsonl --custom-output-len -1"
    words = words_of(f"{command} --disable-shuffle --num-prompts 3", hub)
    sent = [json.loads(line) for line in Path(words[words.index("--dataset") + 1]).read_text().splitlines()]
    assert sent == [{"prompt": f"user : q{number} reply :", "max_tokens": number + 1} for number in range(3)]


def test_a_bad_row_is_named(place: Path) -> None:
    """A row without a prompt is named with its line."""
    json_lines(Path("data.jsonl"), {"prompt": "a"}, {"text": "b"})
    with pytest.raises(UsageError, match=re.escape("data.jsonl:2: the row has no usable 'prompt'")):
        words_of("--dataset-name custom --dataset-path data.jsonl --skip-chat-template")


def test_burstgpts_lengths(place: Path) -> None:
    """Of BurstGPT the answered requests to GPT-4 give the lengths; their times are not used."""
    head = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    rows = "5,GPT-4,10,20,30,x\n6,ChatGPT,1,2,3,x\n7,GPT-4,11,0,11,x\n8,GPT-4,12,22,34,x\n"
    Path("burst.csv").write_text(head + rows)
    words = words_of("--dataset-name burstgpt --dataset-path burst.csv --num-prompts 5")
    sent = [json.loads(line) for line in Path(words[words.index("--trace") + 1]).read_text().splitlines()]
    assert len(sent) == 5
    assert {(row["input"], row["output"]) for row in sent} <= {(10, 20), (12, 22)}
    assert ("--load", "concurrency") in pairs(words)
    assert run_of_options(options_of(*words)).run.models[0].use_timestamp is False


def test_adapters(place: Path) -> None:
    """Adapters are dealt to the requests, in turn or at random, by a file that the run reads."""
    words = words_of("--lora-modules a b c --lora-assignment round-robin --num-prompts 4")
    (named,) = (word for word in words if word.startswith("lora_data_map_file="))
    assert json.loads(Path(named.partition("=")[2]).read_text()) == {"0": "a", "1": "b", "2": "c", "3": "a"}
    assert run_of_options(options_of(*words)).run.models[0].parameters["ignore_eos"] is True


def test_the_key_of_the_environment() -> None:
    """The key is taken from vLLM's variable, unless a header says another."""
    assert ("--api-key-env", "OPENAI_API_KEY") in pairs(translated("", OPENAI_API_KEY="k").words)
    named = translated("--header Authorization=x", OPENAI_API_KEY="k")
    assert "--api-key-env" not in named.words


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("--model nobody/has", "the tokenizer of nobody/has is not on this machine"),
        ("--request-id-prefix x", "--request-id-prefix: no effect"),
        ("--percentile-metrics ttft,tbt", "--percentile-metrics: there is no tbt"),
        ("--plot-timeline --save-result", "--plot-timeline: no effect: the report page"),
    ],
)
def test_what_is_told(command: str, told: str) -> None:
    """What is not quite the same is told, and runs."""
    (note,) = translated(command).notes
    assert note.startswith(told)


NOW = datetime(2026, 11, 29, 12, 0, 0)
NUMBERS = {
    **{"duration": 2.0, "completed": 3, "failed": 1, "total_input_tokens": 30, "total_output_tokens": 6},
    **{"request_throughput": 1.5, "request_goodput": 1.0, "output_throughput": 3.0, "total_token_throughput": 18.0},
    **{"max_output_tokens_per_s": 5.0, "max_concurrent_requests": 2, "ttfts": [0.1], "latencies": [0.2]},
    **{"mean_ttft_ms": 12.345, "median_ttft_ms": 12.0, "std_ttft_ms": 1.0, "p99_ttft_ms": 20.0},
}


def test_the_result_file(tmp_path: Path) -> None:
    """The file begins with what the command said, and has lists of each request where they are asked for."""
    asked = translated("--model org/m --metadata a=1 b=2 --max-concurrency 4 --label l --request-rate 3 --save-result")
    found = result_of(asked, NUMBERS, "m", NOW)
    assert list(found)[:9] == [
        *("date", "endpoint_type", "backend", "label", "model_id", "tokenizer_id", "num_prompts", "a", "b"),
    ]
    assert (found["date"], found["request_rate"], found["tokenizer_id"]) == ("20261129-120000", 3.0, "org/m")
    assert "ttfts" not in found
    assert found["latencies"] == [0.2]
    detailed = result_of(translated("--save-detailed --skip-tokenizer-init"), NUMBERS, "m", NOW)
    assert (detailed["ttfts"], detailed["model_id"], detailed["tokenizer_id"]) == ([0.1], "m", None)
    assert detailed["request_rate"] == "inf"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("--save-result --model org/m", "openai-infqps-m-20261129-120000.json"),
        (
            "--save-result --request-rate 3 --max-concurrency 4 --label l",
            "l-3.0qps-concurrency4-x-20261129-120000.json",
        ),
        ("--append-result --result-dir d --result-filename r.json", "d/r.json"),
        (
            "--save-result --ramp-up-strategy linear --ramp-up-start-rps 1 --ramp-up-end-rps 2",
            "openai-ramp-up-linear-1qps-2qps-x-20261129-120000.json",
        ),
    ],
)
def test_the_files_name(command: str, name: str) -> None:
    """The file has the name that vLLM gives it."""
    assert file_of(translated(command), "x", NOW) == Path(name)


def test_nothing_is_saved_unasked() -> None:
    """Without the flag there is no file."""
    assert file_of(translated("--save-detailed"), "x", NOW) is None


def test_results_are_appended(tmp_path: Path) -> None:
    """An appended result is a further line; otherwise the file is a new one."""
    path = tmp_path / "d" / "r.json"
    for number, append in enumerate((False, True, True)):
        save({"number": number}, path, append=append)
    assert [json.loads(line)["number"] for line in path.read_text().splitlines()] == [0, 1, 2]
    save({"number": 3}, path, append=False)
    assert path.read_text() == '{"number": 3}'


def test_the_block_on_the_screen() -> None:
    """The block has vLLM's lines, which scripts read."""
    shown = list(lines(NUMBERS, translated("--request-rate 3 --goodput ttft:9")))
    assert shown[0] == "============ Serving Benchmark Result ============"
    for line in (
        "Successful requests:                     3         ",
        "Request rate configured (RPS):           3.00      ",
        "Request goodput (req/s):                 1.00      ",
        "---------------Time to First Token----------------",
        "Mean TTFT (ms):                          12.35     ",
        "P99 TTFT (ms):                           20.00     ",
    ):
        assert line in shown
    assert shown[-1] == "=" * 50


def test_the_choices_are_complete() -> None:
    """Each API that vLLM names is honoured or refused, and `inf` is a rate."""
    assert set(FLAGS["backend"].choices) == {*BACKENDS, *OTHER_BACKENDS}
    assert translated("--request-rate inf").values["request_rate"] == math.inf
    assert {flag.name for group in GROUPS.values() for flag in group} == {flag.name for flag in FLAGS.values()}
