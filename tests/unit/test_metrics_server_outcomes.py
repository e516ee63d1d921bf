"""Each planned request ends in exactly one outcome, and failures keep their reasons."""

from pathlib import Path
from typing import Any

import pytest
from recordings import FOOTER, HEADER, MS, Request, batch_of, header_of, record, write_blocks

from fastbench.metrics import Metrics, compute
from fastbench.metrics.server.outcomes import LOST, UNFINISHED
from fastbench.recording import Recording
from fastbench.recording.format import Kind
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_batches, pack_json

STATS = ("Average", "P99")
NO_END = "the run has no end: it was killed, or is still going"
FAILED = {"token_ns": (), "message": b"no"}


def metrics_of(directory: Path, requests: list[Request], planned: int, **footer: Any) -> Metrics:
    """The numbers of a run that planned this many requests and came to its end."""
    header = header_of(load={"planned": planned})
    return compute(Recording.open(record(directory, requests, header=header, footer=footer)), STATS)


def unfinished(
    directory: Path, requests: list[Request], planned: int | None, health: dict[str, Any] | None = None
) -> Path:
    """A recording without an end. health: the last word of its client."""
    directory.mkdir(exist_ok=True)
    file = BlockFile(directory)
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(header_of(load={"planned": planned})))
    for request in requests:
        counts, payload = pack_batches([batch_of([request])])
        file.append(Kind.BATCH, payload, counts)
    if health is not None:
        file.append(Kind.HEALTH, pack_json(health))
    file.close()
    return directory


def test_outcomes_are_counted_by_name(tmp_path: Path) -> None:
    """Every final row counts once under its own outcome; attempts that were retried and warm-ups do not."""
    requests = [
        Request(0),
        Request(1, outcome="timeout", **FAILED),
        Request(2, outcome="reset", flags=("superseded",), **FAILED),
        Request(2, attempt=1),
        Request(3, flags=("stream", "warmup")),
    ]
    metrics = metrics_of(tmp_path, requests, planned=3)
    assert metrics.outcomes == {"ok": 2, "timeout": 1}
    assert metrics.load.retried_requests == 1
    assert metrics.load.failed_attempts == 1
    assert [failure.outcome for failure in metrics.failures] == ["timeout"]


def test_missing_rows_were_dropped_or_cancelled(tmp_path: Path) -> None:
    """Planned requests without a row are dropped as far as the footer says, the others cancelled."""
    requests = [Request(0), Request(1, outcome="dropped", **FAILED)]
    metrics = metrics_of(tmp_path, requests, planned=10, interrupted=True, reason="Ctrl-C", dropped=4)
    assert metrics.outcomes == {"ok": 1, "cancelled": 5, "dropped": 4}
    assert sum(failure.count for failure in metrics.failures) == 9
    assert "The run was interrupted (Ctrl-C)." in metrics.notes


def test_unsent_with_and_without_a_row_are_one_reason(tmp_path: Path) -> None:
    """Of the requests that an interrupted run did not send some were prepared and have rows: one line tells of all."""
    unsent = {
        "outcome": "cancelled",
        "sent_ns": 0,
        "intended_ns": 900 * MS,
        "token_ns": (),
        "message": b"the run ended before it was sent",
    }
    requests = [Request(0), Request(1, **unsent), Request(2, **unsent)]
    metrics = metrics_of(tmp_path, requests, planned=10, interrupted=True, reason="Ctrl-C")
    assert metrics.outcomes == {"ok": 1, "cancelled": 9}
    assert [(one.outcome, one.count) for one in metrics.failures] == [("not sent", 9)]
    assert metrics.not_sent == 9
    assert {row.name: row.value for row in metrics.common}["Failed Requests"] == 0


def test_a_run_without_an_end_has_requests_without_an_outcome(tmp_path: Path) -> None:
    """Where the footer is missing, planned requests without a row have no outcome."""
    metrics = compute(Recording.open(unfinished(tmp_path, [Request(0)], planned=3)), STATS)
    assert metrics.outcomes == {"ok": 1, UNFINISHED: 2}
    assert metrics.notes[0].startswith("The run has no end")
    total = next(row.value for row in metrics.common if row.name == "Total Requests")
    assert total == 3


def test_a_run_by_time_without_an_end(tmp_path: Path) -> None:
    """Where no plan says how many there are, those in flight last that have no row have no outcome, at least."""
    begun = [Request(0), Request(1, end_ns=1_300 * MS)]  # the second ended after the client's last word
    run = unfinished(tmp_path, begun, planned=None, health={"t_ns": 1_200 * MS, "in_flight": 5})
    metrics = compute(Recording.open(run), STATS)
    assert metrics.outcomes == {"ok": 2, UNFINISHED: 4}
    (reason,) = metrics.verdict.reasons
    assert (reason.effect, reason.cause) == ("At least 4 requests have no outcome", NO_END)


@pytest.mark.parametrize("planned", [None, 1])
def test_no_end_is_never_valid(tmp_path: Path, planned: int | None) -> None:
    """A run without an end is not valid even where nothing is known to be missing."""
    metrics = compute(Recording.open(unfinished(tmp_path, [Request(0)], planned)), STATS)
    assert metrics.outcomes == {"ok": 1}
    (reason,) = metrics.verdict.reasons
    assert (reason.effect, reason.cause) == ("Requests may have no outcome", NO_END)


def damaged(run: Path) -> Recording:
    """The recording, of which the last request's row is broken."""
    path = run / "requests.fbr"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    return Recording.open(run)


@pytest.mark.parametrize("stage", ["total", "0s:", ":100ms", "stable"])
def test_what_has_no_row_counts_against_every_stage(tmp_path: Path, stage: str) -> None:
    """Nobody knows in which stage lost and unfinished requests began, so no stage of their run is valid."""
    starts = range(1_000 * MS, 1_180 * MS, 20 * MS)
    requests = [Request(k, at, (at + 70 * MS,), at + 75 * MS) for k, at in enumerate(starts)]
    metrics = compute(damaged(unfinished(tmp_path, requests, planned=12)), STATS, stage)
    effects = ["1 request is lost from the recording", "3 requests have no outcome"]
    assert [reason.effect for reason in metrics.verdict.reasons][:2] == effects


def test_lost_rows_have_no_outcome(tmp_path: Path) -> None:
    """Requests of a damaged block count as lost, Σ stays the number planned, and the run is not valid."""
    recording = damaged(unfinished(tmp_path, [Request(k) for k in range(3)], planned=5))
    metrics = compute(recording, STATS)
    assert metrics.outcomes == {"ok": 2, LOST: 1, UNFINISHED: 2}
    assert metrics.verdict.reasons[0].effect == "1 request is lost from the recording"
    assert any("is damaged; 1 requests lost" in note for note in metrics.notes)


@pytest.mark.parametrize("planned", [None, 0, 1])
def test_more_rows_than_planned(tmp_path: Path, planned: int | None) -> None:
    """Where the plan does not say how many, or says too few, the rows are the total."""
    run = record(tmp_path, [Request(0), Request(1)], header=header_of(load={"planned": planned}))
    assert compute(Recording.open(run), STATS).outcomes == {"ok": 2}


def test_failures_are_grouped_by_reason(tmp_path: Path) -> None:
    """Messages that differ only in numbers and ids are one reason, with the first request's message."""
    requests = [
        Request(k, outcome="http_error", status=429, token_ns=(), message=b"busy, request %016x" % (k * 7919))
        for k in (3, 1, 2)
    ]
    requests.append(Request(9, outcome="http_error", status=429, token_ns=(), message=b"quota"))
    requests.append(Request(8, outcome="refused", status=0, token_ns=()))
    failures = compute(Recording.open(write_blocks(tmp_path, requests, footer=FOOTER)), STATS).failures
    assert [(f.outcome, f.status, f.count, f.message) for f in failures] == [
        ("http_error", 429, 3, f"busy, request {7919:016x}"),
        ("http_error", 429, 1, "quota"),
        ("refused", 0, 1, ""),
    ]


def test_reasons_are_bounded(tmp_path: Path) -> None:
    """Beyond twenty reasons the rest is one line, and no request goes uncounted."""
    names = [chr(ord("A") + k) for k in range(26)]
    requests = [Request(k, outcome="malformed", token_ns=(), message=name.encode()) for k, name in enumerate(names)]
    failures = compute(Recording.open(write_blocks(tmp_path, requests, footer=FOOTER)), STATS).failures
    assert len(failures) == 21
    assert sum(failure.count for failure in failures) == 26
    assert (failures[-1].outcome, failures[-1].message) == ("others", "6 further reasons")


def test_damaged_header_still_gives_numbers(tmp_path: Path) -> None:
    """With both copies of the header gone the requests are still counted."""
    path = write_blocks(tmp_path, [Request(0), Request(1)], footer=FOOTER) / "requests.fbr"
    content = bytearray(path.read_bytes())
    size = (len(content[: content.index(b"\x89FBRblk\n", 8)])) * 2
    for at in range(100, size, 100):
        content[at] ^= 0xFF
    path.write_bytes(content)
    recording = Recording.open(tmp_path)
    assert recording.header == {} != HEADER
    assert compute(recording, STATS).success == 2
