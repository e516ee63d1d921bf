"""What an interrupted recording leaves to be sent."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import FOOTER, MS, Request, batch_of, header_of
from tasks import plan_of, task_of

from fastbench.config import Task
from fastbench.datasets import open_dataset
from fastbench.datasets.conversations.mtbench import MtBenchConfig
from fastbench.datasets.mooncake import MooncakeConfig
from fastbench.errors import UsageError
from fastbench.plan.load import scheduled
from fastbench.plan.sharing import Remainder
from fastbench.recording import RecordingWriter
from fastbench.run.tasks import remainder_of
from fastbench.units import Rate

PLANNED = 12
STOPPED = {**FOOTER, "interrupted": True, "reason": "stopped by the user"}


def write(directory: Path, *requests: Request, part: int = 0, planned: int | None = PLANNED, **header: Any) -> None:
    """A part of the recording of these requests, stopped by the user."""
    writer = RecordingWriter(directory, {**header_of(load={"planned": planned}), **header}, part)
    writer.append(batch_of(requests))
    writer.close(STOPPED)


def found(task: Task, directory: Path) -> Remainder | None:
    return remainder_of(plan_of(task), directory, open_dataset(task.dataset))


def left(task: Task, directory: Path) -> Remainder:
    rest = found(task, directory)
    assert rest is not None
    return rest


def test_what_has_no_outcome_is_left(tmp_path: Path) -> None:
    """Failures are outcomes; what the user's stop cancelled is asked for again, and so is what was never recorded."""
    done = [Request(0), Request(3, outcome="reset"), Request(4, outcome="timeout")]
    open_ = [Request(5, outcome="cancelled"), Request(6, flags=("superseded",)), Request(7, flags=("warmup",))]
    write(tmp_path, *done, *open_)
    rest = left(task_of("http://h:1"), tmp_path)
    assert rest.places.tolist() == [1, 2, 5, 6, 7, 8, 9, 10, 11]
    assert (rest.leg, rest.part, rest.since_ns) == (1, 1, 0)
    assert rest.resumes_ns == 1_141 * MS


def test_nothing_is_left_of_a_whole_run(tmp_path: Path) -> None:
    """Of a run with all of its outcomes nothing is."""
    write(tmp_path, *[Request(number) for number in range(PLANNED)])
    assert found(task_of("http://h:1"), tmp_path) is None


def test_numbers_of_parts_and_legs(tmp_path: Path) -> None:
    """The next leg's parts are numbered on from the highest that is there."""
    write(tmp_path, Request(0))
    write(tmp_path, Request(1), part=1, share={"number": 0, "of": 2}, leg=1, resumes_ns=5_000 * MS)
    write(tmp_path, Request(2), part=2, share={"number": 1, "of": 2}, leg=1, resumes_ns=5_000 * MS)
    rest = left(task_of("http://h:1"), tmp_path)
    assert (rest.leg, rest.part, rest.places[0]) == (2, 3, 3)


def test_an_open_loop_goes_on_where_its_plan_has_it(tmp_path: Path) -> None:
    """The rest begins at once, with the plan's times between its requests, and stands where the plan has it."""
    task = task_of("http://h:1", request_rate=Rate(10), batch_size=100)
    offsets = np.arange(PLANNED) * 100 * MS
    write(tmp_path, *[Request(number, 7_000 * MS + int(offsets[number])) for number in (0, 1, 2, 4)])
    rest = left(task, tmp_path)
    schedule = rest.schedule(plan_of(task).schedule)
    assert schedule.offsets is not None
    assert schedule.offsets.tolist() == [int(offsets[place] - offsets[3]) for place in rest.places]
    assert schedule.total == len(rest.places) == 8
    assert rest.resumes_ns == 7_000 * MS + int(offsets[3])


def test_a_trace_goes_on_where_its_times_have_it(tmp_path: Path) -> None:
    """Samples with times of their own count them from the first that is left."""
    rows = tmp_path / "trace.jsonl"
    lines = [{"timestamp": 250 * k, "input_length": 4, "output_length": 2, "hash_ids": [k]} for k in range(4)]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    task = task_of("http://h:1", MooncakeConfig(abbr="trace", path=str(rows)), use_timestamp=True)
    write(tmp_path / "r", Request(0, 9_000 * MS), planned=4)
    rest = left(task, tmp_path / "r")
    schedule = rest.schedule(plan_of(task).schedule)
    samples = [(number, sample) for number, sample in enumerate(open_dataset(task.dataset).samples()) if number]
    assert [offset // MS for _, _, offset in scheduled(iter(samples), schedule)] == [0, 250, 500]
    assert rest.resumes_ns == 9_250 * MS


def test_what_cannot_be_continued(tmp_path: Path) -> None:
    """A run for a time, another data set and a share alone are refused, each with its reason."""
    write(tmp_path / "time", Request(0), planned=None)
    write(tmp_path / "other", Request(0), planned=13)
    write(tmp_path / "share", Request(0), share={"number": 0, "of": 4}, clock={"mono_ns": 1, "offset_ns": 0})
    for name, told in (
        ("time", r"--reuse cannot continue model/.*: it was to send for a time .*; leave --reuse out"),
        ("other", r"has 12 requests now, and had 13: the data set has changed since"),
        ("share", r"it is one share of a plan \(--shard\)"),
    ):
        with pytest.raises(UsageError, match=told):
            found(task_of("http://h:1"), tmp_path / name)


def test_conversations_cannot_be_continued(tmp_path: Path) -> None:
    """Of a conversation what was said before is not recorded."""
    rows = tmp_path / "questions.jsonl"
    rows.write_text(json.dumps({"question_id": 1, "category": "c", "turns": ["a", "b"]}) + "\n")
    write(tmp_path / "r", Request(0), planned=2)
    with pytest.raises(UsageError, match="it is of conversations, and what was said before is not there"):
        found(task_of("http://h:1", MtBenchConfig(abbr="mt", path=str(rows))), tmp_path / "r")


def test_a_writer_at_work(tmp_path: Path) -> None:
    """While the recording has a writer nothing is left: the run is still going."""
    writer = RecordingWriter(tmp_path, header_of(load={"planned": PLANNED}))
    with pytest.raises(UsageError, match="the run is still going"):
        found(task_of("http://h:1"), tmp_path)
    writer.close(STOPPED)


def test_a_recording_without_a_row(tmp_path: Path) -> None:
    """A run that was killed in its warm-up has all of its plan left, from the moment at which it began."""
    RecordingWriter(tmp_path, header_of(load={"planned": PLANNED})).close(STOPPED)
    rest = left(task_of("http://h:1"), tmp_path)
    assert rest.places.tolist() == list(range(PLANNED))
    assert rest.resumes_ns == 1_000 * MS
