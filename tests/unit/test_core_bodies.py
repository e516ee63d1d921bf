"""Requests written many at once: numbers, pieces, parts; what the caller must keep to."""

from enum import IntEnum

import numpy as np
import pytest
from numpy.typing import NDArray

from fastbench._core.bodies import BodyWriter, Draws, Pieces


class Slot(IntEnum):
    """Those of dialects, in another order."""

    BODY_SIZE = 0
    REQUEST_ID = 1
    LENGTH = 2
    PROMPT = 3


def array(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def test_numbers_are_those_of_philox() -> None:
    """Each sequence has the numbers of numpy's generator with that key and counter, two halves of each in turn."""
    random = np.random.default_rng(1)
    for seed, stream, index in random.integers(0, 2**63 - 1, (50, 3)).tolist():
        raw = np.random.Philox(
            key=np.array([seed, stream], np.uint64), counter=np.array([0, 0, index, 0], np.uint64)
        ).random_raw(9)
        draws = Draws(seed, stream, index)
        assert draws.unit() == ((int(raw[0]) >> 11) + 0.5) * 2.0**-53
        assert draws.integer(5, 1004) == 5 + ((int(raw[1]) & 0xFFFF_FFFF) * 1000 >> 32)
        halves = raw[2:].view("<u4").astype(np.uint64)[:13]
        assert draws.integers(0, 2**31 - 1, 13).tolist() == (halves >> np.uint64(1)).tolist()


def test_rows_are_sequences_of_their_own() -> None:
    """The numbers of several indices at once are those of each of them after what is skipped."""
    draws, indices, skips, counts = Draws(3, 4), array(7, 0, 2**62), array(0, 2, 5), array(4, 0, 7)
    found = draws.rows(indices, skips, 999, counts).tolist()
    wanted: list[int] = []
    for index, skip, count in zip(indices.tolist(), skips.tolist(), counts.tolist(), strict=True):
        draws.at(index)
        for _ in range(skip):
            draws.unit()
        wanted += draws.integers(0, 999, count).tolist()
    assert found == wanted
    with pytest.raises(ValueError, match="each row"):
        draws.rows(indices, skips, 9, counts[:2])
    with pytest.raises(ValueError, match="below 0"):
        draws.rows(indices, skips, 9, array(1, -1, 1))


def test_pieces_stand_between_separators() -> None:
    """Pieces of several widths are joined in the order asked for; there are none beyond the last."""
    pieces = Pieces([b"a", b"", b"ccc"], b",")
    assert len(pieces) == 3
    assert pieces.join(array(2, 0, 1, 2)) == b"ccc,a,,ccc"
    assert pieces.join(array()) == b""
    for wrong in (3, -1):
        with pytest.raises(IndexError, match=f"no piece {wrong} of 3"):
            pieces.join(array(0, wrong))


def test_requests_are_written_by_their_parts() -> None:
    """Each slot has its value as often as it stands there, the head the size of the body, and an id eleven digits."""
    head = [b"POST ", Slot.REQUEST_ID, b" ", Slot.BODY_SIZE, b"|"]
    body = [Slot.PROMPT, b"/", Slot.LENGTH, b"/", Slot.REQUEST_ID, b"/", Slot.PROMPT]
    writer = BodyWriter(head, body, Pieces([b"x", b"yy"], b" "))
    text, ends = writer.write(array(0, 1, 1), array(2, 0, 1), array(5, 0, 12345), b"id-", array(7, 10**11, 2**62))
    begins = [0, *ends.tolist()[:-1]]
    bodies = [
        b"x yy/5/id-00000000007/x yy",
        b"/0/id-100000000000/",
        b"yy/12345/id-4611686018427387904/yy",
    ]
    ids = [b"id-00000000007", b"id-100000000000", b"id-4611686018427387904"]
    wanted = [b"POST %b %d|%b" % (number, len(one), one) for number, one in zip(ids, bodies, strict=True)]
    assert [text[begin:end] for begin, end in zip(begins, ends.tolist(), strict=True)] == wanted


def test_arrays_that_do_not_fit_are_refused() -> None:
    """Nothing is written of counts that are not those of the numbers, of pieces that there are not, or below 0."""
    writer = BodyWriter([b"h", Slot.BODY_SIZE], [Slot.PROMPT, Slot.LENGTH], Pieces([b"x"], b" "))
    one = array(1)
    for numbers, counts, lengths, ids in (
        (array(0, 0), one, one, one),
        (array(), one, one, one),
        (array(0), one, array(), one),
        (array(0), one, one, array(1, 2)),
        (array(0), array(-1), one, one),
        (array(0), one, array(-1), one),
    ):
        with pytest.raises(ValueError, match=r"count|number|length"):
            writer.write(numbers, counts, lengths, b"", ids)
    with pytest.raises(IndexError):
        writer.write(array(1), one, one, b"", one)
    with pytest.raises(KeyError):
        BodyWriter([], [type("Other", (), {"name": "ROW_FIELDS"})()], Pieces([b"x"], b" "))
