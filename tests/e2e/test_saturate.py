"""`fastbench saturate` as a user starts it, against the simulated service."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nursery import Mock
from running import LIMIT_S, Running, fastbench_command

import fastbench as fb
from fastbench.recording import Recording

SEATS = 4
"""Requests that the service runs at once: the next one waits for as long as one takes, 40 ms and more."""
SERVICE = {"max_num_seqs": SEATS, "decode_ms": 5, "seed": 1}
LOAD = ("--input-len", "8", "--output-len", "8", "--slo", "ttft<35ms@90%", "--max", "64", "-q")


def saturate(directory: Path, *words: str) -> Running:
    """The command, started."""
    return Running(directory, *words, subcommand="saturate")


def run_of(directory: Path) -> Path:
    (run,) = (directory / "out").iterdir()
    return run


def visits_of(directory: Path) -> Sequence[dict[str, Any]]:
    """Those that are over so far."""
    found = list(directory.glob("out/*/saturate.jsonl"))
    if not found:
        return []
    return [json.loads(line) for line in found[0].read_text().splitlines(keepends=True)[1:] if line.endswith("\n")]


def await_visits(directory: Path, count: int) -> None:
    """Waits until so many are over."""
    end = time.monotonic() + LIMIT_S
    while len(visits_of(directory)) < count:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_search(tmp_path: Path) -> None:
    """What is printed first is the answer of the JSON file. Each visit is an ordinary recording, never with more in
    flight than its users once it counts. All of them are one load: no slot needs a second connection."""
    with Mock(**SERVICE) as mock, saturate(tmp_path, mock.url, *LOAD, "--budget", "8s") as searching:
        ended = searching.end()
    first, *_ = ended.out.splitlines()
    run = run_of(tmp_path)
    answer = json.loads((run / "saturate.json").read_text())
    assert ended.code == answer["code"], ended.out + ended.err
    assert answer["code"] in (0, 4)
    assert first.startswith(f"{answer['tiers'][0]['level']:g} users at once" if answer["code"] == 0 else "Cannot tell")
    assert "keep ttft<35ms for 90 % of requests" in first
    assert answer["seconds"] == pytest.approx(8, abs=2)
    assert (run / "saturate.html").read_text().count("<svg") >= 1
    visits = visits_of(tmp_path)
    assert len({visit["recording"] for visit in visits}) == len(visits)
    recordings = [Recording.open(run / visit["recording"]) for visit in visits]
    for visit, recording in zip(visits, recordings, strict=True):
        assert recording.footer is not None
        rows = recording.rows[recording.rows["flags"] & 8 == 0]
        if visit["rate"] is None:
            assert recording.header["load"]["shape"]["level"] == visit["level"]
            # From when the level counts there are never more in flight than its users.
            counted = rows[rows["sent_ns"] >= visit["begin_ns"]]
            assert most_in_flight(counted["sent_ns"], counted["end_ns"]) <= visit["level"]
        assert rows["request"].min() == 0
        assert fb.compute(recording).outcomes == {"ok": rows.size}
    closed = [
        (int(row["connection"]), int(row["sent_ns"]))
        for visit, recording in zip(visits, recordings, strict=True)
        if visit["rate"] is None
        for row in recording.rows[recording.rows["flags"] & 8 == 0]
    ]
    most = max(visit["level"] for visit in visits)
    assert len({connection for connection, _ in closed}) <= most + 1
    again = fastbench_command(tmp_path, "recalc", run, "--no-plot")
    # It judges each visit by the search's SLO; that some levels break it decides nothing.
    assert again.code == 0, again.err
    told = [line for line in again.out.splitlines() if "ttft<35ms for 90 % of requests" in line]
    assert [line[:6] for line in told] == ["  SLO ", "│ ttft"] * len(visits)
    assert again.out.count("Performance Parameters") >= len(visits)


def most_in_flight(sent: np.ndarray, ended: np.ndarray) -> int:
    """At one moment. At a tie one ends before the next is sent."""
    moments = np.concatenate([sent, ended])
    steps = np.concatenate([np.ones(sent.size, int), -np.ones(ended.size, int)])
    return int(np.cumsum(steps[np.lexsort((steps, moments))]).max())


def test_an_interrupted_search_goes_on(tmp_path: Path) -> None:
    """Ctrl-C ends a search with the answer so far and exit code 130; `--reuse` feeds its visits again and goes on."""
    with Mock(**SERVICE) as mock:
        with saturate(tmp_path, mock.url, *LOAD) as searching:
            await_visits(tmp_path, 3)
            searching.process.send_signal(signal.SIGINT)
            interrupted = searching.end()
        assert interrupted.code == 130, interrupted.out + interrupted.err
        assert "the search was interrupted" in interrupted.out.splitlines()[0]
        before = visits_of(tmp_path)
        run = run_of(tmp_path)
        # What was prepared and never sent is no part of a visit.
        for path in run.glob("performances/*/*_recording"):
            assert set(fb.compute(Recording.open(path)).outcomes) <= {"ok"}
        with saturate(tmp_path, "--reuse", run.name, "-q", "--budget", "9s") as searching:
            ended = searching.end()
    assert ended.code in (0, 4), ended.out + ended.err
    after = visits_of(tmp_path)
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_a_service_that_dies(tmp_path: Path) -> None:
    """A service that goes away in the middle ends the search: exit code 4, with the levels that were seen."""
    with Mock(**SERVICE) as mock, saturate(tmp_path, mock.url, *LOAD) as searching:
        await_visits(tmp_path, 2)
        mock.stop()
        ended = searching.end()
    assert ended.code == 4, ended.out + ended.err
    assert "the service does not answer any more" in ended.out.splitlines()[0]
    assert json.loads((run_of(tmp_path) / "saturate.json").read_text())["stopped"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--slo", "tfft<1s"), "did you mean ttft"),
        (("--slo", "ttft<500"), "it has no unit"),
        (("--slo", "ttft<1s, ttft<2s"), "contradicts itself"),
        (("--sweep", "users=1,2"), "is no sweep; give concurrency=1,2,4,8 or rate=5,10,20"),
        (("--sweep", "rate=1,2", "--max", "5"), "give one of them"),
        (("--price", "2.5/h"), "--price needs --gpus N"),
        (("--tolerance", "0"), "is not from 0.1% to 50%"),
    ],
)
def test_what_cannot_be_asked(words: Sequence[str], said: str, tmp_path: Path) -> None:
    """Bad input is refused in a sentence before anything is sent, with exit code 2."""
    ended = fastbench_command(tmp_path, "saturate", "http://127.0.0.1:9", *words)
    assert ended.code == 2, ended.out + ended.err
    assert said in ended.err


def test_from_python(tmp_path: Path) -> None:
    """`fastbench.saturate` gives the levels and the sentence, and stops when it is told to."""
    with Mock(**SERVICE) as mock:
        found = fb.saturate(
            mock.url,
            slo="ttft<35ms@90%",
            sweep="concurrency=2,16",
            budget="3s",
            gpus=2,
            input_len=8,
            output_len=8,
            work_dir=str(tmp_path),
        )
    assert found.code == 0
    assert [row.level for row in found.levels] == [2, 16]
    assert found.levels[0].shares[0].value > 0.9 > found.levels[1].shares[0].value
    assert found.sentence.startswith("2 of 2 levels: most output at ")
    assert found.outcome.costs[0].per_gpu.value == pytest.approx(found.levels[0].tokens_per_s.value / 2)
    assert (found.path / "saturate.json").is_file()


@pytest.mark.parametrize("sweep", ["concurrency=1,5", pytest.param("rate=20,60", marks=pytest.mark.slow)])
def test_workers_share_the_users(sweep: str, tmp_path: Path) -> None:
    """Two processes share the users of each level, of which one may have none, or an open loop's times. Each level is
    one recording of two parts, with no more in flight than its users."""
    with Mock(**SERVICE) as mock:
        words = ("--slo", "ttft<35ms@90%", "--sweep", sweep, "--budget", "4s", "--workers", "2", "-q")
        with saturate(tmp_path, mock.url, "--input-len", "8", "--output-len", "8", *words) as searching:
            ended = searching.end()
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("2 of 2 levels: ")
    run = run_of(tmp_path)
    for visit in visits_of(tmp_path):
        recording = Recording.open(run / visit["recording"])
        assert len(recording.parts) == 2
        assert recording.footer is not None
        rows = recording.rows[recording.rows["flags"] & 8 == 0]
        assert np.unique(rows["request"]).size == rows.size
        if visit["rate"] is None:
            counted = rows[rows["sent_ns"] >= visit["begin_ns"]]
            assert most_in_flight(counted["sent_ns"], counted["end_ns"]) <= visit["level"]
        else:
            assert rows.size == pytest.approx(visit["rate"] * 4, rel=0.6)
        assert fb.compute(recording).outcomes == {"ok": rows.size}
