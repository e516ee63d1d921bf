"""R9: what a recording still gives after a cut, a flipped bit, a hole.

`make promises` cuts and flips at every byte, the plain suite at every 13th.
"""

from pathlib import Path

import pytest
from recordings import FOOTER, MS, STRIDE, Request, write_blocks

from fastbench.errors import RecordingError
from fastbench.recording import Recording
from fastbench.recording.format import HEAD, read_head

BATCHES = [
    [Request(0), Request(1, token_ns=(), outcome="reset", message=b"connection reset")],
    [Request(2, token_ns=(1_000 * MS, 1_090 * MS), marks=((1, 1, 9),), event_tokens=(1, 2))],
    [Request(3), Request(4), Request(5, token_ns=(1_000 * MS,))],
]
ROWS = [len(batch) for batch in BATCHES]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small whole recording: two headers, three batches each with a health block, a footer."""
    directory = write_blocks(tmp_path_factory.mktemp("whole"), *BATCHES, footer=FOOTER)
    return (directory / "requests.fbr").read_bytes()


def reopened(directory: Path, content: bytes) -> Recording:
    """What a reader makes of these bytes."""
    (directory / "requests.fbr").write_bytes(content)
    return Recording.open(directory)


def content_of(recording: Recording) -> dict[int, tuple[object, ...]]:
    """All that is known of each request, by its number."""
    rows = recording.rows
    return {
        int(rows["request"][k]): (
            rows[k].tobytes(),
            recording.token_ns(k).tobytes(),
            recording.marks(k).tobytes(),
            None if (told := recording.event_tokens(k)) is None else told.tobytes(),
            recording.messages.get(k),
        )
        for k in range(len(rows))
    }


def block_starts(content: bytes) -> list[int]:
    """Where each block of a whole recording starts."""
    starts, at = [], 0
    while at < len(content):
        head = read_head(memoryview(content), at)
        assert head is not None
        starts.append(at)
        at = head.end
    return starts


def test_cut_at_every_offset(tmp_path: Path, original: bytes) -> None:
    """After a cut at any byte, the rows of all whole blocks before it are there unchanged, and no others."""
    whole = content_of(reopened(tmp_path, original))
    starts = [*block_starts(original), len(original)]
    for cut in sorted({*range(0, len(original), STRIDE), *starts[:-1]}):
        blocks = sum(end <= cut for end in starts[1:])
        if blocks == 0:
            with pytest.raises(RecordingError):
                reopened(tmp_path, original[:cut])
            continue
        recording = reopened(tmp_path, original[:cut])
        expected = sum(ROWS[: max(0, (blocks - 1) // 2)])
        assert content_of(recording) == {k: whole[k] for k in range(expected)}, cut
        assert recording.footer is None
        assert bool(recording.damage) == (cut not in starts), cut
        assert recording.lost_rows == 0


def test_any_flipped_bit(tmp_path: Path, original: bytes) -> None:
    """A flipped bit anywhere costs at most the block it is in, is reported, and changes no other row."""
    whole = content_of(reopened(tmp_path, original))
    starts = block_starts(original)
    for at in sorted({*range(0, len(original), STRIDE), *starts}):
        damaged = bytearray(original)
        damaged[at] ^= 1 << (at * 5 % 8)
        recording = reopened(tmp_path, bytes(damaged))
        block = sum(start <= at for start in starts) - 1
        batch = (block - 2) // 2 if block >= 2 and block % 2 == 0 and block < len(starts) - 1 else None
        first = sum(ROWS[:batch]) if batch is not None else 0
        lost = set(range(first, first + ROWS[batch])) if batch is not None else set()
        assert content_of(recording) == {k: v for k, v in whole.items() if k not in lost}, at
        assert len(recording.damage) == 1, at
        is_last = block == len(starts) - 1
        assert recording.lost_rows == len(lost), at
        assert (recording.footer is None) == is_last, at
        assert recording.header, at


@pytest.mark.parametrize("hole", [8, 96, 300])
def test_holes_of_zeros(tmp_path: Path, original: bytes, hole: int) -> None:
    """Zeros over any stretch, as a file system may leave, never give a wrong row; lost rows are counted."""
    whole = content_of(reopened(tmp_path, original))
    for at in range(HEAD.size * 4, len(original) - hole, 16 if STRIDE == 1 else 80):
        damaged = bytearray(original)
        damaged[at : at + hole] = bytes(hole)
        recording = reopened(tmp_path, bytes(damaged))
        found = content_of(recording)
        assert found.items() <= whole.items(), at
        assert recording.damage or bytes(damaged) == original, at
        assert len(found) + recording.lost_rows == len(whole), at


def test_foreign_blocks_are_not_taken(tmp_path: Path, original: bytes) -> None:
    """Blocks of another recording, left behind the end or in place of damage, are not read as this one's."""
    other = (write_blocks(tmp_path / "other", *BATCHES, footer=FOOTER) / "requests.fbr").read_bytes()
    assert len(other) == len(original)
    starts = block_starts(original)
    cut = starts[4]
    mixed = reopened(tmp_path, original[:cut] + other[cut:])
    assert mixed.rows["request"].tolist() == [0, 1]
    assert "hold no whole block" in mixed.damage[0]
    assert mixed.footer is None


def test_a_block_inside_a_message_is_not_taken(tmp_path: Path, original: bytes) -> None:
    """A whole block of the same recording inside a failure's message is no block: it is not where it says."""
    start, end = block_starts(original)[2:4]
    planted = Request(7, token_ns=(), outcome="http_error", status=500, message=original[start:end] * 2)
    directory = write_blocks(tmp_path / "planted", [planted], [Request(8)], footer=FOOTER)
    content = bytearray((directory / "requests.fbr").read_bytes())
    content[block_starts(bytes(content))[2] + 1] ^= 0xFF
    recording = reopened(tmp_path, bytes(content))
    assert recording.rows["request"].tolist() == [8]
    assert recording.lost_rows == 1
