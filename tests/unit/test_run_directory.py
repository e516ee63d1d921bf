"""The directory of a run: always a new one, with everything in its place."""

import re
from pathlib import Path

import pytest
from tasks import task_of

from fastbench.errors import UsageError
from fastbench.run.directory import RunDirectory


def test_two_runs_in_one_second(tmp_path: Path) -> None:
    """Runs that begin in the same second have a directory each."""
    made = [RunDirectory.create(str(tmp_path)).path for _ in range(5)]
    assert len(set(made)) == 5
    assert sorted(tmp_path.iterdir()) == sorted(made)
    assert all(re.fullmatch(r"\d{8}_\d{6}(_\d+)?", path.name) for path in made)


def test_what_lies_where(tmp_path: Path) -> None:
    """The guide's directories stand from the start; a task's results, recording and log have their places in them."""
    run = RunDirectory.create(str(tmp_path / "a" / "b"))
    assert {path.name for path in run.path.iterdir()} == {"configs", "logs", "performances"}
    task = task_of("http://h")
    assert run.results(task) == run.path / "performances" / "model"
    assert run.recording(task) == run.path / "performances" / "model" / "synthetic_recording"
    assert run.log(task) == run.path / "logs" / "performance" / "model" / "synthetic.out"


def test_another_runs_directory_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is taken, be it by a file, is passed over and what it holds stays."""
    monkeypatch.setattr("time.strftime", lambda _: "20260102_030405")
    (tmp_path / "20260102_030405").mkdir()
    (tmp_path / "20260102_030405_1").write_text("mine")
    assert RunDirectory.create(str(tmp_path)).path.name == "20260102_030405_2"
    assert list((tmp_path / "20260102_030405").iterdir()) == []
    assert (tmp_path / "20260102_030405_1").read_text() == "mine"


def test_a_work_dir_that_is_none(tmp_path: Path) -> None:
    """A work_dir in which no directory can be made is a mistake of the user's, with the name and the way out."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        RunDirectory.create(str(tmp_path / "file"))
    assert str(caught.value) == (
        f"The work_dir {tmp_path / 'file'} cannot hold a run (Not a directory): "
        "set work_dir (-w) to a directory that you may write."
    )


def test_a_thousand_runs_of_one_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for a free name ends, with a sentence."""
    monkeypatch.setattr("time.strftime", lambda _: "now")
    (tmp_path / "now").mkdir()
    for number in range(1, 1000):
        (tmp_path / f"now_{number}").mkdir()
    with pytest.raises(UsageError, match="a thousand runs of this second"):
        RunDirectory.create(str(tmp_path))
