"""`fastbench perf --dry-run`: the plan in words, and nothing sent."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fastbench.api.judging import Asking, gates_of
from fastbench.api.planning import LOOKED_AT, format_bytes, prepare
from fastbench.cli.perf import perf_command
from fastbench.config import Task
from fastbench.errors import UsageError
from fastbench.options import FromNow, Options, run_of_options

URL = "http://127.0.0.1:9"


def dry_run(*arguments: str) -> list[str]:
    """The lines of the plan."""
    result = CliRunner().invoke(perf_command, ["--dry-run", *arguments], standalone_mode=False, catch_exceptions=False)
    assert result.return_value == 0
    return result.output.splitlines()


def row(lines: list[str], name: str) -> str:
    (found,) = [line for line in lines if line.startswith(f"  {name} ")]
    return found.removeprefix(f"  {name} ").strip()


def test_a_plan_in_words() -> None:
    """Each task says where, what, how long and when."""
    lines = dry_run(*f"--url {URL} --model m --input-len 5:9 --output-len 4 --num-prompts 50 --concurrency 3".split())
    assert lines[0] == "Task 1 of 1: openai-chat/synthetic"
    assert row(lines, "Service") == f"{URL}/v1/chat/completions (openai_chat, as a stream)"
    assert row(lines, "Model") == "m"
    assert row(lines, "Requests") == "50, after 1 warm-up request"
    least, _, most = row(lines, "Input tokens").split(", ")
    assert (least, most) == ("min 5", "max 9")
    assert row(lines, "Output tokens") == "min 4, mean 4.0, max 4"
    assert row(lines, "Schedule") == "closed loop, at most 3 in flight"
    assert lines[-2:] == ["1 task; results would go to a new directory in outputs/default.", "Nothing was sent."]


def test_the_seed_of_a_plan() -> None:
    """A seed that is named is told; without one each run has another; rows of a file have none."""
    new = "a new one for each run; --seed N sends the same prompts again"
    for words, seed in (("", new), ("--seed 7", "7")):
        assert row(dry_run(*f"--url {URL} --model m {words}".split()), "Seed") == seed


def prepared(tmp_path: Path, **given: Any) -> Task:
    """The task of a run that is prepared; with a start it is a shard of two."""
    options = Options({"url": URL, "work_dir": str(tmp_path), **given})
    options = options.having("shard", (0, 2)) if "start_at" in given else options
    return prepare(run_of_options(options).run, options).plan.tasks[0].task


def test_each_run_has_prompts_of_its_own(tmp_path: Path) -> None:
    """By chance; of a shard by the time at which all start; not where a seed is named."""
    seeds = [prepared(tmp_path).words_seed for _ in range(2)]
    assert seeds[0] != seeds[1]
    assert prepared(tmp_path, seed=3).words_seed == 3
    soon = time.time_ns() + 10**12
    a, b, later = (prepared(tmp_path, start_at=at).words_seed for at in (soon, soon, soon + 1))
    assert a == b != later
    with pytest.raises(UsageError, match="each shard would make prompts of its own; give all of them one --seed N"):
        prepared(tmp_path, start_at=FromNow(soon))
    assert prepared(tmp_path, start_at=FromNow(soon), seed=3).words_seed == 3


def test_a_statement_about_a_class_that_there_is_not(tmp_path: Path) -> None:
    """It is refused before there is a run, with the classes of the task."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"class": "chat", "body": {"messages": [{"role": "user", "content": "a"}]}}\n')
    run, _ = run_of_options(
        Options({"url": "http://127.0.0.1:9", "rows": str(rows), "work_dir": str(tmp_path / "out")})
    )
    with pytest.raises(UsageError, match=r"'code'.*its classes are chat"):
        prepare(run, asking=Asking(gates=gates_of(["ttft.p99[class=code]<1s"])))
    assert not (tmp_path / "out").exists()


def test_nothing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is not even connected to, no simulated one is started, no directory made."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        dry_run("--url", f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert "a built-in simulated service" in row(dry_run("--mock"), "Service")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "schedule"),
    [
        ("--rate 100/s", "open loop, constant at 100/s, the last request after 0.990 s, at most 1000 in flight"),
        (
            "--rate 100/s --concurrency 7 --on-full drop",
            "open loop, constant at 100/s, the last request after 0.990 s, at most 7 in flight, "
            "dropping what is due beyond",
        ),
        (
            "--pressure --rate 5 --concurrency 10",
            "closed loop, at most 10 in flight, opened by pressure, constant at 5/s",
        ),
    ],
)
def test_schedules(words: str, schedule: str) -> None:
    """The schedule is the one that the run would keep to."""
    assert row(dry_run("--url", URL, *words.split()), "Schedule") == schedule


def test_a_run_by_time() -> None:
    """A run that is bound by time sends as many requests as fit."""
    lines = dry_run("--url", URL, "--duration", "60")
    assert row(lines, "Requests").startswith("as many as fit into 1min: new prompts, one after the other")
    assert row(lines, "Recording").endswith(" a request")


def test_several_tasks() -> None:
    """Named tasks are shown one after the other; a service that names no model in its requests is told so."""
    lines = dry_run(
        "--models", "tgi_api_general", "vllm_api_general", "--datasets", "synthetic_gen", "--max-num-workers", "2"
    )
    tasks = [line for line in lines if line.startswith("Task ")]
    assert tasks == ["Task 1 of 2: tgi-api-general/synthetic", "Task 2 of 2: vllm-api-general/synthetic"]
    models = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  Model")]
    assert models == ["not named in the requests", "the first one that the service lists"]
    assert lines[-2].startswith("2 tasks, 2 at once; ")


def test_large_sets_are_looked_at_in_part() -> None:
    """The lengths of a very large data set are those of its first samples."""
    lines = dry_run(*f"--url {URL} --input-len 1 --output-len 1 --num-prompts {LOOKED_AT + 1}".split())
    assert row(lines, "Input tokens").endswith(f"(of the first {LOOKED_AT} samples)")
    assert row(lines, "Requests").startswith(f"{LOOKED_AT + 1}, ")


def test_lengths_that_only_the_service_knows(tmp_path: Path) -> None:
    """Rows of a file have no length before a tokenizer or the service has counted them."""
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"p{k}", "max_tokens": k}) + "\n" for k in (2, 4)), encoding="utf-8")
    lines = dry_run("--url", URL, "--dataset", str(file))
    assert row(lines, "Input tokens") == "known when the service has counted them"
    assert row(lines, "Output tokens") == "min 2, mean 3.0, max 4"
    whole = {"messages": [{"role": "user", "content": "a"}]}
    file.write_text("".join(json.dumps(whole | more) + "\n" for more in ({}, {"max_tokens": 4})), encoding="utf-8")
    assert row(dry_run("--url", URL, "--rows", str(file)), "Output tokens") == "min 4, mean 4.0, max 4"
    told = dry_run("--url", URL, "--rows", str(file), "--param", "max_tokens=7")
    assert row(told, "Output tokens") == "min 7, mean 7.0, max 7"
    file.write_text(json.dumps(whole), encoding="utf-8")
    assert row(dry_run("--url", URL, "--rows", str(file)), "Output tokens").startswith("as many as the service sends")


def test_a_data_set_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A broken row is told, as the run would tell it."""
    file = tmp_path / "rows.jsonl"
    file.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="line 1: the row is not JSON"):
        dry_run("--url", URL, "--dataset", str(file))


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1.5e6, "1.5 MB"), (2e9, "2 GB"), (4e12, "4e+03 GB")]
)
def test_sizes(size: float, text: str) -> None:
    """Sizes are shown in decimal units with three digits."""
    assert format_bytes(size) == text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--param max_completion_tokens=3", "min 3, mean 3.0, max 3"),
        ("--param max_tokens=null", "as many as the service sends: no length is asked for"),
        ("--length-field max_completion_tokens", "min 4, mean 4.0, max 4"),
    ],
)
def test_the_length_that_goes_out(options: str, told: str) -> None:
    """The plan tells the output length that the requests ask for, whatever setting says it."""
    assert row(dry_run(*f"--url {URL} --model m --output-len 4 {options}".split()), "Output tokens") == told


def test_fields_of_rows_are_told(tmp_path: Path) -> None:
    """The plan tells which fields of rows are sent and which are not, and what is worth a note."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "tools": [], "seed": 1, "id": 7, "model": "x"}\n')
    lines = dry_run("--url", URL, "--model", "m", "--api", "completions", "--dataset", str(path))
    assert row(lines, "Fields of rows") == "sent: seed; not sent: tools, id, model"
    assert row(lines, "Note").endswith("(with the number of rows): tools (1), model (1)")
    path.write_text('{"prompt": "a", "max_tokens": 5}\n')
    assert not [line for line in dry_run("--url", URL, "--model", "m", "--dataset", str(path)) if "Fields of" in line]
