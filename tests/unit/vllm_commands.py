"""The commands of vLLM's documents that can be honoured, with the files and the tokenizers that they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors

NAMES = (
    "NousResearch/Hermes-3-Llama-3.1-8B",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Meta-Llama-3-8B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "meta-llama/Llama-2-7b-chat-hf",
    "Qwen/Qwen3.5-2B",
)
# The commands of vLLM's docs/benchmarking/cli.md at 069c00b0ef0cdfe6b76be33796162a8a4323d69c, with files of this test
# in the place of those to be downloaded: what each becomes, or why it is refused.
HERMES = "--backend vllm --model NousResearch/Hermes-3-Llama-3.1-8B --endpoint /v1/completions"
SPEC = "--model meta-llama/Meta-Llama-3-8B-Instruct --dataset-name spec_bench --dataset-path question.jsonl"
SPEED = "--model meta-llama/Llama-3.3-70B-Instruct --dataset-name speed_bench --dataset-path speed"
QWEN_VL = "--backend openai-chat --model Qwen/Qwen2-VL-7B-Instruct --endpoint /v1/chat/completions"
SHARED = "--concurrency 10 --no-ignore-eos --param repetition_penalty=1.0"
TAKEN = {
    f"{HERMES} --dataset-name sharegpt --dataset-path sharegpt.json --num-prompts 10": SHARED,
    "--backend vllm --model meta-llama/Llama-3.1-8B-Instruct --endpoint /v1/completions --dataset-name sharegpt "
    "--dataset-path sharegpt.json --num-prompts 100 --plot-timeline --timeline-itl-thresholds 2,5 --plot-dataset-stats "
    "--save-result": "--concurrency 100",
    "--port 9001 --save-result --save-detailed --backend vllm --model meta-llama/Llama-3.1-8B-Instruct --endpoint "
    "/v1/completions --dataset-name custom --dataset-path data.jsonl --skip-chat-template --num-prompts 80 "
    '--max-concurrency 1 --temperature=0.3 --top-p=0.75 --result-dir "./log/"': "--url http://127.0.0.1:9001 "
    "--concurrency 1 --param top_p=0.75 --param temperature=0.3 --save-text",
    f"{SPEC} --num-prompts -1": "--concurrency 3",
    f'{SPEC} --num-prompts -1 --spec-bench-category "summarization"': "--concurrency 1",
    f"{SPEED} --num-prompts -1": "--concurrency 3",
    f'{SPEED} --num-prompts -1 --speed-bench-category "multilingual"': "--concurrency 1",
    f"{SPEED} --speed-bench-dataset-subset throughput_2k --num-prompts -1": "--concurrency 2",
    f"{HERMES} --dataset-name sharegpt --dataset-path sharegpt.json --top-k 10 --top-p 0.9 --temperature 0.5 "
    "--num-prompts 10": "--param top_k=10 --param temperature=0.5",
    "--backend openai --model meta-llama/Llama-2-7b-chat-hf --dataset-name prefix_repetition --num-prompts 100 "
    "--prefix-repetition-prefix-len 512 --prefix-repetition-suffix-len 128 --prefix-repetition-num-prefixes 5 "
    "--prefix-repetition-output-len 128": "--input-len 640 --output-len 128 --num-prompts 100 --prefix-pool 5:512",
    "--model Qwen/Qwen3.5-2B --dataset-name=timed_trace --num-prompts 100 --host 127.0.0.1 --port 8000 --dataset-path "
    "./trace.jsonl --ignore-eos --self-timed --timed-trace-chunk-hash-size 512 --timed-trace-sec-multiplier "
    "0.001": "--ignore-eos --concurrency 4",
}


def tokenizer_in(folder: Path) -> None:
    """One of words, with a token at the start of each text, and a chat template beside it."""
    folder.mkdir(parents=True)
    words = ("word", "is", "what", "follows", "[UNK]", "<s>", ":")
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 5)])
    made.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.jinja").write_text("{% for m in messages %}user : {{ m.content }} reply :{% endfor %}")


def json_lines(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")


def turns(number: int, prompt: int = 6, reply: int = 5) -> dict[str, Any]:
    said = (f"q{number} {'what ' * (prompt - 2)}", "word " * reply)
    return {"conversations": [{"from": who, "value": text} for who, text in zip(("human", "gpt"), said, strict=True)]}


def filled_hub(cache: Path) -> Path:
    """Hugging Face's cache with the tokenizers of the documents' models."""
    tokenizer_in(cache / "one")
    for name in NAMES:
        model = cache / f"models--{name.replace('/', '--')}"
        (model / "refs").mkdir(parents=True)
        (model / "refs" / "main").write_text("abc\n")
        (model / "snapshots").mkdir()
        (model / "snapshots" / "abc").symlink_to(cache / "one")
    return cache


def filled_place(folder: Path) -> Path:
    """A directory with the files that the commands name."""
    (folder / "sharegpt.json").write_text(json.dumps([turns(number) for number in range(20)]))
    (folder / "pictures.json").write_text(json.dumps([turns(0) | {"image": "a.jpg"}]))
    json_lines(folder / "data.jsonl", *({"prompt": f"q{number}", "output_tokens": number + 1} for number in range(5)))
    kinds = ("writing", "summarization", "math")
    json_lines(folder / "question.jsonl", *({"category": kind, "turns": [f"about {kind}", "more"]} for kind in kinds))
    rows = [{"category": kind, "messages": [{"content": f"of {kind}"}]} for kind in ("coding", "multilingual", "qa")]
    json_lines(folder / "speed/qualitative.jsonl", *rows)
    json_lines(folder / "speed/throughput_2k.jsonl", *rows[:2])
    trace = ({"timestamp": 10 * n, "input_length": 600, "output_length": 2, "hash_ids": [n, 7]} for n in range(4))
    json_lines(folder / "trace.jsonl", *trace)
    return folder
