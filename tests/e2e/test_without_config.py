"""`fastbench perf` without a config file: each option does what it says, seen from the service."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nursery import Mock
from running import Ended, fastbench_command, perf, table, write_config
from tiny_service import MODEL, tiny_service

from fastbench._core.ring import FLAGS
from fastbench.recording import PROBE, recorded_id

FEW = ("--input-len", 16, "--output-len", 8, "--num-prompts", 12)
SMALL = (*FEW, "--concurrency", 4)


def measured(ended: Ended) -> Any:
    """The rows of the requests that were not warm-up, in the plan's order."""
    rows = ended.recording.rows
    rows = rows[rows["flags"] & FLAGS["warmup"] == 0]
    return rows[np.argsort(rows["request"])]


def test_the_usual_options(tmp_path: Path, service: Mock) -> None:
    """URL, lengths, concurrency and number of prompts are enough, and are kept to; without a work_dir results go to
    outputs/default of the current directory."""
    ended = replace(
        fastbench_command(tmp_path, "perf", "--url", service.url, *SMALL, "--no-plot"),
        work_dir=tmp_path / "outputs" / "default",
    )
    assert (ended.code, ended.err) == (0, "")
    assert (ended.run / "performances" / "openai-chat" / "synthetic.csv").is_file()
    assert set(ended.parameters("Min").items()) >= {("InputTokens", 16), ("OutputTokens", 8)}
    assert ended.parameters("Max")["OutputTokens"] == 8
    assert ended.common()["Total Requests"] == 12
    assert ended.trust["load"]["peak_concurrency"] == 4


def test_lengths_in_a_range(tmp_path: Path, service: Mock) -> None:
    """A range of lengths is drawn from, its ends included and nothing beyond."""
    lengths = ("--input-len", "5:9", "--output-len", "2:4", "--num-prompts", 60, "--concurrency", 30)
    rows = measured(perf(tmp_path, "--url", service.url, *lengths))
    assert set(rows["output_tokens"].tolist()) == {2, 3, 4}
    assert set(rows["input_tokens"].tolist()) == {5, 6, 7, 8, 9}
    assert (rows["planned_output"] == rows["output_tokens"]).all()


def test_each_run_has_the_same_lengths(tmp_path: Path, service: Mock) -> None:
    """Whatever the seed of the words, and without one, the same requests are planned; the recording has the seed."""
    lengths = ("--input-len", "5:900", "--output-len", "1:3", "--num-prompts", 12, "--concurrency", 12)
    plans, seeds = [], []
    for place, seed in (("a", ("--seed", 5)), ("b", ("--seed", 6)), ("c", ())):
        (tmp_path / place).mkdir()
        ended = perf(tmp_path / place, "--url", service.url, *lengths, *seed)
        plans.append(measured(ended)[["input_tokens", "planned_output"]].tolist())
        seeds.append(ended.recording.header["prompts"]["seed"])
    assert plans[0] == plans[1] == plans[2]
    assert seeds[:2] == [5, 6]
    assert seeds[2] is not None


def test_embedded_service(tmp_path: Path) -> None:
    """`--mock-option` starts a simulated service with these settings for the time of the run."""
    ended = perf(tmp_path, "--mock-option", "ttft_ms=30", "--mock-option", "itl_ms=3", *SMALL)
    assert (ended.code, ended.err) == (0, "")
    # Nothing comes earlier; on a busy machine it comes later. The last of 8 tokens comes 7 steps after the first.
    assert ended.parameters("Min")["TTFT"] >= 30
    assert ended.parameters("Min")["E2EL"] >= 30 + 7 * 3


def test_open_loop(tmp_path: Path) -> None:
    """A fixed rate is planned evenly, no request goes out early, and the rate reported is that of the sends."""
    log = tmp_path / "log"
    load = ("--rate", "200/s", "--num-prompts", 300, "--input-len", 16, "--output-len", 8, "--concurrency", 100)
    with Mock(ttft_ms=20, itl_ms=2, log=log) as mock:
        ended = perf(tmp_path, "--url", mock.url, *load)
        received = {entry["id"]: entry["received_ns"] for entry in mock.log_entries(301)}
    assert (ended.code, ended.err) == (0, "")
    rows = measured(ended)
    assert len(rows) == 300
    assert (np.diff(rows["intended_ns"]) == 5_000_000).all()
    assert (rows["sent_ns"] >= rows["intended_ns"]).all()
    run_id = ended.recording.header["run_id"]
    assert all(received[recorded_id(run_id, row["request"])] >= row["sent_ns"] for row in rows)
    assert ended.trust["load"]["sent_rate"] == pytest.approx(299 / (np.ptp(rows["sent_ns"]) / 1e9), rel=0.01)
    assert "Asked Rate" in ended.out


def test_open_loop_has_room_of_its_own(tmp_path: Path, service: Mock) -> None:
    """A rate alone is enough: the concurrency that it needs is not held down to 1."""
    ended = perf(tmp_path, "--url", service.url, *FEW, "--rate", "400/s", "--num-warmups", 0)
    assert ended.code == 0
    assert ended.trust["load"]["peak_concurrency"] > 4


def test_the_other_endpoint(tmp_path: Path) -> None:
    """`--api completions` chooses that endpoint; `test_body_of_a_request` looks at the usual one."""
    with tiny_service() as tiny:
        ended = perf(tmp_path, "--url", tiny.url, *SMALL, "--api", "completions", "--num-warmups", 0)
    assert {asked.path for asked in tiny.posts()} == {"/v1/completions"}
    assert (ended.run / "performances" / "openai-completions" / "synthetic.json").is_file()


@pytest.mark.parametrize("api", ["chat", pytest.param("completions", marks=pytest.mark.slow)])
def test_without_a_stream(tmp_path: Path, service: Mock, api: str) -> None:
    """Without a stream there are no token times, so the rows that need them are absent."""
    ended = perf(tmp_path, "--url", service.url, *SMALL, "--no-stream", "--api", api)
    assert (ended.code, ended.err) == (0, "")
    names = [row[0] for row in table(ended.out, "Performance Parameters")[1:]]
    assert names == ["E2EL", "InputTokens", "OutputTokens", "OutputTokenThroughput"]
    assert ended.parameters()["OutputTokens"] == 8
    assert ended.parameters("Min")["E2EL"] >= 20 + 7 * 2 - 1


def test_model_is_the_services_first(tmp_path: Path) -> None:
    """Without `--model` the first one that the service lists is asked for; with it, that one, unasked."""
    with tiny_service() as tiny:
        assert perf(tmp_path, "--url", tiny.url, *SMALL).code == 0
        assert {asked.body["model"] for asked in tiny.posts()} == {MODEL}
        tiny.asked.clear()
        assert perf(tmp_path, "--url", tiny.url, *SMALL, "--model", "mine").code == 0
        assert {asked.body["model"] for asked in tiny.posts()} == {"mine"}
        assert len(tiny.posts()) == len(tiny.asked)


def test_body_of_a_request(tmp_path: Path) -> None:
    """The service is asked for a stream with usage, for the full length, and for the parameters as given."""
    with tiny_service() as tiny:
        options = ("--param", "temperature=0.5", "--header", "X-Team: blue", "--api", "chat")
        assert perf(tmp_path, "--url", tiny.url, *SMALL, *options).code == 0
    asked = tiny.posts()[-1]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["x-team"] == "blue"
    assert asked.body["stream"] is True
    assert asked.body["stream_options"] == {"include_usage": True}
    assert (asked.body["ignore_eos"], asked.body["temperature"]) == (True, 0.5)
    assert 8 in (asked.body.get("max_tokens"), asked.body.get("max_completion_tokens"))


def test_prompts_from_a_file(tmp_path: Path) -> None:
    """`--dataset` sends the rows of a JSONL file in order, and no more than `--num-prompts`."""
    (tmp_path / "my.jsonl").write_text("".join(f'{{"prompt": "question {k}"}}\n' for k in range(20)))
    with tiny_service() as tiny:
        ended = perf(tmp_path, "--url", tiny.url, "--dataset", "my.jsonl", "--num-prompts", 7, "--num-warmups", 0)
    assert (ended.code, ended.err) == (0, "")
    assert [asked.body["messages"][-1]["content"] for asked in tiny.posts()] == [f"question {k}" for k in range(7)]
    assert (ended.run / "performances" / "openai-chat" / "my.csv").is_file()


def test_warm_up_is_not_measured(tmp_path: Path) -> None:
    """Warm-up requests reach the service and the recording, but none of the numbers."""
    log = tmp_path / "log"
    with Mock(log=log) as mock:
        ended = perf(tmp_path, "--url", mock.url, *SMALL, "--num-warmups", 5)
        asked = [entry for entry in mock.log_entries(19) if entry["id"][24] != PROBE]
        assert len(asked) == 17
    assert ended.common()["Total Requests"] == 12
    assert {row[-1] for row in table(ended.out, "Performance Parameters")[1:]} == {"12"}
    assert len(ended.recording.rows) == 17
    assert len(measured(ended)) == 12


def test_columns_of_the_report(tmp_path: Path, service: Mock) -> None:
    """`--stats` are the columns, fractional percentiles included; those of too few samples are marked."""
    ended = perf(tmp_path, "--url", service.url, *SMALL, "--stats", "P95,P99.9")
    header, first, *_ = table(ended.out, "Performance Parameters")
    assert header == ["Performance Parameters", "Stage", "P95", "P99.9", "N"]
    # A busy machine's client adds the mark of its own doubt.
    assert first[2].removesuffix(" ~").endswith("ms *")
    assert "needed: P95 90, P99 459, P99.9 4603" in ended.out


def test_texts_are_kept_on_request(tmp_path: Path) -> None:
    """`--save-text` keeps each reply's text beside the recording, for its owner alone; else none is kept."""
    with tiny_service() as tiny:
        kept = perf(tmp_path, "--url", tiny.url, *SMALL, "--save-text")
        (tmp_path / "again").mkdir()
        without = perf(tmp_path / "again", "--url", tiny.url, *SMALL)
    (texts,) = kept.run.rglob("texts.jsonl")
    assert texts.read_text().count("Hello") == 12
    assert texts.stat().st_mode & 0o777 == 0o600
    assert not list(without.run.rglob("texts.jsonl"))


def test_runs_of_one_second_do_not_share_a_directory(tmp_path: Path, service: Mock) -> None:
    """Runs that begin in the same second have a directory each."""
    config = write_config(
        tmp_path,
        models=[{"type": "openai_chat", "url": service.url}],
        datasets=[{"type": "synthetic", "count": 1, "input_len": 4, "output_len": 1}],
        num_warmups=0,
    )
    ended = [perf(tmp_path, "--config", config) for _ in range(3)]
    assert [one.code for one in ended] == [0] * 3
    assert len(list((tmp_path / "out").iterdir())) == 3
