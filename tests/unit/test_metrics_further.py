"""The table "Further Parameters" and the finish reasons, against plain arithmetic."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings import MS, Request, record

from fastbench.api.result import Result
from fastbench.metrics import Metrics, compute
from fastbench.recording import Recording

REASONED = ("stream", "kernel", "reasoning")


def computed(directory: Path, *requests: Request) -> Metrics:
    return compute(Recording.open(record(directory, requests)), ("Average", "Min", "Max"))


def further(metrics: Metrics) -> dict[str, tuple[Any, ...]]:
    return {row.name: (row.unit, *row.values.values(), row.n) for row in metrics.further}


def test_thinking_and_answer(tmp_path: Path) -> None:
    """First answer token and thinking time are of the replies that streamed reasoning, and an answer after it."""
    found = further(
        computed(
            tmp_path,
            Request(0, flags=REASONED, more=(("answer_ns", 1_120 * MS),)),
            Request(1, flags=REASONED, more=(("answer_ns", 1_140 * MS),)),
            Request(2, flags=REASONED),
            Request(3, more=(("answer_ns", 1_100 * MS),)),
        )
    )
    assert found["First Answer Token"] == ("ms", 130, 120, 140, 2)
    assert found["Thinking Time"] == ("ms", 30, 20, 40, 2)


def test_what_has_no_such_moment_is_absent(tmp_path: Path) -> None:
    """Replies of several choices, without a stream, of a single event, or that never answer have none of these values:
    they are absent, not 0, in the rows and in the columns of single requests."""
    at, answered = 1_100 * MS, (("answer_ns", 1_130 * MS),)
    two = (at, at + 30 * MS)
    directory = record(
        tmp_path,
        [
            Request(0, token_ns=two, flags=REASONED, more=answered),
            Request(1, token_ns=two, flags=REASONED, more=(*answered, ("choices", 2))),
            Request(2, token_ns=two, flags=("reasoning", "kernel"), more=answered),
            Request(3, token_ns=(at,), flags=REASONED, more=(("answer_ns", 0),)),
            Request(4, token_ns=two, outcome="truncated", flags=REASONED, more=answered),
        ],
    )
    found = further(compute(Recording.open(directory), ("Average", "Min", "Max")))
    assert found["First Answer Token"] == ("ms", 130, 130, 130, 1)
    assert found["Thinking Time"] == ("ms", 30, 30, 30, 1)
    assert found["Second Token"] == ("ms", 30, 30, 30, 1)
    requests = Result(directory).requests
    for name, value in (("ttfa_ms", 130), ("thinking_ms", 30), ("second_token_ms", 30)):
        assert requests[name][0] == value, name
        assert np.isnan(requests[name][1:]).all(), name


def test_reply_tail(tmp_path: Path) -> None:
    """The tail is from the last record to the message's end; a recording that lacks them has no such row."""
    tail = (("record_ns", 1_141 * MS), ("message_ns", 1_166 * MS))
    assert further(computed(tmp_path / "new", Request(0, more=tail)))["Reply Tail"] == ("ms", 25, 25, 25, 1)
    assert "Reply Tail" not in further(computed(tmp_path / "old", Request(0)))


def test_second_token(tmp_path: Path) -> None:
    """The first gap of each stream that has one is told apart, escaped ones and those above a base included."""
    at = 1_100 * MS
    slow = tuple(at + k * 90 * MS for k in range(5))
    found = further(
        computed(
            tmp_path,
            Request(0, token_ns=(at, at + 7 * MS, at + 20 * MS)),
            Request(1, token_ns=(at,)),
            Request(2, token_ns=(at, at + 400 * MS, at + 401 * MS), end_ns=1_600 * MS),
            Request(3, token_ns=slow, end_ns=1_600 * MS),
            Request(4, outcome="truncated", token_ns=(at, at + 1 * MS)),
        )
    )
    assert found["Second Token"] == ("ms", pytest.approx((7 + 400 + 90) / 3), 7, 400, 3)


def test_tokens_of_usage(tmp_path: Path) -> None:
    """Cached and reasoning tokens are of the requests for which they were told, 0 included."""
    told = (("cached_tokens", 8), ("reasoning_tokens", 0))
    unknown = (("cached_tokens", -1), ("reasoning_tokens", -1))
    found = further(computed(tmp_path, Request(0, more=told), Request(1, more=unknown)))
    assert found["Cached Input Tokens"] == ("", 8, 8, 8, 1)
    assert found["Reasoning Tokens"] == ("", 0, 0, 0, 1)


def test_finish_reasons(tmp_path: Path) -> None:
    """Finish reasons are counted by the service's word, the most frequent first, those of failed requests too."""
    metrics = computed(
        tmp_path,
        *(Request(k, finish="length") for k in range(3)),
        Request(3, finish="stop"),
        Request(4, finish="repetition"),
        Request(5, outcome="stream_error", finish="abort"),
        Request(6),
    )
    assert metrics.finish_reasons == {"length": 3, "abort": 1, "repetition": 1, "stop": 1}
    assert next(iter(metrics.finish_reasons)) == "length"


def test_silent_reasoning_is_no_divisor(tmp_path: Path) -> None:
    """TPOT leaves out reasoning tokens that were counted and never streamed, with a note; streamed ones stay."""
    silent = (("reasoning_tokens", 1000),)
    metrics = computed(tmp_path / "a", Request(0, output_tokens=1003, more=silent))
    tpot = next(row for row in metrics.parameters if row.name == "TPOT")
    assert tpot.values["Average"] == pytest.approx(41 / 2)
    assert any("1000 reasoning tokens of 1 request were counted but not streamed" in note for note in metrics.notes)
    streamed = computed(tmp_path / "b", Request(0, output_tokens=1003, flags=REASONED, more=silent))
    tpot = next(row for row in streamed.parameters if row.name == "TPOT")
    assert tpot.values["Average"] == pytest.approx(41 / 1002)


def test_nothing_but_silent_reasoning(tmp_path: Path) -> None:
    """Where no more than one token is left, there is no TPOT."""
    metrics = computed(tmp_path, Request(0, output_tokens=1001, more=(("reasoning_tokens", 1000),)))
    assert next(row for row in metrics.parameters if row.name == "TPOT").n == 0
