"""`fastbench recalc`, on runs, on single recordings, on golden ones of every format version."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nursery import run_python
from recordings import MS, Request, header_of, record, write_blocks

from fastbench.cli.report.recalc import recalc_command
from fastbench.cli.report.shared import find_recordings
from fastbench.errors import ConfigError, RecordingError, UsageError
from fastbench.recording import Recording
from fastbench.report import publish

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("v*"))
STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
FAILED = Request(0, token_ns=(), outcome="refused", status=0, message=b"Connection refused")


def recalc(*arguments: str | Path) -> Result:
    """The command as `fastbench` calls it; its errors are raised."""
    runner = CliRunner()
    return runner.invoke(
        recalc_command, [str(argument) for argument in arguments], standalone_mode=False, catch_exceptions=False
    )


def run_with(directory: Path, **tasks: list[Request]) -> Path:
    """A run directory with one recording for each data set of one model."""
    for name, requests in tasks.items():
        record(directory / "performances" / "m" / f"{name}_recording", requests)
    return directory


def test_all_recordings_of_a_run(tmp_path: Path) -> None:
    """Each recording of a run gets its files beside it, and its tables are printed in order."""
    result = recalc(run_with(tmp_path, b=[Request(0)], a=[Request(0), Request(1)]))
    assert result.return_value == 0
    assert result.output.count("Performance Results of task") == 2
    assert f"Performance Result files located in {tmp_path / 'performances' / 'm'}." in result.output
    found = sorted(path.name for path in (tmp_path / "performances" / "m").iterdir() if path.is_file())
    ends = (".csv", ".json", "_answers.json", "_intervals.csv", "_plot.html", "_trust.json")
    assert found == [f"{name}{end}" for name in "ab" for end in ends]


def test_one_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single recording is enough, also from inside its directory, and its files take its name."""
    directory = record(tmp_path / "set_recording", [Request(0)])
    assert recalc(directory).return_value == 0
    assert (tmp_path / "set.csv").is_file()
    (tmp_path / "set.csv").unlink()
    monkeypatch.chdir(directory)
    assert recalc(".").return_value == 0
    assert (tmp_path / "set.csv").is_file()


@pytest.mark.parametrize("part", ["", "performances", "performances/m"])
def test_a_part_of_a_run(tmp_path: Path, part: str) -> None:
    """A run, its performances and those of one model lead to the recordings below them."""
    run_with(tmp_path, a=[Request(0)], b=[Request(0)])
    assert recalc(tmp_path / part).output.count("Performance Results of task") == 2


def test_equal_to_the_run_end(tmp_path: Path) -> None:
    """Recalculation gives bit for bit the files and the text of the run's end."""
    gaps = range(0, 140 * 21, 21)
    requests = [Request(k, token_ns=tuple(1_100 * MS + gap * MS for gap in gaps), end_ns=5_000 * MS) for k in range(9)]
    directory = run_with(tmp_path, a=requests) / "performances" / "m" / "a_recording"
    at_end = publish(Recording.open(directory), directory.parent, "a", STATS)
    before = [path.read_bytes() for path in at_end.paths]
    result = recalc(tmp_path)
    assert [path.read_bytes() for path in at_end.paths] == before
    assert result.output.startswith(at_end.text)


def test_other_statistics(tmp_path: Path) -> None:
    """`--stats` are the columns of the table and of the csv."""
    result = recalc(run_with(tmp_path, a=[Request(0)]), "--stats", "p95,Average,P99.9")
    header = (tmp_path / "performances" / "m" / "a.csv").read_text().splitlines()[0]
    assert header == "Performance Parameters,Stage,P95,Average,P99.9,N"
    assert result.return_value == 0


def test_usual_columns_are_those_of_the_run(tmp_path: Path) -> None:
    """Without `--stats` the columns are those that the run's own config asked for."""
    header = header_of(config={"summarizer": {"stats_list": ["Max", "P50"]}})
    record(tmp_path / "a_recording", [Request(0)], header=header)
    recalc(tmp_path / "a_recording")
    assert (tmp_path / "a.csv").read_text().startswith("Performance Parameters,Stage,Max,P50,N\n")


def test_wrong_statistic_changes_nothing(tmp_path: Path) -> None:
    """A statistic that does not exist is a usage error before any file is touched."""
    run_with(tmp_path, a=[Request(0)])
    with pytest.raises(ConfigError, match="is not a statistic") as caught:
        recalc(tmp_path, "--stats", "P95,mean")
    assert caught.value.exit_code == 2
    assert not (tmp_path / "performances" / "m" / "a.csv").exists()


def test_no_recording_is_one_sentence(tmp_path: Path) -> None:
    """A directory without a recording is named with what is looked for."""
    with pytest.raises(RecordingError, match="holds no recording: name the directory of a run") as caught:
        recalc(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_directory_is_wrong_usage(tmp_path: Path) -> None:
    """A path that is no directory is said to be none."""
    with pytest.raises(UsageError, match="missing is not a directory"):
        recalc(tmp_path / "missing")


def test_all_failed_exits_with_one(tmp_path: Path) -> None:
    """When all requests of a task failed, the reasons are tabled and the exit status is 1."""
    result = recalc(run_with(tmp_path, a=[Request(0)], b=[FAILED]))
    assert result.return_value == 1
    assert "Connection refused" in result.output


def test_unfinished_run_is_recalculated(tmp_path: Path) -> None:
    """A run without an end gives the numbers of what was recorded, and says so."""
    write_blocks(tmp_path / "a_recording", [Request(0), Request(1)])
    result = recalc(tmp_path / "a_recording")
    assert result.return_value == 0
    assert "The run has no end" in result.output


def test_damaged_run_is_recalculated(tmp_path: Path) -> None:
    """A damaged recording gives the numbers of the rest, and says what was lost."""
    directory = write_blocks(tmp_path / "a_recording", [Request(0)], [Request(1), Request(2)], footer={})
    path = directory / "requests.fbr"
    content = bytearray(path.read_bytes())
    content[-700] ^= 1
    path.write_bytes(content)
    result = recalc(directory)
    assert result.return_value == 0
    assert "requests lost." in result.output
    assert result.output.splitlines()[0].endswith("VALID")


@pytest.mark.parametrize("version", GOLDEN, ids=lambda path: path.name)
def test_golden_recordings(tmp_path: Path, version: Path) -> None:
    """A recording of each format version ever written gives the very bytes that it gave then."""
    shutil.copytree(version, tmp_path / "run")
    task = tmp_path / "run" / "performances" / "mock"
    names = ["golden.csv", "golden.json", "golden_trust.json"]
    expected = [(task / name).read_bytes() for name in names]
    for name in names:
        (task / name).unlink()
    result = recalc(tmp_path / "run")
    assert [(task / name).read_bytes() for name in names] == expected
    text = (version / "golden.txt").read_text()
    assert result.output.startswith(text)


def test_there_are_golden_recordings() -> None:
    """The golden recordings are where the test looks for them."""
    assert [path.name for path in GOLDEN] == ["v1", "v1-parts", "v2", "v3"]


def test_the_command_itself(tmp_path: Path) -> None:
    """`fastbench recalc` prints the tables, and for a wrong directory one line on standard error and status 1."""
    run_with(tmp_path, a=[Request(0)])
    good = run_python(tmp_path, "recalc", tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    assert "Common Metric" in good.stdout
    bad = run_python(tmp_path, "recalc", "/nowhere")
    assert bad.returncode == 2
    assert len(bad.stderr.splitlines()) == 1


def test_the_latest_run_of_a_work_dir(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A work dir stands for its latest run that has a recording, which is said where there are several."""
    for name in ("20261124_120000", "20261125_120000"):
        run_with(tmp_path / name, **{f"d{name[7]}": [Request(number) for number in range(3)]})
    (tmp_path / "20261126_120000" / "performances").mkdir(parents=True)
    found = find_recordings(tmp_path)
    assert [path.name for path in found] == ["d5_recording"]
    assert f"{tmp_path} has 2 runs; the latest, 20261125_120000, is used" in capsys.readouterr().err
    shutil.rmtree(tmp_path / "20261124_120000")
    assert find_recordings(tmp_path) == found
    assert capsys.readouterr().err == ""
