"""R9 for recordings of several parts, and of several legs: damage to one part costs no other part anything."""

import gc
import os
from pathlib import Path

import pytest
from recordings import FOOTER, STRIDE, Request, batch_of, header_of

from fastbench.errors import RecordingError
from fastbench.recording import Recording, part_path
from fastbench.recording.format import Kind
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_batches, pack_json

PLANNED = 6
KINDS = ("workers", "legs")


def write_part(directory: Path, part: int, kind: str) -> bytes:
    """A part of three requests, a batch for each; its bytes."""
    header = header_of(load={"planned": PLANNED})
    if kind == "workers":
        header["share"] = {"number": part, "of": 2}
    elif part:
        header |= {"leg": part, "resumes_ns": 1_141_000_000}
    file = BlockFile(directory, part)
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(header))
    for number in range(3 * part, 3 * part + 3):
        counts, payload = pack_batches([batch_of([Request(number)])])
        file.append(Kind.BATCH, payload, counts)
    file.append(Kind.FOOTER, pack_json({**FOOTER, "planned": 3}))
    file.close()
    return part_path(directory, "requests.fbr", part).read_bytes()


@pytest.fixture(params=KINDS)
def parts(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, list[bytes]]:
    """A whole recording of two parts, and the bytes of each."""
    return tmp_path, [write_part(tmp_path, part, request.param) for part in range(2)]


def found_in(directory: Path) -> tuple[Recording, set[int]]:
    """The recording, and the requests that it has."""
    recording = Recording.open(directory)
    return recording, set(recording.rows["request"].tolist())


def test_whole(parts: tuple[Path, list[bytes]]) -> None:
    """Undamaged, both parts are one recording without a word of damage."""
    recording, found = found_in(parts[0])
    assert found == set(range(PLANNED))
    assert (recording.damage, recording.lost_rows) == ([], 0)
    assert recording.footer is not None


@pytest.mark.parametrize("hurt", [0, 1])
def test_cut_anywhere(parts: tuple[Path, list[bytes]], hurt: int) -> None:
    """A cut in one part leaves the other's requests as they are, and its own up to the cut, in order."""
    directory, contents = parts
    path, other = part_path(directory, "requests.fbr", hurt), {3 * (1 - hurt) + k for k in range(3)}
    for cut in range(0, len(contents[hurt]), STRIDE):
        path.write_bytes(contents[hurt][:cut])
        recording, found = found_in(directory)
        mine = sorted(found - other)
        assert other <= found
        assert mine == [3 * hurt + k for k in range(len(mine))]
        assert recording.lost_rows <= PLANNED - len(found), cut


@pytest.mark.parametrize("hurt", [0, 1])
def test_any_flipped_bit(parts: tuple[Path, list[bytes]], hurt: int) -> None:
    """A flipped bit in one part costs at most one of its requests, is told, and the accounts stay whole."""
    directory, contents = parts
    path = part_path(directory, "requests.fbr", hurt)
    for at in range(0, len(contents[hurt]), STRIDE):
        damaged = bytearray(contents[hurt])
        damaged[at] ^= 1 << (at * 5 % 8)
        path.write_bytes(damaged)
        recording, found = found_in(directory)
        assert found <= set(range(PLANNED))
        assert PLANNED - len(found) <= 1, at
        assert recording.damage, at
        if recording.footer is not None:
            assert recording.lost_rows == PLANNED - len(found), at


def test_no_part_that_can_be_read(parts: tuple[Path, list[bytes]]) -> None:
    """Where no part can be read there is no recording."""
    directory, _ = parts
    for part in range(2):
        part_path(directory, "requests.fbr", part).write_bytes(b"")
    with pytest.raises(RecordingError, match="is empty"):
        Recording.open(directory)


@pytest.mark.parametrize("hurt", [0, 1])
def test_a_part_that_cannot_be_read_holds_no_file(parts: tuple[Path, list[bytes]], hurt: int) -> None:
    """A recording with an unreadable part gives its files back with its last user, without a collection of cycles."""
    directory, contents = parts
    part_path(directory, "requests.fbr", hurt).write_bytes(contents[hurt][:1])
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            assert Recording.open(directory).damage
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        gc.enable()
