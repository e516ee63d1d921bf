"""The numbers of each class of requests."""

from pathlib import Path
from typing import Any

import pytest
from recordings import MS, Request, header_of, record

from fastbench.api.judging import Asking, judged
from fastbench.config import DEFAULT_STATS
from fastbench.metrics import Metrics, compute
from fastbench.metrics.classes import class_name
from fastbench.recording import Recording


def request(number: int, of_class: int, ttft: int, *, sent: int = 1_000, **more: Any) -> Request:
    """A request of a class by its TTFT, ms, with three tokens 20 ms apart."""
    stamps = tuple((sent + ttft + 20 * at) * MS for at in range(3))
    given = {"sent_ns": sent * MS, "token_ns": stamps, "end_ns": stamps[-1], **more}
    return Request(number, more=(("class_number", of_class),), **given)


REQUESTS = (
    *(request(at, 1, 100 + at) for at in range(4)),
    *(request(4 + at, 2, 500 + at, sent=1_500) for at in range(3)),
    request(7, 2, 900, sent=1_600, outcome="truncated"),
    request(8, 0, 50),
)


def recording(folder: Path, requests: tuple[Request, ...] = REQUESTS, **header: Any) -> Recording:
    return Recording.open(record(folder / "run", requests, header=header_of(**header)))


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return compute(recording(tmp_path, classes=["chat", "code"]), ("Median", "Max"))


def test_each_class_has_all_numbers(metrics: Metrics) -> None:
    """A class's tables are those of its requests alone; what has no class comes last."""
    assert [(one.name, one.outcomes, one.success) for one in metrics.classes] == [
        ("chat", {"ok": 4}, 4),
        ("code", {"ok": 3, "truncated": 1}, 3),
        ("no class", {"ok": 1}, 1),
    ]
    ttft = {one.name: row.values for one in metrics.classes for row in one.parameters if row.name == "TTFT"}
    assert ttft["chat"] == {"Median": 101.5, "Max": 103}
    assert ttft["code"] == {"Median": 501, "Max": 502}
    itl = {one.name: row.samples for one in metrics.classes for row in one.parameters if row.name == "ITL"}
    assert itl == {"chat": 8, "code": 6, "no class": 2}


def test_counts_and_rates_of_classes_add_up(metrics: Metrics) -> None:
    """Those of all requests are the sums of those of the classes, as rates are over the time of all."""
    whole = {row.name: row.value for row in metrics.common}
    for name in ("Total Requests", "Failed Requests", "Request Throughput", "Output Token Throughput", "Concurrency"):
        parts = [row.value or 0 for one in metrics.classes for row in one.common if row.name == name]
        assert sum(parts) == pytest.approx(whole[name]), name


def test_a_window_is_of_each_class(tmp_path: Path) -> None:
    """In a window a class has the requests that begin in it, and the tokens that arrived there."""
    found = compute(recording(tmp_path, classes=["chat", "code"]), ("Median",), window="0.4s:0.55s")
    assert [(one.name, one.success) for one in found.classes] == [("code", 3)]
    (code,) = found.classes
    whole = {row.name: row.value for row in found.common}
    parts = {row.name: row.value for row in code.common}
    assert parts["Request Throughput"] == whole["Request Throughput"]


def test_a_recording_without_classes_has_none(tmp_path: Path) -> None:
    """As all older ones: whatever the rows say, without names in the header there are no classes."""
    assert compute(recording(tmp_path), ("Median",)).classes == ()


def test_slos_are_told_by_class(tmp_path: Path) -> None:
    """Each SLO once more for each class, with the rows of tables that were asked for and their intervals."""
    found = judged(
        recording(tmp_path, classes=["chat", "code"]), DEFAULT_STATS, "total", Asking("ttft<200ms", stall="1s")
    ).metrics
    assert [(one.name, one.slos[0].good, one.slos[0].requests) for one in found.classes] == [
        ("chat", 4, 4),
        ("code", 0, 4),
        ("no class", 1, 1),
    ]
    assert all("Stalls" in [row.name for row in one.further] for one in found.classes)


def test_a_number_without_a_name() -> None:
    """A class that the header does not name is told by its number."""
    assert class_name(("a",), 3) == "class 3"
