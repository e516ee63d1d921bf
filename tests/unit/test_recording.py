"""Writing a recording and reading it back."""

import fcntl
import json
import os
import stat
import struct
import time
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import FOOTER, HEADER, MS, Request, batch_of, record, write_blocks

from fastbench.errors import RecordingError
from fastbench.recording import ROW_DTYPE, Recording, RecordingWriter, join_pieces
from fastbench.recording.format import HEAD, MARK_DTYPE, NOTE_DTYPE, VERSION, Counts, Kind, section_starts
from fastbench.recording.writing import writer as writer_module
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_batches, pack_json


def stamps(gaps_us: list[int], first_ns: int = 5_000 * MS) -> tuple[int, ...]:
    """Arrival times after these gaps."""
    return tuple((first_ns + 1000 * np.cumsum([0, *gaps_us])).tolist())


REQUESTS = [
    Request(0, token_ns=stamps([20_000, 70_000, 65_534, 65_535, 0]), marks=((1, 2, 50),)),
    Request(1, token_ns=(), outcome="http_error", status=500, message=b'{"error": "boom \xff"}'),
    Request(2, token_ns=stamps([5]), event_tokens=(3, 1), output_tokens=4),
    Request(3, token_ns=stamps([]), marks=((0, 1, 7), (0, 1, 9))),
    Request(4, token_ns=stamps([1_000_000, 3]), outcome="truncated", message=b""),
]


def test_everything_comes_back(tmp_path: Path) -> None:
    """Rows, token times and counts, marks, messages, header, health and footer are read as given."""
    health = [{"t_ns": 5, "in_flight": 3, "lag": [[7, 2]]}, {"t_ns": 6, "in_flight": 0}]
    recording = Recording.open(record(tmp_path, REQUESTS[:2], REQUESTS[2:], health=health))
    assert recording.rows.tobytes() == batch_of(REQUESTS).rows.tobytes()
    for index, request in enumerate(REQUESTS):
        assert tuple(recording.token_ns(index).tolist()) == request.token_ns
        assert tuple(tuple(mark) for mark in recording.marks(index).tolist()) == request.marks
    told = recording.event_tokens(2)
    assert told is not None
    assert told.tolist() == [3, 1]
    assert recording.event_tokens(0) is None
    assert recording.messages == {1: b'{"error": "boom \xff"}', 4: b""}
    assert recording.header == HEADER
    assert recording.health == health
    state = {"rows": 5, "lost": 0, "error": None}
    assert recording.footer == {**FOOTER, "recording": state}
    assert (recording.damage, recording.lost_rows) == ([], 0)


def test_several_blocks_read_like_one(tmp_path: Path) -> None:
    """Rows of later blocks find their own gaps, marks and messages."""
    recording = Recording.open(write_blocks(tmp_path, REQUESTS[:1], REQUESTS[1:3], REQUESTS[3:], footer={}))
    assert recording.parts[0].table.first_rows.tolist() == [0, 1, 3, 5]
    assert [(run.first_row, run.stop_row) for run in recording.token_runs()] == [(0, 1), (1, 3), (3, 5)]
    assert [tuple(recording.token_ns(row).tolist()) for row in range(5)] == [r.token_ns for r in REQUESTS]
    assert recording.messages == {1: b'{"error": "boom \xff"}', 4: b""}
    assert recording.marks(3).tolist() == [(0, 1, 7), (0, 1, 9)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.one_of(st.integers(0, 100), st.integers(65_500, 65_600), st.integers(0, 10**6)), max_size=8),
        max_size=6,
    )
)
def test_any_gaps_round_trip(tmp_path_factory: pytest.TempPathFactory, gaps: list[list[int]]) -> None:
    """Token times of any gaps, escaped or not, in any number of requests, come back to the microsecond."""
    requests = [Request(k, token_ns=stamps(row)) for k, row in enumerate(gaps)]
    recording = Recording.open(write_blocks(tmp_path_factory.mktemp("r"), requests, footer={}))
    assert [tuple(recording.token_ns(k).tolist()) for k in range(len(gaps))] == [r.token_ns for r in requests]


def test_gap_views_are_not_copies(tmp_path: Path) -> None:
    """The gaps of a block are views into the map, not memory of their own."""
    (run,) = Recording.open(write_blocks(tmp_path, REQUESTS, footer={})).token_runs()
    assert run.gaps.dtype == np.uint16
    assert not run.gaps.flags.owndata
    assert not run.gaps.flags.writeable


def test_row_outside_is_an_index_error(tmp_path: Path) -> None:
    """Asking for a row that is not there is an error, also for a negative one."""
    recording = Recording.open(write_blocks(tmp_path, REQUESTS, footer={}))
    for row in (-1, 5):
        with pytest.raises(IndexError):
            recording.token_ns(row)


def test_files_are_private(tmp_path: Path) -> None:
    """The files can be read and written by their owner alone, whatever the umask."""
    before = os.umask(0)
    try:
        record(tmp_path / "r", [Request(0, text=b't"hi"\n')])
    finally:
        os.umask(before)
    for name in ("requests.fbr", "texts.jsonl"):
        assert stat.S_IMODE((tmp_path / "r" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700


def test_texts_stay_out_of_the_blocks(tmp_path: Path) -> None:
    """Output texts go to their own file, and none of their bytes into the blocks."""
    text = b't"secret \\ud83d"\nt"\\ude00 answer"\nr"why"\n'
    record(tmp_path, [Request(3, attempt=1, text=text, message=b"kept"), Request(4)])
    lines = (tmp_path / "texts.jsonl").read_bytes().splitlines()
    expected = {"request": 3, "attempt": 1, "text": "secret \N{GRINNING FACE} answer", "reasoning": "why"}
    assert [json.loads(line) for line in lines] == [expected]
    blocks = (tmp_path / "requests.fbr").read_bytes()
    assert b"answer" not in blocks
    assert b"kept" in blocks


def test_no_texts_no_file(tmp_path: Path) -> None:
    """Where no texts were asked for there is no file for them."""
    record(tmp_path, REQUESTS)
    assert os.listdir(tmp_path) == ["requests.fbr"]


@pytest.mark.parametrize(
    ("pieces", "joined"),
    [
        (b"", {"text": ""}),
        (b't"a\\nb"\nt"c"\n', {"text": "a\nbc"}),
        (b't"bad \\x escape"\n', {"text": '"bad \\x escape"'}),
        (b't"\xff"\n', {"text": "\N{REPLACEMENT CHARACTER}"}),
        (b'x"{\\"a\\": 1}"\n', {"text": "", "tool_calls": '{"a": 1}'}),
    ],
)
def test_pieces_of_text_are_joined(pieces: bytes, joined: dict[str, str]) -> None:
    """Literals are decoded and joined by part; what is no literal is kept as it stands."""
    assert join_pieces(pieces) == joined


def test_recorded_and_durable_rise_without_a_close(tmp_path: Path) -> None:
    """Rows count as recorded within the block's time limit and as durable within the second after."""
    writer = RecordingWriter(tmp_path, HEADER)
    deadline = time.monotonic() + 120
    writer.append(batch_of(REQUESTS))
    while writer.durable < len(REQUESTS):
        assert writer.durable <= writer.recorded <= len(REQUESTS)
        assert time.monotonic() < deadline, "never durable"
        time.sleep(0.01)
    assert len(Recording.open(tmp_path).rows) == len(REQUESTS)
    writer.close(FOOTER)


def test_batches_share_a_block(tmp_path: Path) -> None:
    """Small batches that wait together become one block."""
    recording = Recording.open(record(tmp_path, *([request] for request in REQUESTS)))
    assert len(recording.parts[0].table.first_rows) - 1 < len(REQUESTS)


def test_blocks_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that exceed a block's size together are written as several blocks."""
    monkeypatch.setattr(writer_module, "BLOCK_BYTES", 400)
    recording = Recording.open(record(tmp_path, *([request] for request in REQUESTS)))
    assert len(recording.parts[0].table.first_rows) - 1 >= 3
    assert recording.rows["request"].tolist() == [0, 1, 2, 3, 4]


def test_slow_disk_drops_and_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches beyond the queue's bound are lost, counted, reported at the close, and told to the reader."""
    monkeypatch.setattr(writer_module, "QUEUE_BYTES", 200)
    monkeypatch.setattr(writer_module, "BLOCK_SECONDS", 3600)
    writer = RecordingWriter(tmp_path, HEADER)
    # The thread has to be asleep, or it would take the first batch before the others come.
    time.sleep(0.2)
    for request in REQUESTS:
        writer.append(batch_of([request]))
    assert writer.lost == 4
    assert writer.error == "the disk is slower than the load"
    with pytest.raises(RecordingError, match="4 of 5 requests are lost"):
        writer.close(FOOTER)
    recording = Recording.open(tmp_path)
    assert (len(recording.rows), recording.lost_rows) == (1, 4)
    assert recording.damage == ["not all was written (the disk is slower than the load); 4 requests lost"]


def test_second_writer_is_refused(tmp_path: Path) -> None:
    """While a writer lives, a second one for its directory is refused; afterwards so is a new one."""
    writer = RecordingWriter(tmp_path, HEADER)
    with pytest.raises(RecordingError, match="is being written by another process"):
        RecordingWriter(tmp_path, HEADER)
    writer.append(batch_of(REQUESTS))
    writer.close(FOOTER)
    with pytest.raises(RecordingError, match="holds a recording already"):
        RecordingWriter(tmp_path, HEADER)
    assert len(Recording.open(tmp_path).rows) == len(REQUESTS)


def test_lock_is_held_while_writing(tmp_path: Path) -> None:
    """Another process can see by the lock that the recording is being written."""
    writer = RecordingWriter(tmp_path, HEADER)
    with open(tmp_path / "requests.fbr", "rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        writer.close(FOOTER)
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def test_links_are_not_followed(tmp_path: Path) -> None:
    """A symbolic link in place of the file is neither read through nor written through."""
    record(tmp_path / "real", REQUESTS)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "requests.fbr").symlink_to(tmp_path / "real" / "requests.fbr")
    with pytest.raises(RecordingError, match="holds no recording that can be read"):
        Recording.open(tmp_path / "linked")
    with pytest.raises(RecordingError, match="symbolic link"):
        RecordingWriter(tmp_path / "linked", HEADER)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "holds no recording"), (b"", "ended before the load began"), (b"hello" * 100, "no readable block")],
)
def test_what_is_no_recording_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing, an empty and a foreign file each give one sentence that names the place."""
    if content is not None:
        (tmp_path / "requests.fbr").write_bytes(content)
    with pytest.raises(RecordingError, match=message) as caught:
        Recording.open(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_unusable_directory_is_named(tmp_path: Path) -> None:
    """A directory that cannot be made is one sentence with the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be made: Not a directory"):
        RecordingWriter(tmp_path / "file" / "r", HEADER)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    """A good head of a higher version stops the reading and says which versions are read."""
    path = write_blocks(tmp_path, REQUESTS, footer={}) / "requests.fbr"
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, 8, VERSION + 1)
    struct.pack_into("<I", data, HEAD.size - 4, zlib.crc32(bytes(data[: HEAD.size - 4])))
    path.write_bytes(data)
    with pytest.raises(RecordingError, match=f"format version {VERSION + 1}, this fastbench reads up to {VERSION}"):
        Recording.open(tmp_path)


def test_sizes_are_as_documented(tmp_path: Path) -> None:
    """A head has 96 bytes, a row 184, a mark and a note 12; full-size requests keep the promised size."""
    assert (HEAD.size, ROW_DTYPE.itemsize, MARK_DTYPE.itemsize, NOTE_DTYPE.itemsize) == (96, 184, 12, 12)
    tokens, count = 4096, 50
    requests = [Request(k, token_ns=stamps([20_000] * (tokens - 1))) for k in range(count)]
    size = (record(tmp_path, requests) / "requests.fbr").stat().st_size
    assert size <= count * (2.1 * tokens + 256) + 4096


def test_sections_are_aligned() -> None:
    """Each section starts on a multiple of 8 bytes, in the documented order."""
    counts = Counts(rows=3, escapes=1, marks=1, notes=1, gaps=3, event_tokens=5, note_bytes=1)
    starts = section_starts(np.array([counts]))[0].tolist()
    assert starts == np.cumsum([0, 3 * 184, 8, 16, 8, 16, 16, 8]).tolist()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 4), max_size=5), st.data())
def test_runs_cover_exactly_their_mask(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], data: st.DataObject
) -> None:
    """The runs of any mask over any blocks hold each masked row's tokens once, in order, and no others."""
    requests = [Request(k, token_ns=stamps([k, 70_000 + k][: k % 3])) for k in range(sum(sizes))]
    ends = np.cumsum([0, *sizes]).tolist()
    batches = [requests[start:stop] for start, stop in pairwise(ends)]
    recording = Recording.open(write_blocks(tmp_path_factory.mktemp("r"), *batches, footer={}))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(requests), max_size=len(requests))), bool)
    runs = list(recording.token_runs(mask))
    assert [row for run in runs for row in range(run.first_row, run.stop_row)] == np.flatnonzero(mask).tolist()
    gaps = [gap for row in np.flatnonzero(mask).tolist() for gap in recording.gaps_us(row).tolist()]
    assert [gap for run in runs for gap in run.gaps.tolist()] == [min(gap, 0xFFFF) for gap in gaps]
    assert [gap for run in runs for gap in run.escapes.tolist()] == [gap for gap in gaps if gap >= 0xFFFF]


def test_contradicting_blocks_are_left_out(tmp_path: Path) -> None:
    """A block whose checksums are right but whose counts do not agree with its rows is damage, not a crash."""
    file = BlockFile(tmp_path)
    file.append(Kind.HEADER, pack_json(HEADER))
    for wrong in ("", "gaps", "note_bytes", "marks", "length"):
        counts, payload = pack_batches([batch_of(REQUESTS)])
        if wrong == "length":
            payload = [*payload, bytes(8)]
        elif wrong:
            counts = counts._replace(**{wrong: getattr(counts, wrong) - 1})
        file.append(Kind.BATCH, payload, counts)
    file.close()
    recording = Recording.open(tmp_path)
    assert recording.rows["request"].tolist() == [0, 1, 2, 3, 4]
    assert recording.lost_rows == 20
    assert all("is inconsistent" in sentence for sentence in recording.damage)
    assert recording.messages == {1: b'{"error": "boom \xff"}', 4: b""}
