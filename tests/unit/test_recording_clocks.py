"""Parts of different hosts on one time axis."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import FOOTER, HEADER, MS, Request, batch_of

from fastbench.metrics import compute
from fastbench.recording import Reading, Recording, RecordingWriter, clock_record
from fastbench.run.workers.clocks import kernel_clock

S = 1_000 * MS
WALL = 1_795_505_686 * S
COORDINATOR_MONO = 50 * S
"""The coordinator's monotonic clock at WALL."""


def write_host(
    directory: Path,
    number: int,
    *,
    host: str,
    mono_ns: int,
    wall_ahead_ns: int = 0,
    bound_ns: int | None = 200_000,
    drift_ns: int = 0,
    known: bool = True,
) -> None:
    """The part of a host whose monotonic clock was at `mono_ns` when the coordinator's wall clock was at WALL, and
    whose own wall clock was ahead. drift_ns: by how much its clock is slower after 10 s. It sends 1 s after WALL."""
    header: dict[str, Any] = {
        **HEADER,
        "host": {"name": host, "boot_id": host},
        "mono_ns": mono_ns,
        "wall_ns": WALL + wall_ahead_ns,
        "share": {"number": number, "of": 2},
        "load": {**HEADER["load"], "planned": 2},
    }
    footer = {**FOOTER, "planned": 1, "finished_ns": mono_ns + 2 * S}
    if known:
        first = Reading(mono_ns, WALL - mono_ns, bound_ns, "round trips")
        last = Reading(mono_ns + 10 * S, WALL - mono_ns + drift_ns, bound_ns, "round trips")
        header["clock"], footer["clock"] = clock_record(first, header), clock_record(last, header)
    sent = mono_ns + S
    writer = RecordingWriter(directory, header, number)
    stamps = tuple(sent + 100 * MS + 20 * MS * k for k in range(3))
    writer.append(batch_of([Request(number, sent_ns=sent, token_ns=stamps, end_ns=sent + 141 * MS)]))
    writer.health({"t_ns": mono_ns + S, "in_flight": 1, "stalls": [[mono_ns + S, 5 * MS]]})
    writer.scrape({"t_ns": mono_ns + 3 * S, "series": []})
    writer.close(footer)


def test_two_hosts_meet_on_one_axis(tmp_path: Path) -> None:
    """What two hosts did at one moment stands at one moment, whatever their clocks said; their bounds add up."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S, wall_ahead_ns=30 * MS)
    write_host(tmp_path, 1, host="b", mono_ns=900 * S, wall_ahead_ns=-5 * S, bound_ns=300_000)
    recording = Recording.open(tmp_path)
    assert recording.rows["sent_ns"].tolist() == [8 * S, 8 * S]
    assert [state["t_ns"] for state in recording.health] == [8 * S, 8 * S]
    assert [state["stalls"] for state in recording.health] == [[[8 * S, 5 * MS]]] * 2
    assert [scrape.t_ns for scrape in recording.scrapes] == [10 * S, 10 * S]
    assert recording.footer is not None
    assert recording.footer["finished_ns"] == 9 * S
    assert (recording.axis.hosts, recording.axis.bound_ns, recording.axis.by) == (2, 500_000, "round trips")
    assert any(
        note.startswith("2 hosts sent the load; the clocks of any two agree to 0.5000 ms (by round trips)")
        for note in compute(recording, ("Average",)).notes
    )


def test_latencies_need_no_clock(tmp_path: Path) -> None:
    """Drift moves a request as a whole: its own spans stay what they were on its host, to the nanosecond."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S)
    write_host(tmp_path, 1, host="b", mono_ns=900 * S, drift_ns=10 * MS)
    recording = Recording.open(tmp_path)
    rows = recording.rows
    assert rows["sent_ns"].tolist() == [8 * S, 8 * S + MS]
    assert set((rows["first_token_ns"] - rows["sent_ns"]).tolist()) == {100 * MS}
    assert set((rows["end_ns"] - rows["sent_ns"]).tolist()) == {141 * MS}
    assert np.diff(recording.token_ns(1)).tolist() == [20 * MS] * 2


def test_what_did_not_happen_stays_so(tmp_path: Path) -> None:
    """A moment of 0 is not moved."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S)
    write_host(tmp_path, 1, host="b", mono_ns=900 * S)
    assert Recording.open(tmp_path).rows["headers_ns"].tolist() == [0, 0]


def test_one_host_needs_no_shift(tmp_path: Path) -> None:
    """The parts of one boot of one host have one clock already, whatever was measured of it."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S)
    write_host(tmp_path, 1, host="a", mono_ns=7 * S, wall_ahead_ns=S, drift_ns=S)
    recording = Recording.open(tmp_path)
    assert recording.rows["sent_ns"].tolist() == [8 * S, 8 * S]
    assert recording.axis.hosts == 1
    assert not any("hosts" in note for note in compute(recording, ("Average",)).notes)


def test_parts_of_a_host_share_its_best_reading(tmp_path: Path) -> None:
    """A host has one clock, however many parts it wrote: the reading with the least bound counts for all of them."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S)
    write_host(tmp_path, 1, host="b", mono_ns=900 * S, bound_ns=90_000)
    write_host(tmp_path, 2, host="b", mono_ns=900 * S, bound_ns=900_000, drift_ns=S)
    recording = Recording.open(tmp_path)
    assert recording.rows["sent_ns"].tolist() == [8 * S] * 3
    assert recording.axis.bound_ns == 290_000


@pytest.mark.parametrize("known", [True, False])
def test_an_error_that_nobody_knows(tmp_path: Path, known: bool) -> None:
    """Without a bound, or without any reading, the report says that the error of the axis is not known."""
    write_host(tmp_path, 0, host="a", mono_ns=7 * S)
    write_host(tmp_path, 1, host="b", mono_ns=900 * S, bound_ns=None, known=known)
    recording = Recording.open(tmp_path)
    assert recording.rows["sent_ns"].tolist() == [8 * S, 8 * S]
    assert recording.axis.bound_ns is None
    assert any("to an unknown error" in note for note in compute(recording, ("Average",)).notes)


def test_the_kernels_own_reading() -> None:
    """The kernel's reading is this host's wall clock, and its bound is above nothing where there is one."""
    reading = kernel_clock()
    assert reading.mono_ns > 0
    assert reading.zero_ns + reading.mono_ns > WALL - 10 * 365 * 86_400 * S
    assert reading.bound_ns is None or reading.bound_ns >= 0
