"""The progress of a run line by line."""

import re
from pathlib import Path

import pytest
from fastbench.live.plain import line
from snapshots import GONE, S, busy_task, guide_task, waiting_task

from fastbench.live import Status, follow, plain
from fastbench.live.files import write

STAMP = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\] \[fastbench\] \[INFO\] ")


def test_line() -> None:
    """A line has the status, the progress, the counts and what one waits for."""
    assert line(busy_task(planned=2000)) == (
        "vllm-api-stream-chat/demo_gsm8k: inferencing, 1036/2000, POST=1100 RECV=1000 FINISH=1036 FAIL=36, "
        "64 in flight, 1,584 output events/s, about 0:01:02 to go"
    )
    timed = guide_task(planned=None, duration_ns=60 * S, status=Status.WRITE_CACHE)
    assert line(timed).startswith("vllm-api-stream-chat/demo_gsm8k: write cache, 37/60 s, POST=4 ")
    assert line(waiting_task()).startswith("m/d: not start, 0, POST=0 ")


def test_a_change_of_status_is_said(tmp_path: Path) -> None:
    """Each status is said once, in the form of a log line, until the run is over."""
    states = iter([guide_task(), guide_task(ok=8), guide_task(ok=8, status=Status.FINISH)])
    write(tmp_path, "a", guide_task(status=Status.WARMUP))
    write(tmp_path, "b", waiting_task(owner=GONE))
    said: list[str] = []

    def over(_: float) -> bool:
        state = next(states)
        write(tmp_path, "a", state)
        if state.status.final:
            (tmp_path / "status" / "b.json").unlink()
        return False

    follow(tmp_path, said.append, over)
    assert all(STAMP.match(text) for text in said)
    assert [re.split(": |, ", STAMP.sub("", text))[1] for text in said] == ["warmup", "inferencing", "finish"]


def test_the_same_status_is_said_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that goes on is told of again after a while, one that waits is not; and nothing when it is over."""
    monkeypatch.setattr(plain, "EVERY_S", 0.0)
    write(tmp_path, "a", guide_task())
    write(tmp_path, "b", waiting_task())
    said: list[str] = []
    waits: list[float] = []

    def over(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 3

    follow(tmp_path, said.append, over)
    assert len(said) == 3
    assert waits == [plain.LOOK_S] * 3
