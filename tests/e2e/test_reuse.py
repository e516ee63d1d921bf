"""`perf --reuse`: an interrupted run continued with the requests that have no outcome yet."""

import signal
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from nursery import Mock
from running import Argument, Ended, Running, fastbench_command, perf

from fastbench.recording import NOT_FINAL

PLANNED = 80
LOAD = ("--num-prompts", PLANNED, "--output-len", 20, "--input-len", 8, "--num-warmups", 0, "--no-plot")
CLOSED = (*LOAD, "--concurrency", 8)
INTERRUPTED: dict[str, tuple[int, tuple[Argument, ...]]] = {
    "stopped": (signal.SIGINT, CLOSED),
    "killed with two workers": (signal.SIGKILL, (*CLOSED, "--workers", 2)),
}


def interrupt(directory: Path, mock: Mock, load: tuple[Argument, ...], how: int) -> Ended:
    """A run that is stopped by a signal when a quarter of it has been served."""
    with Running(directory, "--url", mock.url, *load) as running:
        mock.log_entries(PLANNED // 4)
        running.process.send_signal(how)
        return running.end()


def final_rows(ended: Ended) -> np.ndarray:
    """The outcomes of the measured requests."""
    rows = ended.recording.rows
    return rows[rows["flags"] & NOT_FINAL == 0]


def served(mock: Mock) -> Counter[str]:
    """How often the service answered each request to its end, by the request's number."""
    return Counter(entry["id"].rpartition("-")[2] for entry in mock.log_entries() if not entry["aborted"])


@pytest.mark.parametrize("name", INTERRUPTED)
def test_the_rest_is_sent(tmp_path: Path, name: str) -> None:
    """A run is continued with what has no outcome; then each request has one, and all of them are reported."""
    how, load = INTERRUPTED[name]
    with Mock(ttft_ms=30, itl_ms=4, log=tmp_path / "log") as mock:
        before = interrupt(tmp_path, mock, load, how)
        done = final_rows(before)
        done = done[done["outcome"] == 1]
        # The bare option will do, and so does the command that was interrupted, with the option behind it.
        ended = perf(tmp_path, *(("--url", mock.url, *load) if how == signal.SIGINT else ()), "--reuse")
        twice = {number for number, times in served(mock).items() if times > 1}
    assert (ended.code, ended.err) == (0, "")
    rows = final_rows(ended)
    assert sorted(rows["request"].tolist()) == list(range(PLANNED))
    assert ended.trust["outcomes"] == {"ok": PLANNED}
    assert ended.common()["Total Requests"] == PLANNED
    # What was recorded as served is not asked for again.
    assert not twice & set(map(str, done["request"].tolist()))
    assert "The run was interrupted and resumed once." in ended.out
    again = fastbench_command(tmp_path, "recalc", ended.run, "--no-plot")
    assert again.out in ended.out


def test_the_pause_is_no_part_of_the_run(tmp_path: Path) -> None:
    """An open loop goes on where its plan has it: intended times over both legs are the schedule, the pause cut out."""
    load = (*LOAD, "--rate", 120)
    with Mock(ttft_ms=5, itl_ms=1, log=tmp_path / "log") as mock:
        interrupt(tmp_path, mock, load, signal.SIGKILL)
        ended = perf(tmp_path, "--reuse")
    rows = final_rows(ended)
    intended = rows["intended_ns"][np.argsort(rows["request"])]
    assert np.array_equal(np.rint(np.diff(intended) / 1e3), np.rint(np.diff(np.arange(PLANNED) * 1e9 / 120) / 1e3))
    assert ended.common()["Benchmark Duration"] == pytest.approx(1000 * PLANNED / 120, rel=0.1)


def test_a_finished_run(tmp_path: Path) -> None:
    """Of a run with all of its outcomes nothing is sent again, which is said; it is reported."""
    with Mock(log=tmp_path / "log") as mock:
        first = perf(tmp_path, "--url", mock.url, *CLOSED)
        again = perf(tmp_path, "--reuse", first.run.name)
        assert len(mock.log_entries()) == PLANNED
    assert again.code == 0
    assert "fastbench: nothing was sent, as no request is left" in again.one_sentence()
    assert again.out == first.out


def test_another_plan(tmp_path: Path) -> None:
    """A plan that is not the run's is refused, each setting that differs with its old value; nothing is sent."""
    with Mock(ttft_ms=30, itl_ms=4, log=tmp_path / "log") as mock:
        interrupted = interrupt(tmp_path, mock, CLOSED, signal.SIGKILL)
    # The same address, with nothing of the first leg still under way.
    with Mock(port=urlsplit(mock.url).port, log=tmp_path / "again") as mock:
        ended = perf(tmp_path, "--reuse", "--concurrency", 9, "--seed", 4)
    assert mock.log_entries() == []
    assert ended.code == 2
    model, seed = ended.err.splitlines()
    name = f"fastbench: --reuse {interrupted.run.name}: "
    assert model.startswith(f"{name}models openai-chat: batch_size is 9, and the run had 8; set it back")
    assert seed.startswith(f"{name}seed is 4, and the run had None; set it back")
