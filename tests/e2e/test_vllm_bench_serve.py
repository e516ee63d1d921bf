"""Commands of `vllm bench serve`, run against the simulated service."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from foreign_schemas import VLLM_HEAD, VLLM_LISTS, VLLM_RESULT
from nursery import Mock, run_python
from vllm_commands import TAKEN, filled_hub, filled_place

ALWAYS = {"latencies", "queue_times"}
LATENCIES = {
    f"{statistic}_{metric}_ms" for metric in ("ttft", "tpot", "itl") for statistic in ("mean", "median", "std")
}


def serve(folder: Path, command: str, mock: Mock) -> tuple[dict[str, Any], str]:
    """The result and the screen of a command. Its words are separated by spaces."""
    saved = f"--base-url {mock.url} --save-result --result-filename r.json"
    done = run_python(folder, "vllm-bench", "serve", *command.split(), *saved.split())
    assert done.returncode == 0, done.stderr
    return dict(json.loads((folder / "r.json").read_text())), done.stdout


@pytest.fixture(scope="module")
def mock() -> Any:
    with Mock(ttft_ms=20, itl_ms=2) as started:
        yield started


def test_a_run_of_made_prompts(tmp_path: Path, mock: Mock) -> None:
    """A command of made prompts sends vLLM's load, prints its own form and vLLM's block, and writes vLLM's file."""
    command = "--random_input_len 30 --random-output-len 10 --num-prompts 20 --max-concurrency 4 --goodput ttft:9000"
    found, shown = serve(tmp_path, f"{command} --percentile-metrics ttft,tpot,itl,client_queue_time", mock)
    assert shown.startswith(f"fastbench perf --url {mock.url} --api completions --input-len 30 --output-len 10 ")
    assert "============ Serving Benchmark Result ============\nSuccessful requests:                     20 " in shown
    queues = {f"{statistic}_client_queue_time_ms" for statistic in ("mean", "median", "std", "p99")}
    percentiles = {f"p99_{metric}_ms" for metric in ("ttft", "tpot", "itl")}
    assert set(found) == {*VLLM_HEAD, *VLLM_RESULT, *ALWAYS, *LATENCIES, *queues, *percentiles}
    assert (found["completed"], found["failed"], found["total_output_tokens"]) == (20, 0, 200)
    assert (found["num_prompts"], found["max_concurrency"], found["request_rate"]) == (20, 4, "inf")
    assert found["request_goodput"] == found["request_throughput"] == 20 / found["duration"]
    assert found["mean_ttft_ms"] >= 20
    # Of five turns of 38 ms each, the first four requests wait for none.
    waited = sorted(found["queue_times"])
    assert waited[0] == 0
    assert waited[3] < waited[4] > 0.037


def test_a_run_of_rows(tmp_path: Path, mock: Mock) -> None:
    """A command of rows in chats sends each with its length at the rate, and saves each reply."""
    rows = ({"prompt": f"Tell me of {number}.", "output_tokens": number + 2} for number in range(8))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command = "--backend openai-chat --endpoint /v1/chat/completions --dataset-name custom --dataset-path rows.jsonl"
    more = "--custom-output-len -1 --skip-chat-template --disable-shuffle --ignore-eos --request-rate 100"
    found, _ = serve(tmp_path, f"{command} {more} --num-prompts 8 --save-detailed --metadata a=1", mock)
    assert set(VLLM_LISTS) <= set(found)
    assert found["output_lens"] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [len(gaps) + 1 for gaps in found["itls"]] == found["output_lens"]
    assert all(found["generated_texts"])
    assert (found["backend"], found["a"], found["model_id"]) == ("openai-chat", "1", "mock")


def test_a_service_that_fails(tmp_path: Path, mock: Mock) -> None:
    """Where every request fails the file tells so, as vLLM's, and the exit code is 1."""
    command = "--model nobody --num-prompts 3 --input-len 5 --output-len 2 --save-result --result-filename r.json"
    words = f"{command} --goodput ttft:1 --base-url {mock.url}".split()
    done = run_python(tmp_path, "vllm-bench", "serve", *words)
    assert done.returncode == 1
    found = json.loads((tmp_path / "r.json").read_text())
    assert (found["completed"], found["failed"], found["mean_ttft_ms"]) == (0, 3, 0.0)


def test_a_refusal_sends_nothing(tmp_path: Path, mock: Mock) -> None:
    """What cannot be honoured is one line, exit code 2, and no run."""
    done = run_python(tmp_path, "vllm-bench", "serve", "--profile", "--base-url", mock.url)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("fastbench: --profile would measure the profiler with the service")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_documented_commands_run(tmp_path: Path) -> None:
    """Each command of vLLM's documents that can be honoured measures the simulated service without a failure."""
    hub, place = filled_hub(tmp_path / "hub"), filled_place(tmp_path)
    with Mock() as quick:
        for number, command in enumerate(TAKEN):
            words = [*shlex.split(command), "--base-url", quick.url, "--served-model-name", "mock", "--save-result"]
            words += ["--result-dir", "results", "--result-filename", f"{number}.json"]
            # The small tokenizer has too few words to make prompts of.
            words += (
                ["--skip-tokenizer-init"]
                if {"prefix_repetition", "timed_trace"} & set(re.split(r"[ =]", command))
                else []
            )
            done = run_python(place, "vllm-bench", "serve", *words, env={"HF_HUB_CACHE": str(hub)})
            assert done.returncode == 0, f"{command}: {done.stderr}"
            found = json.loads((place / "results" / f"{number}.json").read_text())
            assert found["completed"] > 0 == found["failed"], command
