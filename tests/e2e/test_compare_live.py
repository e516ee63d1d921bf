"""`fastbench compare --url-a … --url-b …` as a user starts it, against two simulated services."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nursery import Mock, run_python
from running import LIMIT_S, Running
from tiny_service import Answer, Asked, tiny_service, usual

import fastbench as fb
from fastbench._core.ring import OUTCOMES
from fastbench.recording import FLAGS, Recording

SERVICE = {"ttft_ms": 20, "itl_ms": 8, "seed": 1}
SLOWER = {"ttft_ms": 20, "itl_ms": 16, "seed": 2}
# Three waves of the 20 requests that a slice has at least.
LOAD = ("--input-len", "8:40", "--output-len", "4:8", "--concurrency", "8", "--slice", "0.2s", "-q")


def command(directory: Path, *words: str) -> Running:
    """The command, started."""
    return Running(directory, *words, subcommand="compare")


def run_of(directory: Path) -> Path:
    (run,) = (directory / "out").iterdir()
    return run


def pairs_of(directory: Path) -> Sequence[dict[str, Any]]:
    """Those that are over so far, the one that warms up first."""
    found = list(directory.glob("out/*/rounds.jsonl"))
    if not found:
        return []
    return [json.loads(line) for line in found[0].read_text().splitlines(keepends=True)[1:] if line.endswith("\n")]


def await_pairs(directory: Path, count: int) -> None:
    """Waits until so many are over."""
    end = time.monotonic() + LIMIT_S
    while len(pairs_of(directory)) < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def measured(recording: Recording) -> np.ndarray:
    """Its requests without warm-up, in the order of the plan."""
    rows = recording.rows[recording.rows["flags"] & FLAGS["warmup"] == 0]
    return rows[np.argsort(rows["request"])]


@pytest.mark.slow
@pytest.mark.alone
def test_a_slower_service_is_found(tmp_path: Path) -> None:
    """A service whose tokens take twice as long is worse: exit code 3, and it stops long before the budget is
    over. Each slice is an ordinary recording; both of a pair have prompts of the same lengths, and the next pair has
    others. No slice begins before the one before it has ended."""
    with Mock(**SERVICE) as a, Mock(**SLOWER) as b:
        words = ("--url-a", a.url, "--url-b", b.url, *LOAD, "--until", "decided", "--budget", "60s", "--seed", "5")
        ended = command(tmp_path, *words).end()
    assert ended.code == 3, ended.out + ended.err
    assert "worse (95 %: " in ended.out
    assert "pairs, interleaved; an interval that holds at whatever moment one stops" in " ".join(ended.out.split())
    run, pairs = run_of(tmp_path), pairs_of(tmp_path)
    assert len(pairs) < 40
    lengths, spans = [], []
    for pair in pairs:
        recordings = [Recording.open(run / name) for name in pair["recordings"]]
        rows = [measured(one) for one in recordings]
        assert [one["outcome"].tolist() for one in rows] == [[OUTCOMES.index("ok")] * pair["requests"]] * 2
        planned = [one[["planned_input", "planned_output", "sample"]].tolist() for one in rows]
        assert planned[0] == planned[1]
        lengths.append(planned[0])
        both = [(int(one["sent_ns"].min()), int(one["end_ns"].max())) for one in rows]
        spans += both if pair["first"] == "a" else both[::-1]
    assert {pair["first"] for pair in pairs[:9]} == {"a", "b"}
    assert all(end < begin for (_, end), (begin, _) in pairwise(spans))
    samples = [sample for planned in lengths for *_, sample in planned]
    assert samples == list(range(len(samples)))
    again = run_python(tmp_path, "recalc", run, "--no-plot")
    assert again.returncode == 0, again.stderr


def test_the_same_service_twice(tmp_path: Path) -> None:
    """From Python: exactly so many pairs as were asked for, of slices of so many requests, the first one beside them;
    the service is not worse than itself, whatever cannot be told in so short a time. A watcher is told of each pair."""
    told: list[str] = []
    with Mock(**SERVICE) as mock:
        found = fb.compare_live(
            mock.url,
            mock.url,
            labels=("before", "after"),
            input_len=8,
            output_len=8,
            concurrency=8,
            num_prompts=24,
            pairs=3,
            tolerance="5%",
            work_dir=tmp_path / "out",
            on_progress=lambda now: told.append(now.load),
        )
    assert found.code in (0, 4), found.sentence
    assert [side.label for side in found.sides] == ["before", "after"]
    assert found.versus[0].differs == ()
    pairs = pairs_of(tmp_path)
    assert [pair["requests"] for pair in pairs] == [24] * 4
    counted = [pair for pair in pairs if not pair["left_out"]]
    assert len(counted) <= 3
    if counted:
        assert [len(side.runs) for side in found.sides] == [len(counted)] * 2
    assert {line.partition(" · ")[0] for line in told} == {
        "a pair that warms both up",
        *(f"pair {number} of 3" for number in range(1, 4)),
    }
    assert json.loads((run_of(tmp_path) / "compare.json").read_text())["code"] == found.code


@pytest.mark.alone
def test_a_duet(tmp_path: Path) -> None:
    """With --duet both slices of a pair begin within some ms, and go on at the same time."""
    with Mock(**SERVICE) as a, Mock(**SLOWER) as b:
        words = ("--url-a", a.url, "--url-b", b.url, *LOAD, "--duet", "--pairs", "3")
        ended = command(tmp_path, *words).end()
    run, pairs = run_of(tmp_path), pairs_of(tmp_path)[1:]
    # A pair with a slice that a busy machine made INVALID does not count.
    counted = sum(not pair["left_out"] for pair in pairs)
    assert ended.code == 3 or counted < 3, ended.out + ended.err
    said = " ".join(ended.out.split())
    assert counted < 2 or f"{counted} pairs, at the same time; Student's t over the pairs" in said
    for pair in pairs:
        rows = [measured(Recording.open(run / name)) for name in pair["recordings"]]
        assert abs(int(rows[0]["intended_ns"].min()) - int(rows[1]["intended_ns"].min())) < 50_000_000
        assert max(int(one["sent_ns"].min()) for one in rows) < min(int(one["end_ns"].max()) for one in rows)


def test_an_interrupted_comparison(tmp_path: Path) -> None:
    """Ctrl-C ends it with exit code 130 and the answer from the pairs until then, whose intervals hold for that."""
    with Mock(**SERVICE) as a, Mock(**SLOWER) as b:
        running = command(tmp_path, "--url-a", a.url, "--url-b", b.url, *LOAD)
        await_pairs(tmp_path, 4)
        running.process.send_signal(signal.SIGINT)
        ended = running.end()
    assert ended.code == 130, ended.out + ended.err
    said = " ".join(ended.out.split())
    if any(not pair["left_out"] for pair in pairs_of(tmp_path)):
        assert "TPOT p50" in said
        assert "Interrupted: the answer is from the pairs until then" in said
        assert "an interval that holds at whatever moment one stops" in said
    else:
        assert "do not count" in said or "it was interrupted before a pair had been measured" in said


def test_a_service_that_dies(tmp_path: Path) -> None:
    """A service that goes away in the middle ends it: exit code 4, a sentence that names it, and what there is."""
    with Mock(**SERVICE) as a, Mock(**SLOWER) as b:
        running = command(tmp_path, "--url-a", a.url, "--url-b", b.url, *LOAD)
        await_pairs(tmp_path, 4)
        b.stop()
        ended = running.end()
    assert ended.code == 4, ended.out + ended.err
    said = " ".join(ended.out.split())
    assert f"B ({b.url}) stopped answering after " in said
    assert "TPOT p50" in said or all(pair["left_out"] for pair in pairs_of(tmp_path))


def test_a_service_that_is_not_there(tmp_path: Path, free_url: str) -> None:
    """Where a service cannot be measured at all nothing is compared: exit code 1 and its sentence."""
    with Mock(**SERVICE) as mock:
        ended = command(tmp_path, "--url-a", mock.url, "--url-b", free_url, *LOAD, "--model", "mock").end()
    assert ended.code == 1, ended.out + ended.err
    assert free_url in ended.err
    assert "Traceback" not in ended.err


def without_ignore_eos(asked: Asked) -> Answer:
    """Of a service that does not know the field."""
    if "ignore_eos" not in asked.body:
        return usual(asked)
    detail = json.dumps({"detail": "Unexpected keys in the request: {'ignore_eos'}"}).encode()
    return Answer(422, "application/json", detail)


def test_a_field_that_one_service_refuses(tmp_path: Path) -> None:
    """A field that B refuses at its warm-up is sent to neither."""
    with Mock(**SERVICE) as a, tiny_service(without_ignore_eos) as b:
        fb.compare_live(
            a.url,
            b.url,
            input_len=8,
            output_len=4,
            concurrency=10,
            num_prompts=20,
            pairs=1,
            seed=1,
            work_dir=tmp_path / "out",
        )
    run = run_of(tmp_path)
    recordings = [Recording.open(run / name) for pair in pairs_of(tmp_path) for name in pair["recordings"]]
    assert len(recordings) == 4
    assert {tuple(one.header["left_out"]) for one in recordings} == {("ignore_eos",)}


@pytest.fixture
def free_url() -> str:
    """Of a service that has been stopped."""
    with Mock() as mock:
        return mock.url


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--url-a", "http://h:1"), "--url-a measures a second service: name it by --url-b"),
        (("--url-b", "http://h:1"), "--url-b measures two services: name the first by --url-a"),
        (("a", "b", "--url-a", "http://h:1", "--url-b", "http://h:2"), "compares recordings, --url-a measures"),
        (("--url-a", "http://h:1", "--url-b", "http://h:2", "--run-noise", "3%"), "--run-noise is about recordings"),
        (("a", "b", "--duet"), "--duet goes with --url-a"),
        (
            ("--url-a", "http://h:1", "--url-b", "http://h:2", "--slice", "1s", "--num-prompts", "9"),
            "both say how long a slice is",
        ),
        (
            ("--url-a", "http://h:1", "--url-b", "http://h:2", "--duet", "--workers", "2", "--concurrency", "4"),
            "--duet",
        ),
    ],
)
def test_what_cannot_be_asked(words: Sequence[str], said: str, tmp_path: Path) -> None:
    """Bad input is refused in a sentence before anything is sent, with exit code 2."""
    ended = run_python(tmp_path, "compare", *words)
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert said in ended.stderr
