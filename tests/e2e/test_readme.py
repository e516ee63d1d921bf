"""What README tells to type, typed against the simulated service."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from doc_pages import commands
from nursery import ROOT, Mock
from running import fastbench_command

README = ROOT / "README.md"
SHOWN = [shown.words[1:] for shown in commands(README)]
QUICKSTART = "examples/quickstart.py"
SMALL = {"1000": "64", "2min": "300ms"}
"""Numbers of requests and times for which a test has no time."""
ANSWERS = {"doctor": {0, 1}}
"""Exit codes of an answer; a busy machine may be told that it cannot measure."""
SIDES = ("before", "after", "main", "mine")


def of(command: str, *words: str) -> list[str]:
    """The one command line of README that begins with `command` and has the words."""
    (found,) = (line for line in SHOWN if line[0] == command and set(words) <= set(line))
    return found


def run(directory: Path, url: str, line: list[str], *more: str) -> str:
    """Runs a line of README with `url` in the place of its services, and less of everything; what it prints."""
    small = [SMALL.get(word, re.sub(r"http://\w+:8000", url, word)) for word in line]
    done = fastbench_command(directory, *small, *more)
    assert done.code in ANSWERS.get(line[0], {0, 3, 4}), done.out + done.err
    return done.out


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the README's run of 64 users as each side of its comparisons."""
    directory = tmp_path_factory.mktemp("readme")
    with Mock(ttft_ms=2, itl_ms=0.1) as mock:
        assert "TTFT" in run(directory, mock.url, of("perf", "--concurrency"), "--no-plot")
    for side in SIDES:
        shutil.copytree(directory / "outputs" / "default", directory / "outputs" / side)
    return directory


def test_a_comparison(measured: Path) -> None:
    """The README's comparison takes the results of its run, here also where a busy machine made that INVALID."""
    assert "TTFT" in run(measured, "", of("compare", "outputs/before"), "--anyway")


def test_a_gate(measured: Path) -> None:
    """The README's baseline is saved, and compared with; an INVALID run of a busy machine may be saved here."""
    run(measured, "", of("baseline", "save"), "--anyway")
    assert "TTFT" in run(measured, "", of("compare", "baseline:main"), "--anyway")
    assert (measured / "compare.xml").is_file()


@pytest.mark.slow
def test_limits_at_a_rate(tmp_path: Path) -> None:
    """The README's SLO is judged."""
    with Mock(ttft_ms=2, itl_ms=0.1) as mock:
        assert "ttft<500ms" in run(tmp_path, mock.url, of("perf", "--slo"), "--no-plot")


def test_the_python_prints_a_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's Python runs, and prints a percentile with its unit, a throughput, and the verdict."""
    (block,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    with Mock(ttft_ms=2, itl_ms=0.1) as mock:
        exec(block.replace("http://localhost:8000", mock.url).replace("1000", "96"), {})
    assert re.match(r"[\d.]+ ms\n[\d.]+\n(IN)?VALID", capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "more", "says"),
    [
        (of("doctor"), (), "Streaming"),
        (of("saturate"), ("--budget", "8s"), "tpot<50ms"),
        (of("compare", "--url-a"), ("--budget", "15s", "--output-len", "16"), "pair"),
        (["perf", "--config", str(ROOT / QUICKSTART)], (), "TTFT"),
    ],
    ids=["doctor", "saturate", "compare", "quickstart"],
)
def test_the_longer_ones_answer(line: list[str], more: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """The README's doctor, search, live comparison and quick start come to an answer, if only that a busy machine can
    tell nothing."""
    with Mock(ttft_ms=20, itl_ms=5) as mock:
        assert says in run(tmp_path, mock.url, line, *more)


def test_every_line_is_run_here() -> None:
    """No command of README is left out of these tests."""
    run_here = [of("perf", "--concurrency"), of("perf", "--slo"), of("perf", "--config"), of("doctor"), of("saturate")]
    run_here += [of("compare", side) for side in ("outputs/before", "baseline:main", "--url-a")] + [of("baseline")]
    assert sorted(SHOWN) == sorted(run_here)
