"""What commands print where: results on standard output, messages on standard error, documents for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nursery import package_environment, run_python
from steady_run import steady
from test_docs_cli import PAGE, rows_of

CONFIG = (
    "models: [{type: chat, url: 'http://h:1'}]\ndatasets: [{type: synthetic, count: 4, input_len: 8, output_len: 2}]\n"
)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work dir with two runs, and a config."""
    for number in (1, 2):
        steady(tmp_path / f"out/20261129_12000{number}/performances/m/a_recording", is_slow=lambda place: False)
    (tmp_path / "run.yaml").write_text(CONFIG)
    return tmp_path


def is_document(kind: str) -> Callable[[str], bool]:
    """Whether a text is one document of that kind."""

    def check(text: str) -> bool:
        found = json.loads(text)
        return (found["kind"], found["format"]) == (kind, 1)

    return check


def begins(words: str) -> Callable[[str], bool]:
    return lambda text: text.startswith(words)


LATEST = "fastbench: out has 2 runs; the latest, 20261129_120002, is used\n"
RUNS = ["out/20261129_120001", "out/20261129_120002"]
PERF = ["perf", "--mock", "--input-len", "8", "--output-len", "2", "--num-prompts", "4", "--no-plot", "-w", "new"]


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [
        (["recalc", "out", "--no-plot"], begins("Performance Results of task"), LATEST),
        (["recalc", "out", "--no-plot", "-q"], begins("Performance Results of task"), ""),
        (["recalc", "out", "--no-plot", "--json", "-"], is_document("result"), LATEST),
        (["recalc", "out", "--no-plot", "-q", "--json", "-"], is_document("result"), ""),
        (["compare", *RUNS], begins("Cannot tell"), ""),
        (["compare", *RUNS, "-q", "--json", "-"], is_document("comparison"), ""),
        (["config", "run.yaml"], begins("models:"), ""),
        ([*PERF, "-q", "--json", "-"], is_document("result"), ""),
        pytest.param(
            ["saturate", *PERF[1:], "--sweep", "concurrency=1", "--budget", "6s", "-q", "--json", "-"],
            is_document("saturation"),
            "",
            marks=pytest.mark.slow,
        ),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_what_is_where(work: Path, words: list[str], out: Callable[[str], bool], err: str) -> None:
    """Standard output has the result and nothing else, standard error remarks, of which --quiet has none."""
    done = run_python(work, *words)
    assert out(done.stdout), done.stdout
    assert done.stderr == err


def test_the_result_as_a_document(work: Path) -> None:
    """The document has the exit code, and of each task what the page of it says, in the units that stand beside; a file
    of it is for its owner alone, and what people read is printed all the same."""
    done = run_python(work, "recalc", RUNS[0], "--no-plot", "--slo", "ttft<1ms", "--json", "result.json")
    path = work / "result.json"
    found: dict[str, Any] = json.loads(path.read_text())
    assert (done.returncode, found["code"], path.stat().st_mode & 0o777) == (3, 3, 0o600)
    assert done.stdout.startswith("Performance Results of task")
    (task,) = found["tasks"]
    fields = [name.strip("` ") for row in rows_of(PAGE, "`result` (`perf`, `recalc`)") for name in row[0].split(",")]
    assert set(task) == set(fields) - {"classes"}
    assert task["metrics"]["TTFT"]["unit"] == "ms"
    assert task["metrics"]["TTFT"]["Median"] == pytest.approx(10.0)
    assert task["common"]["Total Requests"]["value"] == task["requests"]["planned"]
    assert task["answers"]["slos"][0]["met"] is False


def test_what_cannot_be_reported_is_in_the_document(work: Path) -> None:
    """A recording that cannot be read is a task with its fault, beside those that can, and the code is 1."""
    broken = work / RUNS[0] / "performances/m/b_recording"
    broken.mkdir()
    (broken / "requests.fbr").write_bytes(b"no recording")
    done = run_python(work, "recalc", RUNS[0], "--no-plot", "--json", "-")
    found = json.loads(done.stdout)
    assert (done.returncode, found["code"], len(found["tasks"])) == (1, 1, 2)
    assert found["tasks"][1]["fault"] in done.stderr


def test_wrong_usage_makes_no_document(work: Path) -> None:
    """Wrong usage leaves standard output empty: a document is of something that was sent or read."""
    done = run_python(work, "perf", "--mock", "--dry-run", "--json", "-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(("words", "code"), [(["perf", "--help"], 141), (["recalc", RUNS[0], "--no-plot"], 0)], ids=str)
def test_a_closed_pipe_is_no_fault(work: Path, words: list[str], code: int) -> None:
    """Where nobody reads standard output any more a command ends without a word; its files are written, and its code is
    that of its result, or 141 where it does nothing but print."""
    command = subprocess.Popen(
        [sys.executable, "-m", "fastbench", *words],
        cwd=work,
        env=package_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    command.stdout.close()
    _, err = command.communicate(timeout=120)
    assert (command.returncode, err) == (code, b"")
    assert words[0] != "recalc" or (work / RUNS[0] / "performances/m/a.csv").is_file()
