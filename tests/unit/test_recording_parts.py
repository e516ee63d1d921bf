"""Recordings of several parts: read as one, with the numbers of one, and what is missing accounted for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import FOOTER, MS, Request, batch_of, header_of, record

from fastbench.metrics import Selection, compute
from fastbench.metrics.server.outcomes import LOST, UNFINISHED, outcomes
from fastbench.recording import REQUESTS, Recording, RecordingWriter, part_number, part_path, part_paths

STATS = ("Average", "Min", "Max", "Median", "P75", "P90", "P99")
PARTS = 3
COUNT = 60


def request(number: int) -> Request:
    """One of the plan; of some of them the token times need escapes, marks, or a message."""
    sent = (1_000 + 13 * number) * MS
    first = sent + (40 + number % 7) * MS + 1000 * number
    gaps = np.cumsum(
        [0, *((17_000 + 977 * k + (90_000 if number % 5 == 0 else 0)) * 1000 for k in range(number % 4 + 1))]
    )
    stamps = tuple((first + gaps).tolist())
    failed = number % 11 == 3
    return Request(
        number,
        sent_ns=sent,
        token_ns=() if failed else stamps,
        end_ns=stamps[-1] + MS,
        outcome="http_error" if failed else "ok",
        status=500 if failed else 200,
        message=f"no {number}".encode() if failed else None,
        marks=((0, 1, number + 1),) if number % 6 == 1 and not failed else (),
    )


def plan_header(number: int, of: int = PARTS, planned: int | None = COUNT, **more: Any) -> dict[str, Any]:
    return {**header_of(load={"planned": planned}, **more), "share": {"number": number, "of": of}}


def write_part(
    directory: Path, number: int, *, of: int = PARTS, ended: bool = True, planned: int | None = COUNT
) -> list[Request]:
    """One part of the plan's requests."""
    requests = [request(place) for place in range(number, COUNT, of)]
    writer = RecordingWriter(directory, plan_header(number, of, planned), number)
    writer.append(batch_of(requests))
    writer.health({"t_ns": 10 * MS + number, "in_flight": 4 + number, "reads": 1})
    if ended:
        writer.close({**FOOTER, "planned": len(requests), "finished_ns": 9_000 * MS + number})
    else:
        writer.flush()
        writer._file.close()  # as a process that is killed does
    return requests


def write_all(directory: Path) -> list[Request]:
    """All parts; the requests in the order in which the reader has them."""
    return [each for number in range(PARTS) for each in write_part(directory, number)]


def test_everything_of_all_parts(tmp_path: Path) -> None:
    """Rows, token times, marks, messages and health of all parts are there, in the parts' order."""
    requests = write_all(tmp_path)
    recording = Recording.open(tmp_path)
    assert recording.rows["request"].tolist() == [each.request for each in requests]
    for row, each in enumerate(requests):
        assert tuple(recording.token_ns(row).tolist()) == each.token_ns
        assert recording.marks(row).tolist() == list(each.marks)
    assert recording.messages == {row: each.message for row, each in enumerate(requests) if each.message is not None}
    assert [state["t_ns"] for state in recording.health] == [10 * MS, 10 * MS + 1, 10 * MS + 2]
    assert recording.footer is not None
    assert (recording.footer["planned"], recording.footer["finished_ns"]) == (COUNT, 9_000 * MS + 2)
    assert (recording.damage, recording.lost_rows) == ([], 0)
    with pytest.raises(IndexError):
        recording.token_ns(COUNT)


@pytest.mark.parametrize("chosen", [1, 2, 3, 7])
def test_runs_of_chosen_rows(tmp_path: Path, chosen: int) -> None:
    """The token runs of a mask cover its rows in all parts, each with the number that it has in the whole."""
    write_all(tmp_path)
    recording = Recording.open(tmp_path)
    mask = np.arange(len(recording.rows)) % chosen == 0
    runs = list(recording.token_runs(mask))
    gaps = [gap for run in runs for gap in run.gaps_us().tolist()]
    expected = [gap for row in np.flatnonzero(mask).tolist() for gap in recording.gaps_us(row).tolist()]
    assert [row for run in runs for row in range(run.first_row, run.stop_row)] == np.flatnonzero(mask).tolist()
    assert gaps == expected


@pytest.mark.parametrize("stage", ["total", "0s:500ms"])
def test_the_numbers_are_those_of_one_recording(tmp_path: Path, stage: str) -> None:
    """All statistics of the parts equal those of one recording that has all their requests, to the last bit."""
    requests = write_all(tmp_path / "parts")
    record(tmp_path / "one", requests, header=header_of(load={"planned": COUNT}), footer={"planned": COUNT})
    parts, one = (compute(Recording.open(tmp_path / name), STATS, stage) for name in ("parts", "one"))
    assert parts.parameters == one.parameters
    assert parts.common == one.common
    assert (parts.outcomes, parts.failures) == (one.outcomes, one.failures)
    assert parts.success > 0


def test_the_order_of_the_parts_does_not_matter(tmp_path: Path) -> None:
    """Statistics are the same whichever part is the first."""
    write_all(tmp_path)
    recording = Recording.open(tmp_path)
    turned = Recording(recording.parts[::-1])
    assert compute(turned, STATS).parameters == compute(recording, STATS).parameters
    assert compute(turned, STATS).common == compute(recording, STATS).common


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_part(tmp_path: Path, missing: int) -> None:
    """Of a part that is not there the requests count as lost, and the outcomes still add up to the plan."""
    for number in range(PARTS):
        if number != missing:
            write_part(tmp_path, number)
    recording = Recording.open(tmp_path)
    found = outcomes(Selection(recording))
    assert recording.damage == [f"the part of worker {missing} is missing"]
    assert (recording.lost_rows, found[LOST], sum(found.values())) == (COUNT // PARTS, COUNT // PARTS, COUNT)


def test_only_one_part_is_there(tmp_path: Path) -> None:
    """A single part of three is no whole recording: the other two are missing."""
    write_part(tmp_path, 0)
    found = outcomes(Selection(Recording.open(tmp_path)))
    assert (found[LOST], sum(found.values())) == (2 * COUNT // PARTS, COUNT)


def test_a_part_without_an_end(tmp_path: Path) -> None:
    """A worker that died is told of with what it had in flight; what it had recorded counts."""
    write_part(tmp_path, 0)
    write_part(tmp_path, 1, ended=False)
    recording = Recording.open(tmp_path)
    found = outcomes(Selection(recording))
    assert recording.damage == [
        "worker 1 died or was killed, with 5 requests in flight",
        "the part of worker 2 is missing",
    ]
    assert (found[LOST], sum(found.values())) == (COUNT // PARTS, COUNT)


def test_a_plan_without_a_number(tmp_path: Path) -> None:
    """Where the time decides how many there are, a dead worker's requests are those recorded and those in flight."""
    write_part(tmp_path, 0, of=2, planned=None)
    write_part(tmp_path, 1, of=2, planned=None, ended=False)
    recording = Recording.open(tmp_path)
    assert recording.footer is not None
    assert (recording.footer["planned"], recording.lost_rows) == (COUNT, 0)
    counted = outcomes(Selection(recording))
    assert (sum(counted.values()) - counted[UNFINISHED], counted[UNFINISHED]) == (COUNT, 5)
    effects = [reason.effect for reason in compute(recording, STATS).verdict.reasons]
    assert "At least 5 requests have no outcome" in effects


def test_no_part_has_an_end(tmp_path: Path) -> None:
    """When all workers were killed the recording has no end, as one of a single worker that was killed."""
    for number in range(PARTS):
        write_part(tmp_path, number, ended=False)
    recording = Recording.open(tmp_path)
    assert recording.footer is None
    assert len(recording.damage) == PARTS
    assert len(recording.rows) == COUNT


def test_a_part_whose_header_is_lost(tmp_path: Path) -> None:
    """A part without a header still gives its rows, on the clock of the others."""
    write_all(tmp_path)
    file = part_path(tmp_path, REQUESTS, 1)
    data = bytearray(file.read_bytes())
    length = int.from_bytes(data[80:88], "little")
    for start in (0, 96 + length):
        data[start + 100] ^= 255
    file.write_bytes(data)
    recording = Recording.open(tmp_path)
    assert len(recording.rows) == COUNT
    assert recording.axis.hosts == 1
    assert recording.rows["sent_ns"].max() == max(request(number).sent_ns for number in range(COUNT))


def test_names_of_the_files(tmp_path: Path) -> None:
    """Each part has a file of its own, whose number can be told; other files are no parts."""
    assert part_path(tmp_path, REQUESTS, 0).name == "requests.fbr"
    assert part_path(tmp_path, REQUESTS, 12).name == "requests-12.fbr"
    for name in ("requests-2.fbr", "requests-10.fbr", "requests-02.fbr", "requests-x.fbr", "requests-3.fbr.part"):
        (tmp_path / name).touch()
    paths = part_paths(tmp_path)
    assert [path.name for path in paths] == ["requests-2.fbr", "requests-10.fbr"]
    assert [part_number(path) for path in [*paths, tmp_path / "requests.fbr"]] == [2, 10, 0]
