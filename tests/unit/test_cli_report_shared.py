"""`fastbench perf --mode perf_viz`: finished runs reported again."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recordings import Request, record

from fastbench.api import find_run
from fastbench.cli.perf import perf_command
from fastbench.errors import ConfigError, RecordingError, UsageError

MODELS = "models = [dict(type='openai_chat', abbr='m'), dict(type='openai_chat', abbr='n')]\n"
DATASETS = "datasets = [dict(type='synthetic', abbr='d', count=1, input_len=1)]\n"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A work dir with two runs, the later one of three tasks."""
    for run, tasks in {"20260101_000000": ["m/d"], "20260102_000000": ["m/d", "m/e", "n/d"]}.items():
        for task in tasks:
            record(tmp_path / "out" / run / "performances" / f"{task}_recording", [Request(0), Request(1)])
    return tmp_path / "out"


def again(out: Path, *arguments: str | Path) -> Result:
    words = ["--mode", "perf_viz", "-w", str(out), *map(str, arguments)]
    return CliRunner().invoke(perf_command, words, standalone_mode=False, catch_exceptions=False)


def written(out: Path) -> list[str]:
    tables = (path for path in out.rglob("*.csv") if not path.name.endswith("_intervals.csv"))
    return sorted(str(path.relative_to(out).with_suffix("")) for path in tables)


def columns(out: Path, task: str) -> list[str]:
    with (out / "20260102_000000" / "performances" / f"{task}.csv").open() as file:
        return next(csv.reader(file))[2:-1]


def write(out: Path, text: str, name: str = "run.py") -> Path:
    path = out.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_latest_run(out: Path) -> None:
    """Without a name the latest run is taken, and without tasks all of it; its own columns stay."""
    (out / "zzz").mkdir()
    assert again(out, "-r").return_value == 0
    assert written(out) == [f"20260102_000000/performances/{task}" for task in ("m/d", "m/e", "n/d")]
    assert columns(out, "m/d") == ["Average", "Min", "Max", "Median", "P75", "P90", "P99"]


def test_tasks_of_a_config(out: Path) -> None:
    """With a config only its tasks are reported, with its summarizer."""
    config = write(out, MODELS + DATASETS + "summarizer = dict(stats_list=['P50'])\n")
    assert again(out, config, "--reuse", "20260102_000000").return_value == 0
    assert written(out) == ["20260102_000000/performances/m/d", "20260102_000000/performances/n/d"]
    assert columns(out, "n/d") == ["P50"]


def test_a_named_summarizer(out: Path) -> None:
    """`--summarizer` says the columns, `--stats` goes before it."""
    write(out, "summarizer = dict(stats_list=['P95'])\n", "configs/summarizers/mine.py")
    options = ("-r", "20260102_000000", "--config-dir", out.parent / "configs", "--summarizer", "mine")
    again(out, *options)
    assert columns(out, "m/e") == ["P95"]
    again(out, *options, "--stats", "Min")
    assert columns(out, "m/e") == ["Min"]


def test_a_broken_recording_does_not_keep_the_others_back(out: Path) -> None:
    """What can be reported is, and what cannot is told in the end."""
    (out / "20260102_000000" / "performances" / "m" / "d_recording" / "requests.fbr").write_bytes(b"no recording")
    with pytest.raises(RecordingError):
        again(out, "-r")
    assert written(out) == ["20260102_000000/performances/m/e", "20260102_000000/performances/n/d"]


def test_a_task_that_the_run_has_not(out: Path) -> None:
    """A task without a recording is told, with those that there are."""
    config = write(out, MODELS + DATASETS)
    with pytest.raises(UsageError, match=r"20260101_000000 has no recording of n/d; it has m/d"):
        again(out, config, "-r", "20260101_000000")


def test_a_run_that_there_is_not(out: Path) -> None:
    """A name that leads to no run, and a work dir without runs, are told."""
    with pytest.raises(UsageError, match=r"--reuse 2027: .*/out/2027 is not a directory; name a run in .*/out"):
        again(out, "--reuse", "2027")
    with pytest.raises(UsageError, match=r"--reuse: there is no run in .*/nowhere; set --work-dir"):
        find_run("latest", str(out.parent / "nowhere"))


def test_a_stage(out: Path) -> None:
    """`--stage` and `--window` say what the reports are about; a stage that a run lacks is told."""
    assert again(out, "-r", "--window", "0s:1h").return_value == 0
    assert "0s:1h" in (out / "20260102_000000" / "performances" / "m" / "d.csv").read_text()
    with pytest.raises(UsageError, match=r"--window 9s:3s is not a window; give it as FROM:TO"):
        again(out, "-r", "--window", "9s:3s")
    with pytest.raises(UsageError, match="--stage and --window name two parts of the run"):
        again(out, "-r", "--window", "3s:9s", "--stage", "total")


def test_a_bad_summarizer_is_told(out: Path) -> None:
    """Columns that are no statistics are told before anything is written."""
    with pytest.raises(ConfigError, match="'Mean' is not a statistic"):
        again(out, "-r", "--stats", "Mean")
    assert written(out) == []
