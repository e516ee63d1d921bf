"""`recalc` with SLOs and assertions: exit codes and files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from nursery import ROOT
from recordings import MS, Request, header_of, record
from steady_run import steady

from fastbench.cli.report.recalc import recalc_command
from fastbench.errors import UsageError, worst

LATE = {"kind": "open", "arrival": "constant", "rate": 100.0}
GOLDEN = ROOT / "tests" / "golden" / "v3" / "performances" / "mock" / "golden_recording"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording in which every 20th request takes 25 ms to the first token, the others 10 ms."""
    return steady(tmp_path_factory.mktemp("recorded") / "a_recording", is_slow=lambda number: number % 20 == 0)


@pytest.fixture
def run(recorded: Path, tmp_path: Path) -> Path:
    """A run directory of its own with that recording."""
    shutil.copytree(recorded, tmp_path / "performances/m/a_recording")
    return tmp_path


def code_of(run: Path, *arguments: str) -> int:
    result = CliRunner().invoke(recalc_command, [str(run), "--no-plot", *arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return int(result.return_value)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["--slo", "ttft<30ms"], 0),
        (["--slo", "ttft<20ms"], 3),
        (["--slo", "ttft<20ms@95%"], 4),
        (["--slo", "ttft<20ms@95%", "--slo", "ttft<20ms"], 3),
        (["--assert", "ttft.p99<30ms", "--assert", "failed<0.1%"], 0),
        (["--assert", "ttft.p99<20ms"], 3),
        (["--assert", "ttft.p99.99<30ms"], 4),
        (["--slo", "ttft<30ms", "--assert", "output_throughput>1000"], 3),
    ],
    ids=str,
)
def test_exit_codes(run: Path, arguments: list[str], code: int) -> None:
    """0 where all is met, 3 where something is not, 4 where it cannot be told; 3 goes before 4."""
    assert code_of(run, *arguments) == code


def test_levels_of_a_search(tmp_path: Path) -> None:
    """That a level of a search breaks the search's SLO is no failure, unless the caller asks something of it."""
    visit = {"visit": {"level": 8.0, "purpose": "ladder", "rate": None}}
    directory = tmp_path / "performances/m/a_000_c8_recording"
    steady(directory, 400, is_slow=lambda number: number % 20 == 0, config={"slo": ["ttft<20ms"]}, header=visit)
    asked = ([], ["--slo", "ttft<20ms"], ["--assert", "ttft.p99<20ms"])
    assert [code_of(tmp_path, *arguments) for arguments in asked] == [0, 3, 3]
    steady(tmp_path / "performances/m/b_recording", 400, is_slow=lambda number: True, config={"slo": ["ttft<20ms"]})
    assert code_of(tmp_path) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--slo", "tfft<30ms"], "did you mean ttft"),
        (["--slo", "ttft<30"], "no unit"),
        (["--slo", "ttft<30ms, ttft<20ms"], "contradicts itself"),
        (["--assert", "tfft.p99<30ms"], "did you mean ttft"),
        (["--assert", "ttft.p99<30"], "no unit of time"),
        (["--stall", "soon"], "--stall is 'soon'"),
    ],
    ids=str,
)
def test_what_is_refused(run: Path, arguments: list[str], said: str) -> None:
    """A wrong question is wrong usage, in one sentence, and nothing is written."""
    with pytest.raises(UsageError, match=said) as error:
        code_of(run, *arguments)
    assert error.value.exit_code == 2
    assert not list(run.glob("performances/m/*.csv"))


def test_invalid_cannot_tell(tmp_path: Path) -> None:
    """Of a measurement that is INVALID nothing can be told, also without --strict."""
    late = [Request(k, intended_ns=900 * MS) for k in range(2)]
    record(tmp_path / "performances/m/b_recording", late, header=header_of(load=LATE))
    assert code_of(tmp_path) == 0
    assert code_of(tmp_path, "--slo", "ttft<1s") == code_of(tmp_path, "--assert", "verdict=VALID") == 4


def test_as_the_run_was_asked(tmp_path: Path) -> None:
    """The SLO of the run's config is judged again, and another one in its place."""
    steady(tmp_path / "performances/m/a_recording", 400, is_slow=lambda n: n % 20 == 0, config={"slo": ["ttft<20ms"]})
    assert code_of(tmp_path) == 3
    assert code_of(tmp_path, "--slo", "ttft<30ms") == 0


def test_files(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked stands in the files, and in those that are named; AISBench's are not changed by it."""
    code_of(run)
    before = {name: (run / "performances/m" / name).read_bytes() for name in ("a.csv", "a.json")}
    assert not (run / "performances/m/a_goodput.csv").exists()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(run / "job.md"))
    asked = ("--slo", "ttft<20ms", "--assert", "failed<1%", "--stall", "4ms", "--reading-speed", "10/s")
    code_of(run, *asked, "--junit", str(run / "junit.xml"), "--summary", str(run / "own.md"))
    assert {name: (run / "performances/m" / name).read_bytes() for name in before} == before
    trust = json.loads((run / "performances/m/a_answers.json").read_text())
    (slo,) = trust["slos"]
    assert (slo["good"], slo["broken"], slo["answer"]) == (1_425, {"ttft<20ms": 75}, "not met")
    assert trust["assertions"][0]["answer"] == "met"
    assert (trust["smoothness"]["streams"], trust["smoothness"]["in_time"]) == (1_500, 4_500)
    low, high = trust["intervals"]["TTFT"]["Average"]
    assert low < 10.75 < high
    assert trust["intervals"]["TTFT"]["blocks"] >= 6
    rows = json.loads((run / "performances/m/a_trust.json").read_text())["further"]
    assert {row["name"] for row in rows} >= {"Stalls", "Longest Stall", "Tokens In Time"}
    root = ElementTree.fromstring((run / "junit.xml").read_text())
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    assert (run / "own.md").read_text() == (run / "job.md").read_text()
    assert (run / "performances/m/a_goodput.csv").read_text().count("\n") == 3


def test_an_old_recording(tmp_path: Path) -> None:
    """A recording of before SLOs is judged by one: the golden one has 60 good requests of 68, and is INVALID."""
    target = tmp_path / "performances/mock/golden_recording"
    target.parent.mkdir(parents=True)
    target.symlink_to(GOLDEN)
    assert code_of(tmp_path, "--slo", "ttft<500ms, tpot<50ms") == 4
    (slo,) = json.loads((tmp_path / "performances/mock/golden_answers.json").read_text())["slos"]
    assert (slo["good"], slo["requests"], slo["broken"]["tpot<50ms"]) == (60, 68, 2)


def test_which_code_counts() -> None:
    """Of several exit codes the highest counts, but what is known not to hold goes before what cannot be told."""
    assert [worst(0), worst(0, 1), worst(3, 4), worst(4, 3), worst(1, 4), worst(3, 130)] == [0, 1, 3, 3, 4, 130]
