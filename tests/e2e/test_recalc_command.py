"""`fastbench recalc` on runs of the real command: the same files, other columns, runs that were killed."""

import contextlib
import shutil
import time
from pathlib import Path

import pytest
from nursery import Mock
from running import LIMIT_S, Ended, Running, fastbench_command, perf, table

from fastbench.errors import RecordingError
from fastbench.recording import Recording

LOAD = ("--input-len", "4:40", "--output-len", "4:16", "--num-prompts", 60, "--concurrency", 8)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, service: Mock) -> Ended:
    """A run that has ended."""
    ended = perf(tmp_path_factory.mktemp("finished"), "--url", service.url, *LOAD, page=True)
    assert ended.code == 0
    return ended


@pytest.fixture
def run(finished: Ended, tmp_path: Path) -> Path:
    """A copy of its directory."""
    return Path(shutil.copytree(finished.run, tmp_path / "run"))


def reports(run: Path) -> dict[str, bytes]:
    """The files that a report consists of, by name."""
    files = (run / "performances").glob("*/*.*")
    return {path.name: path.read_bytes() for path in files if path.is_file()}


def test_same_statistics_same_bytes(finished: Ended, run: Path) -> None:
    """Recalculation rewrites the very bytes of the run's end, and prints the same text."""
    before = reports(run)
    assert set(before) == {
        *("synthetic.csv", "synthetic.json", "synthetic_plot.html", "synthetic_trust.json"),
        *("synthetic_answers.json", "synthetic_intervals.csv"),
    }
    for path in (run / "performances").glob("*/*.*"):
        if path.is_file():
            path.unlink()
    again = fastbench_command(run, "recalc", run)
    assert (again.code, again.err) == (0, "")
    assert reports(run) == before
    assert again.out.replace(str(run), str(finished.run)) == finished.out


def test_other_statistics(finished: Ended, run: Path) -> None:
    """`--stats` changes the columns of the first table and nothing else."""
    before = reports(run)
    again = fastbench_command(run, "recalc", run, "--stats", "P95,P99")
    assert (again.code, again.err) == (0, "")
    header, *rows = table(again.out, "Performance Parameters")
    assert header == ["Performance Parameters", "Stage", "P95", "P99", "N"]
    assert [row[3] for row in rows] == [row[8] for row in table(finished.out, "Performance Parameters")[1:]]
    after = reports(run)
    assert after["synthetic.csv"].startswith(b"Performance Parameters,Stage,P95,P99,N\n")
    assert after["synthetic.json"] == before["synthetic.json"]


@pytest.mark.parametrize("stats", ["P0", "P100", "Mean", ",", "P50,P50"])
def test_wrong_statistics_change_nothing(run: Path, stats: str) -> None:
    """A statistic that does not exist is one sentence, and the files stay."""
    before = reports(run)
    again = fastbench_command(run, "recalc", run, "--stats", stats)
    assert again.code == 2
    assert "statistic" in again.one_sentence()
    assert reports(run) == before


def rows_beyond(work_dir: Path, count: int) -> int:
    """How many requests a run that goes on has recorded, as soon as these are more than `count`."""
    give_up = time.monotonic() + LIMIT_S
    while time.monotonic() < give_up:
        for path in work_dir.glob("*/performances/*/*_recording"):
            with contextlib.suppress(RecordingError):  # its first lines are being written
                if (rows := len(Recording.open(path).rows)) > count:
                    return rows
        time.sleep(0.02)
    raise AssertionError(f"no more than {count} requests were recorded")


def test_killed_run(tmp_path: Path) -> None:
    """A run killed half-way has lost nothing that was recorded: its numbers stand on that, and say so."""
    log = tmp_path / "log"
    load = ("--input-len", 8, "--output-len", 20, "--num-prompts", 400, "--concurrency", 8, "--num-warmups", 0)
    with Mock(ttft_ms=20, itl_ms=4, log=log) as mock, Running(tmp_path, "--url", mock.url, *load) as running:
        recorded = rows_beyond(tmp_path / "out", 60)
        running.process.kill()
        ended = running.end()
    served = sum(not entry["aborted"] for entry in mock.log_entries())
    assert ended.out == ""
    again = fastbench_command(tmp_path, "recalc", ended.run)
    assert (again.code, again.err) == (0, "")
    assert (
        "The run has no end: it is still going or was killed. The report covers what was recorded so far." in again.out
    )
    outcomes = ended.trust["outcomes"]
    assert sum(outcomes.values()) == 400
    assert set(outcomes) == {"ok", "no outcome (run interrupted)"}
    assert recorded <= outcomes["ok"] <= served
    ok = again.parameters("N")["E2EL"]
    assert ok == outcomes["ok"]
    assert again.parameters("Max")["OutputTokens"] == 20


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [(".", 2, "holds no recording: name the directory of a run"), ("missing", 2, "is not a directory")],
)
def test_directory_without_recording(tmp_path: Path, name: str, code: int, words: str) -> None:
    """A directory without a recording, or none at all, is wrong usage of every command, in one sentence that says
    which one to name."""
    for command in (("recalc",), ("report",), ("export", "--format", "csv"), ("merge",)):
        ended = fastbench_command(tmp_path, *command, tmp_path / name)
        assert ended.code == code
        assert words in ended.one_sentence()


def test_run_that_never_began(tmp_path: Path) -> None:
    """The directory of a run that reached no service holds no recording to report."""
    failed = perf(tmp_path, "--url", "http://127.0.0.1:9", *LOAD)
    assert failed.code == 1
    ended = fastbench_command(tmp_path, "recalc", failed.run)
    assert ended.code == 2
    assert "holds no recording" in ended.one_sentence()
