"""Shares of one plan, sent by processes that know nothing of each other, and the one run that is made of them."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from nursery import Mock
from running import Argument, Ended, Running, fastbench_command

from fastbench._core.ring import FLAGS
from fastbench.recording import REQUESTS, Recording, part_path, part_paths

SHORT = ("--input-len", 8, "--output-len", 3, "--quiet", "--no-plot")
OPEN = (*SHORT, "--num-prompts", 90, "--rate", "150/s", "--burstiness", 1)
SHARES = 3
STARTS = 3
"""How many times as long as one command alone a share may take till it is ready, for each that starts with it."""


def send(place: Path, url: str, *load: Argument, of: int = SHARES) -> list[Ended]:
    """Each share by a command of its own, all at once, into `place/<number>`."""
    running = []
    start = soon(place, url, *load, of=of)
    for number in range(of):
        directory = place / str(number)
        directory.mkdir(parents=True)
        running.append(Running(directory, "--url", url, *load, "--shard", f"{number}/{of}", "--start-at", start))
    return [one.end() for one in running]


def soon(place: Path, url: str, *load: Argument, of: int = 1) -> str:
    """A time at which `of` shares that are started now will be ready, by how long the command takes to plan one."""
    place.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    assert fastbench_command(place, "perf", "--url", url, *load, "--dry-run").code == 0
    return (datetime.now(UTC) + timedelta(seconds=2 + STARTS * of * (time.monotonic() - begun))).isoformat()


def merge(place: Path, *arguments: Argument) -> Ended:
    return fastbench_command(place, "merge", *arguments)


def measured(recording: Recording) -> np.ndarray:
    rows = recording.rows[recording.rows["flags"] & FLAGS["warmup"] == 0]
    return np.sort(rows, order="request")


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory, service: Mock) -> Path:
    """Three shares of an open loop."""
    place = tmp_path_factory.mktemp("shares")
    ended = send(place, service.url, *OPEN)
    assert [one.code for one in ended] == [0] * SHARES, ended
    assert "share 1/3: 30 requests, 30 ok" in ended[1].out
    return place


def shares(place: Path) -> list[Path]:
    return [place / str(number) / "out" for number in range(SHARES)]


def test_the_shares_are_the_plan(tmp_path: Path, sent: Path) -> None:
    """The merged run has every request of the plan once, at the plan's times since one start, and one report."""
    ended = merge(tmp_path, *shares(sent), "-o", tmp_path / "whole")
    (path,) = (tmp_path / "whole").glob("performances/*/*_recording")
    recording = Recording.open(path)
    rows = measured(recording)
    assert ended.code == 0, ended.err
    assert np.array_equal(rows["request"], np.arange(90))
    # Each share has looked at the wall clock for itself.
    assert np.all(np.abs(np.diff(rows["intended_ns"]).clip(max=0)) < 500_000_000)
    assert recording.damage == []
    assert recording.footer is not None
    assert recording.footer["planned"] == 90
    assert "Performance Results of task: openai-chat/synthetic" in ended.out
    trust = json.loads(next((tmp_path / "whole").glob("performances/*/*_trust.json")).read_bytes())
    assert trust["outcomes"] == {"ok": 90}


def test_only_the_first_share_warms_up(sent: Path) -> None:
    """The warm-up, which is for all, is sent by share 0."""
    counts = []
    for share in shares(sent):
        (path,) = share.glob("*/performances/*/*_recording")
        rows = Recording.open(path).rows
        counts.append(int((rows["flags"] & FLAGS["warmup"] != 0).sum()))
    assert counts == [1, 0, 0]


def test_files_are_not_rewritten(tmp_path: Path, sent: Path) -> None:
    """A merged recording has the very files of the shares; texts would follow them."""
    assert merge(tmp_path, *shares(sent), "-o", tmp_path / "whole").code == 0
    (path,) = (tmp_path / "whole").glob("performances/*/*_recording")
    for number, share in enumerate(shares(sent)):
        (own,) = share.glob(f"*/performances/*/*_recording/{part_path(Path(), REQUESTS, number).name}")
        assert own.read_bytes() == part_path(path, REQUESTS, number).read_bytes()
    assert len(part_paths(path)) == SHARES


def test_recordings_can_be_named_too(tmp_path: Path, sent: Path) -> None:
    """A share may be named by its recording, or by its run, in any order; the default place is a new run."""
    paths = [next(share.glob("*/performances/*/*_recording")) for share in shares(sent)]
    ended = merge(tmp_path, paths[2], next(shares(sent)[0].iterdir()), paths[1])
    assert ended.code == 0, ended.err
    assert len(list((tmp_path / "outputs" / "default").glob("*/performances/*/*_recording/*.fbr"))) == SHARES


def test_a_missing_share(tmp_path: Path, sent: Path) -> None:
    """Without all shares nothing is made unless that is asked for; then their requests are lost, and the code is 1."""
    some = shares(sent)[:2]
    refused = merge(tmp_path, *some, "-o", tmp_path / "whole")
    assert refused.code == 2
    assert refused.one_sentence() == (
        "fastbench: share 2 of 3 missing: name them too, or give --partial to count their requests as lost"
    )
    assert not (tmp_path / "whole").exists()
    ended = merge(tmp_path, *some, "-o", tmp_path / "whole", "--partial")
    trust = json.loads(next((tmp_path / "whole").glob("performances/*/*_trust.json")).read_bytes())
    assert ended.code == 1
    assert trust["outcomes"] == {"ok": 60, "no outcome (lost from the recording)": 30}
    assert "the part of worker 2 is missing" in ended.out


def test_the_same_share_twice(tmp_path: Path, sent: Path) -> None:
    """A share that is named twice is refused, with both places."""
    ended = merge(tmp_path, *shares(sent), shares(sent)[1], "-o", tmp_path / "whole")
    assert ended.code == 2
    assert ended.one_sentence().endswith("are both shard 1: leave one of them out")


def test_shares_of_different_plans(tmp_path: Path, sent: Path, service: Mock) -> None:
    """A share of another plan is refused with the first setting in which it differs."""
    other = (*SHORT, "--num-prompts", 90, "--rate", "160/s", "--burstiness", 1)
    (tmp_path / "0").mkdir()
    start = soon(tmp_path, service.url, *other)
    with Running(
        tmp_path / "0", "--url", service.url, *other, "--shard", "2/3", "--start-at", start, "--num-warmups", 1
    ) as running:
        assert running.end().code == 0
    ended = merge(tmp_path, *shares(sent)[:2], tmp_path / "0" / "out", "-o", tmp_path / "whole")
    assert ended.code == 2
    assert "are shards of different runs: load.rate is 150.0 and 160.0; name" in ended.one_sentence()
    ended = merge(tmp_path, shares(sent)[0], tmp_path / "nothing")
    assert (ended.code, "is not a directory" in ended.one_sentence()) == (2, True)


def test_a_whole_run_is_no_share(tmp_path: Path, service: Mock) -> None:
    """What is whole already is not merged."""
    run = fastbench_command(tmp_path, "perf", "-w", "out", "--url", service.url, *SHORT, "--num-prompts", 4)
    assert run.code == 0
    ended = merge(tmp_path, tmp_path / "out", "-o", tmp_path / "whole")
    assert (ended.code, "is a whole run, not a shard" in ended.one_sentence()) == (2, True)


def test_a_place_that_is_taken(tmp_path: Path, sent: Path) -> None:
    """The merged run gets a directory of its own, or none."""
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "something").touch()
    ended = merge(tmp_path, *shares(sent), "-o", tmp_path / "whole")
    assert (ended.code, "exists and is not empty" in ended.one_sentence()) == (2, True)


def test_too_late(tmp_path: Path, service: Mock) -> None:
    """A share that is not ready at its time sends nothing and says by how much it was late."""
    (tmp_path / "0").mkdir()
    with Running(
        tmp_path / "0", "--url", service.url, *OPEN, "--shard", "1/3", "--seed", 1, "--start-at", "+50ms"
    ) as running:
        ended = running.end()
    last = ended.err.splitlines()[-1]
    assert ended.code in (1, 2)
    assert "after --start-at" in last or "--start-at has passed" in last


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--shard", "0/2"), "--shard needs --start-at TIME, the same time for all shards"),
        (("--start-at", "+9s"), "--start-at goes with --shard I/N, which is not given"),
        (
            ("--shard", "2/2", "--start-at", "+9s"),
            "'2/2' is not a shard: shards are numbered from 0; the last of 2 is 1/2",
        ),
        (("--shard", "two", "--start-at", "+9s"), "'two' is not a shard; give I/N, such as 0/4"),
        (("--shard", "0/2", "--start-at", "noon"), "'noon' is not a time; give it as 2026-11-24T12:30:00Z"),
        (("--shard", "0/2", "--start-at", "2126-11-24T12:30:00"), "has no time zone; add Z or an offset"),
        (("--shard", "0/2", "--start-at", "2020-01-01T00:00:00Z"), "--start-at has passed"),
        (("--shard", "0/2", "--start-at", "+9s", "--workers", "2"), "a shard is sent by one process; leave --workers"),
        (("--shard", "0/2", "--start-at", "+9s", "--mock"), "all shards must use one service"),
        (
            ("--shard", "0/8", "--seed", "1", "--start-at", "+9s", "--concurrency", "4"),
            "--shard has 8 shards, but at most 4 may be in flight",
        ),
        (("--nodes", "2"), "--nodes goes with --ray ADDRESS, which is not given"),
        (("--ray", "auto"), "--ray needs --nodes N"),
        (("--ray", "auto", "--nodes", "2", "--mock"), "the nodes cannot reach a simulated service on this host"),
        (("--ray", "auto", "--nodes", "2", "--shard", "0/2"), "both split the load among hosts"),
    ],
)
def test_options_that_cannot_be_carried_out(
    tmp_path: Path, service: Mock, options: tuple[str, ...], sentence: str
) -> None:
    """What cannot be done is refused in one sentence that names the option, before anything is sent."""
    where = () if "--mock" in options else ("--url", service.url)
    ended = fastbench_command(tmp_path, "perf", *where, *SHORT, *options)
    assert ended.code == 2
    assert sentence in ended.err
    assert len(ended.err.splitlines()) == 1
