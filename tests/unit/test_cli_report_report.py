"""`fastbench report`: pages from recordings."""

import re
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from recordings import Request, record

from fastbench.api.reporting import short_names
from fastbench.cli.report.report import report_command
from fastbench.errors import RecordingError, UsageError


def report(*arguments: str | Path) -> Result:
    return CliRunner().invoke(report_command, [str(word) for word in arguments], standalone_mode=False)


def run_of(directory: Path, *names: str) -> Path:
    """A run with a recording for each name, "<model>/<data set>"."""
    for name in names:
        record(directory / "performances" / f"{name}_recording", [Request(0), Request(1)])
    return directory


def test_each_recording_gets_its_page(tmp_path: Path) -> None:
    """The page of each recording of a run is written beside its tables, one about all of them into the run, and each is
    named."""
    run = run_of(tmp_path / "run", "m/a", "n/b")
    result = report(run)
    assert result.return_value == 0
    pages = sorted(run.rglob("*.html"))
    assert [path.name for path in pages] == ["index.html", "a_plot.html", "b_plot.html"]
    assert [f"{path} written (" in result.output for path in pages] == [True] * 3
    assert stat.S_IMODE(pages[1].stat().st_mode) == 0o600


@pytest.mark.parametrize(("options", "told"), [((), True), (("--quiet",), False)])
def test_the_latest_run_is_taken(tmp_path: Path, options: tuple[str, ...], told: bool) -> None:
    """Which run of a work dir is taken is a remark, which `--quiet` leaves out."""
    run_of(tmp_path / "20260101_000000", "m/a")
    run = run_of(tmp_path / "20260101_000001", "m/a")
    result = report(tmp_path, *options)
    assert (f"the latest, {run.name}, is used" in result.stderr) == told
    assert f"{run / 'performances' / 'm' / 'a_plot.html'} written (" in result.stdout


def test_one_page_where_it_is_wanted(tmp_path: Path) -> None:
    """`--output` names the page of a single recording; with several it is refused before anything is written."""
    run = run_of(tmp_path / "run", "m/a", "n/b")
    target = tmp_path / "new" / "page.html"
    assert report(run / "performances" / "m", "-o", target).return_value == 0
    assert target.is_file()
    refused = report(run, "-o", tmp_path / "all.html")
    assert isinstance(refused.exception, UsageError)
    assert str(refused.exception).endswith("has 2 recordings: leave --output out, or name one of them")
    assert not (tmp_path / "all.html").exists()


def test_several_runs_are_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several directories make one page, by default comparison.html, with the sides by their labels, and the answer on
    the screen."""
    monkeypatch.chdir(tmp_path)
    before, after = run_of(tmp_path / "before", "m/a"), run_of(tmp_path / "after", "m/a")
    result = report(before, after, "--label", "B=mine")
    written, answer = result.output.splitlines()
    assert written.startswith("comparison.html written (")
    text = (tmp_path / "comparison.html").read_text()
    assert re.findall(r'<th scope=col class="[ab]">(\w+)<', text) == ["A", "mine"]
    assert answer in text


def test_what_is_not_comparable_is_shown_anyway(tmp_path: Path) -> None:
    """A page of a run against itself has the reason on top and the numbers below it."""
    target = tmp_path / "page.html"
    run = run_of(tmp_path / "run", "m/a")
    assert report(run, run, "-o", target).return_value == 0
    text = target.read_text()
    assert text.index("<li>they are the same run") < text.index("<section id=forest>")


def test_a_label_needs_two_sides(tmp_path: Path) -> None:
    """`--label` for the page of one run is refused."""
    result = report(run_of(tmp_path / "run", "m/a"), "--label", "A=mine")
    assert isinstance(result.exception, UsageError)


def test_a_stage_that_a_run_lacks(tmp_path: Path) -> None:
    """A stage that the recording does not have is refused with the way out."""
    result = report(run_of(tmp_path / "run", "m/a"), "--stage", "stable")
    assert isinstance(result.exception, UsageError)
    assert "take --stage auto or --window from:to" in str(result.exception)


def test_a_directory_without_recordings(tmp_path: Path) -> None:
    """A directory that holds no recording is an error that says what to name."""
    assert isinstance(report(tmp_path).exception, RecordingError)


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["r1/performances/m/d", "r2/performances/m/d"], ["r1", "r2"]),
        (["r1/performances/m/d", "r1/performances/n/d"], ["m", "n"]),
        (["r1/performances/m/d", "r2/performances/m/e"], ["r1/d", "r2/e"]),
        (["r1/performances/m/d", "r1/performances/m/d"], ["r1/m/d", "r1/m/d"]),
        (["r1/m/d", "r2/m/d"], ["r1", "r2"]),
    ],
)
def test_names_tell_what_differs(places: list[str], names: list[str]) -> None:
    """Recordings are named by run, model and data set, without what all of them share."""
    assert short_names([Path(f"/x/{place}_recording") for place in places]) == names
