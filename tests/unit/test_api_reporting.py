"""The line for requests that failed."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from recordings import Request, record

import fastbench as fb
from fastbench.api.reporting import failed_in, failed_line, failed_of
from fastbench.metrics import compute
from fastbench.recording import Recording

REQUESTS = [
    Request(0),
    Request(1, token_ns=(), outcome="http_error", status=503, message=b"busy"),
    Request(2, token_ns=(), outcome="http_error", status=503, message=b"another reason"),
    Request(3, token_ns=(), outcome="timeout", status=200),
    Request(4, token_ns=(), outcome="cancelled", status=0),
]


def test_failures_by_outcome_and_status(tmp_path: Path) -> None:
    """Reasons of one status are one kind, and what the user or the plan cut off is no failure; rows say the same."""
    recording = Recording.open(record(tmp_path / "r", REQUESTS))
    expected = Counter({("http_error", 503): 2, ("timeout", 0): 1})
    assert failed_of(compute(recording, ["Average"])) == failed_in(recording.rows) == expected


@pytest.mark.parametrize("call", [fb.compute, fb.report, lambda source: fb.export(source, "x.csv")])
def test_a_path_is_no_source(call: Callable[[Any], object], tmp_path: Path) -> None:
    """What is neither a Result nor a Recording is told so, and how one is had."""
    with pytest.raises(
        fb.UsageError, match=r"is of type str; give a Result or a Recording, .* fastbench\.runs\(path\)"
    ):
        call(str(tmp_path))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"stage": 5}, "stage= is of type int; give one of total, stable, auto"),
        ({"window": (0, 1)}, r"window= \(0, 1\) is not a window; give it as FROM:TO"),
        ({"window": "stable"}, "window= stable is not a window"),
        ({"stats": 5}, "5 is no list of statistics"),
    ],
)
def test_a_part_that_is_none_is_told(asked: dict[str, Any], told: str, tmp_path: Path) -> None:
    """A stage, a window and statistics of a wrong type are refused in words."""
    recording = Recording.open(record(tmp_path / "r", REQUESTS))
    for call in (fb.compute, lambda source, **part: fb.report(source, tmp_path, **part)):
        with pytest.raises(fb.UsageError, match=told):
            call(recording, **asked)


def test_the_line() -> None:
    """The most frequent kinds come first, by name, and the rest as a number; without a failure there is no line."""
    assert failed_line(Counter(), 60) is None
    kinds = {("timeout", 0): 6, ("http_error", 503): 40, ("http_error", 500): 8, ("reset", 0): 1, ("empty", 200): 1}
    assert failed_line(Counter(kinds), 60) == (
        "56 of 60 requests failed: 40 http_error 503, 8 http_error 500, 6 timeout, 2 others"
    )
