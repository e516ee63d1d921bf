"""A recording of several legs: one time axis, one outcome for each request, one end."""

from pathlib import Path
from typing import Any

import numpy as np
from recordings import FOOTER, MS, Request, batch_of, header_of

from fastbench.metrics import compute
from fastbench.recording import NOT_FINAL, Recording, RecordingWriter

PLAN = header_of(load={"planned": 4})


def request(number: int, at_ms: int, **fields: Any) -> Request:
    """A request of 141 ms that is sent at once."""
    stamps = tuple((at_ms + ms) * MS for ms in (100, 120, 140))
    return Request(number, at_ms * MS, stamps, (at_ms + 141) * MS, **fields)


def cancelled(number: int, at_ms: int) -> Request:
    """One that the user's stop ended."""
    return Request(number, at_ms * MS, (), (at_ms + 1) * MS, outcome="cancelled", status=0)


def write(directory: Path, part: int, header: dict[str, Any], *requests: Request, footer: Any = FOOTER) -> None:
    """A part of the recording; footer None = its writer was killed."""
    writer = RecordingWriter(directory, header, part)
    writer.append(batch_of(requests))
    writer.health({"t_ns": requests[-1].end_ns, "in_flight": 0})
    writer.close(FOOTER if footer is None else footer)
    if footer is None:
        path = directory / ("requests.fbr" if part == 0 else f"requests-{part}.fbr")
        path.write_bytes(path.read_bytes()[:-200])


def final(recording: Recording) -> dict[int, int]:
    """The sent moment of each measured request, ms."""
    rows = recording.rows[recording.rows["flags"] & NOT_FINAL == 0]
    return dict(zip(rows["request"].tolist(), (rows["sent_ns"] // MS).tolist(), strict=True))


def test_the_later_leg_follows_on_the_earlier(tmp_path: Path) -> None:
    """The moments of a leg stand where its header says, whatever its clock said; health too."""
    write(tmp_path, 0, PLAN, request(0, 1000), request(1, 1100), footer=None)
    write(tmp_path, 1, {**PLAN, "leg": 1, "resumes_ns": 1241 * MS}, request(2, 50), request(3, 60))
    recording = Recording.open(tmp_path)
    assert final(recording) == {0: 1000, 1: 1100, 2: 1241, 3: 1251}
    assert recording.token_ns(2).tolist() == [1341 * MS, 1361 * MS, 1381 * MS]
    assert recording.health[-1]["t_ns"] == (1251 + 141) * MS
    assert recording.legs == 2
    assert recording.footer is not None
    assert (recording.footer["planned"], recording.footer["interrupted"]) == (4, False)
    assert recording.lost_rows == 0
    metrics = compute(recording, ("Average",))
    assert metrics.outcomes == {"ok": 4}
    assert {row.name: row.value for row in metrics.common}["Benchmark Duration"] == 392
    assert any("resumed once" in note for note in metrics.notes)


def test_a_cancelled_request_that_was_sent_again(tmp_path: Path) -> None:
    """Only its later outcome counts, and it is no failed attempt."""
    stopped = {**FOOTER, "interrupted": True, "reason": "stopped by the user"}
    write(tmp_path, 0, PLAN, request(0, 1000), request(1, 1000), cancelled(2, 1000), cancelled(3, 1001), footer=stopped)
    write(tmp_path, 1, {**PLAN, "leg": 1, "resumes_ns": 1141 * MS}, request(3, 5), request(2, 9))
    recording = Recording.open(tmp_path)
    assert final(recording) == {0: 1000, 1: 1000, 2: 1145, 3: 1141}
    metrics = compute(recording, ("Average",))
    assert metrics.outcomes == {"ok": 4}
    assert metrics.load.failed_attempts == 0
    assert not any("(stopped by the user)" in note for note in metrics.notes)


def test_a_leg_that_is_interrupted_too(tmp_path: Path) -> None:
    """What still has no outcome is counted as such; the end is the last leg's."""
    stopped = {**FOOTER, "interrupted": True, "reason": "stopped by the user"}
    write(tmp_path, 0, PLAN, request(0, 1000), footer=None)
    write(tmp_path, 1, {**PLAN, "leg": 1, "resumes_ns": 1141 * MS}, request(1, 5), cancelled(2, 6), footer=stopped)
    metrics = compute(Recording.open(tmp_path), ("Average",))
    assert metrics.outcomes == {"ok": 2, "cancelled": 2}
    write(tmp_path, 2, {**PLAN, "leg": 2, "resumes_ns": 1282 * MS}, request(2, 77), footer=None)
    recording = Recording.open(tmp_path)
    assert final(recording) == {0: 1000, 1: 1141, 2: 1282}
    assert recording.footer is None
    assert compute(recording, ("Average",)).outcomes == {"ok": 3, "no outcome (run interrupted)": 1}


def test_a_host_that_was_started_anew(tmp_path: Path) -> None:
    """Each leg has clocks of its own: another boot in between makes no second host, and one of two workers no gap."""
    boots = [header_of(load={"planned": 4}, host={"boot_id": boot}) for boot in ("a", "b")]
    write(tmp_path, 0, boots[0], request(0, 9_000_000), footer=None)
    for number in range(2):
        share = {"number": number, "of": 2}
        header = {**boots[1], "share": share, "leg": 1, "resumes_ns": 9_000_141 * MS}
        write(tmp_path, 1 + number, header, request(1 + number, 10 + number))
    recording = Recording.open(tmp_path)
    assert recording.axis.hosts == 1
    assert final(recording) == {0: 9_000_000, 1: 9_000_141, 2: 9_000_142}
    assert not any("worker" in sentence for sentence in recording.damage)


def test_a_leg_without_a_row(tmp_path: Path) -> None:
    """A leg that was killed before anything ended changes nothing."""
    write(tmp_path, 0, PLAN, request(0, 1000))
    RecordingWriter(tmp_path, {**PLAN, "leg": 1, "resumes_ns": 1141 * MS}, 1).close(FOOTER)
    recording = Recording.open(tmp_path)
    assert final(recording) == {0: 1000}
    assert np.all(recording.rows["sent_ns"] == 1000 * MS)
