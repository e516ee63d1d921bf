"""Recordings made to hurt: every checksum is right, and what they say is not. Numbers or one sentence, nothing else."""

import json
import os
import random
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastbench.errors import FastbenchError
from fastbench.metrics import compute
from fastbench.recording import Recording
from fastbench.recording.format import Counts, Head, Kind, read_head
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_json
from fastbench.report import publish

INPUTS = int(os.environ.get("FASTBENCH_RECORDINGS", "20"))
GOLDEN = Path(__file__).parents[1] / "golden" / "v1" / "performances" / "mock" / "golden_recording" / "requests.fbr"
ODD = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    1e300,
    "",
    "x",
    "/etc/passwd",
    [],
    [[]],
    [[1]],
    [[-1, 5]],
    [[10**9, 1]],
    {},
    {"a": 1},
)
# Blocks that this recording has none of.
OTHERS = {
    Kind.COUNTED: '{"request": [0, 1], "input_tokens": [5, -1], "output_tokens": [7, 8]}',
    Kind.SCRAPE: '{"t_ns": 5, "took_ns": 3, "url": "u", "series": [["vllm:num_requests_running", {}, 2.0]]}',
}


def heads_of(content: bytes) -> list[Head]:
    """The heads of a whole recording."""
    heads: list[Head] = []
    at = 0
    while at < len(content):
        head = read_head(memoryview(content), at)
        assert head is not None
        heads.append(head)
        at = head.end
    return heads


def with_odd_bytes(rng: random.Random, content: bytes, directory: Path) -> None:
    """Bytes of a block changed anywhere, in its head too, with checksums that fit."""
    data = bytearray(content)
    head = rng.choice(heads_of(content))
    for _ in range(rng.choice((1, 1, 2, 5))):
        inside = rng.random() < 0.75
        at = rng.randrange(head.start, head.end) if inside else rng.randrange(head.offset + 8, head.offset + 88)
        size = min(rng.choice((1, 1, 2, 4, 8)), (head.end if inside else head.offset + 88) - at)
        data[at : at + size] = rng.choice((rng.randbytes(size), b"\0" * size, b"\xff" * size, b"\x7f" * size))
    struct.pack_into("<I", data, head.offset + 88, zlib.crc32(data[head.start : head.end]))
    struct.pack_into("<I", data, head.offset + 92, zlib.crc32(data[head.offset : head.offset + 92]))
    (directory / "requests.fbr").write_bytes(data)


def with_odd_records(rng: random.Random, content: bytes, directory: Path) -> None:
    """Values of JSON blocks of other types and sizes."""
    file = BlockFile(directory)
    chosen = rng.choice((Kind.HEADER, Kind.HEALTH, Kind.FOOTER, *OTHERS))
    seed = rng.random()
    for head in heads_of(content):
        payload = content[head.start : head.end]
        if head.kind == Kind.BATCH:
            file.append(Kind.BATCH, [payload], head.counts)
            continue
        record = json.loads(payload)
        if head.kind == chosen:  # both copies of the header alike
            change(random.Random(seed), record)
        file.append(Kind(head.kind), pack_json(record), Counts())
    for kind, text in OTHERS.items():
        record = json.loads(text)
        if kind == chosen:
            change(rng, record)
        file.append(kind, pack_json(record), Counts())
    file.close()


def change(rng: random.Random, record: dict[str, Any]) -> None:
    """Another value for a key, at any depth, or a key that there was not."""
    place: Any = record
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = rng.choice(keys or ["leg"])
        if keys and isinstance(place[key], dict | list) and place[key] and rng.random() < 0.6:
            place = place[key]
            continue
        break
    if rng.random() < 0.1:
        record[rng.choice(("leg", "resumes_ns", "share", "clock", "tokens_per_word"))] = rng.choice(ODD)
    elif isinstance(place, dict) or keys:
        place[key] = rng.choice(ODD)


@pytest.mark.parametrize("spoil", [with_odd_bytes, with_odd_records], ids=lambda spoil: spoil.__name__)
def test_numbers_or_one_sentence(tmp_path: Path, spoil: Callable[[random.Random, bytes, Path], None]) -> None:
    """Whatever a recording says, its report is made, or refused in a declared error; its tokens can be read or not."""
    content = GOLDEN.read_bytes()
    ended: Counter[str] = Counter()
    for number in range(INPUTS):
        rng = random.Random(f"{spoil.__name__}/{number}")
        directory = tmp_path / str(number)
        directory.mkdir()
        spoil(rng, content, directory)
        try:
            recording = Recording.open(directory)
            compute(recording, ("Average", "P99"))
            for row in range(0, len(recording.rows), 9):
                recording.token_ns(row), recording.event_tokens(row), recording.marks(row)
            if number % 10 == 0:
                publish(recording, directory, "hostile", ("Average", "P99"))
            ended["numbers"] += 1
        except FastbenchError as error:
            ended["refused" if "\n" not in str(error) else "refused in several lines"] += 1
        except Exception as error:
            error.add_note(f"{spoil.__name__}, input {number}")
            raise
    assert set(ended) <= {"numbers", "refused"}
    assert ended["numbers"] > INPUTS / 4, "the others would prove nothing"
