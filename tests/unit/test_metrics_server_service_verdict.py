"""The service's own verdict on a recording, its failures, its stages, and what was never sent."""

import dataclasses
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from recordings import MS, Request, header_of, record

from fastbench.metrics import Metrics, compute
from fastbench.plan.shapes import Begun, LoadShape
from fastbench.recording import Recording
from fastbench.registry import SHAPES
from fastbench.report.page.rate_chart import actual_chart
from fastbench.report.statements import service_statement

STATS = ("Median", "P99")
S = 1_000 * MS


def metrics_of(path: Path, requests: list[Request], footer: dict[str, Any] | None = None, **load: Any) -> Metrics:
    asked = {"kind": "open", "arrival": "constant", "concurrency": None, **load}
    return compute(Recording.open(record(path, requests, header=header_of(load=asked), footer=footer)), STATS)


def queued(intended: list[int], capacity: float, ms: int = 200, limit: int = 10**9, **changes: Any) -> list[Request]:
    """Requests to a service that ends so many per second, each after so many ms at least."""
    made: list[Request] = []
    for k, at in enumerate(intended):
        sent = max(at, made[k - limit].end_ns) if k >= limit else at
        end = max(sent + ms * MS, (made[-1].end_ns if made else 0) + int(S / capacity)) // 1_000 * 1_000
        times = {"intended_ns": at, "sent_ns": sent, "token_ns": (end - 2 * MS, end - MS), "end_ns": end}
        made.append(Request(k, **{**times, **changes}))
    return made


def every(rate: float, seconds: float, begin_s: float = 1) -> list[int]:
    return (int(begin_s * S) + np.arange(int(rate * seconds)) * int(S / rate)).tolist()


def test_overload_is_told_with_its_figures(tmp_path: Path) -> None:
    """60/s asked of a service that answers 12/s: overloaded from the start, with both rates and the queue."""
    metrics = metrics_of(tmp_path, queued(every(60, 10), 12))
    found = metrics.kept_up
    assert (found.state, found.onset_s) == ("overloaded", 0)
    assert service_statement(metrics).startswith("Service overloaded: asked 60")
    assert found.answered_rate == pytest.approx(12, rel=0.02)
    assert found.queue == pytest.approx(482, abs=3)


def test_a_limit_in_flight_does_not_hide_an_overload(tmp_path: Path) -> None:
    """Where the limit throttles what is sent, requests count from their intended moments."""
    found = metrics_of(tmp_path, queued(every(60, 10), 12, limit=20), concurrency=20).kept_up
    assert (found.state, found.limit) == ("overloaded", 20)


def test_fast_failures_are_failures_and_no_overload(tmp_path: Path) -> None:
    """A service that refuses a tenth at once keeps up, and the failed share is told by reason."""
    run = queued(every(40, 10), 100)
    failed = [
        Request(r.request, sent_ns=r.sent_ns, end_ns=r.sent_ns + MS, token_ns=(), outcome="http_error", status=503)
        for r in run[::10]
    ]
    metrics = metrics_of(tmp_path, [*failed, *_others(run)])
    assert metrics.kept_up.state == "kept up"
    assert service_statement(metrics).endswith("; 10.0 % failed: 40 HTTP 503")


def _others(run: list[Request]) -> list[Request]:
    return [one for number, one in enumerate(run) if number % 10]


def test_lost_replies_are_no_queue(tmp_path: Path) -> None:
    """A tenth that times out makes the number in flight rise, but the others show that there is no queue."""
    run = queued(every(40, 10), 100)
    lost = [
        Request(r.request, sent_ns=r.sent_ns, end_ns=r.sent_ns + 60 * S, token_ns=(), outcome="timeout", status=0)
        for r in run[::10]
    ]
    assert metrics_of(tmp_path, [*lost, *_others(run)]).kept_up.state == "kept up"


def test_a_closed_loop_answers(tmp_path: Path) -> None:
    """Of a closed loop it is told that all were answered, and no rate."""
    closed = {"kind": "closed", "arrival": "concurrency", "concurrency": 4}
    run = queued(every(20, 5), 20)
    assert service_statement(metrics_of(tmp_path / "all", run, **closed)) == "Service answered all 100"
    cut = [*run[:-2], *(dataclasses.replace(one, outcome="cancelled", token_ns=()) for one in run[-2:])]
    assert service_statement(metrics_of(tmp_path / "cut", cut, **closed)) == "Service answered 98; 2 cut off"


def test_nothing_was_answered(tmp_path: Path) -> None:
    """Of a service that failed every request nothing is said of its pace."""
    run = [Request(k, sent_ns=S + k * MS, token_ns=(), outcome="http_error", status=500) for k in range(20)]
    assert service_statement(metrics_of(tmp_path, run)) == "Service 100.0 % failed: 20 HTTP 500"


def test_not_sent_is_not_failed(tmp_path: Path) -> None:
    """Requests that were dropped or cancelled before they were sent are not sent; one cut off has not failed either."""
    rows = [
        Request(0),
        Request(1, outcome="dropped", sent_ns=0, intended_ns=S, token_ns=(), end_ns=0),
        Request(2, outcome="cancelled", sent_ns=0, intended_ns=S, token_ns=(), end_ns=0),
        Request(3, outcome="cancelled", token_ns=()),
        Request(4, outcome="refused", sent_ns=0, intended_ns=S, token_ns=(), status=0),
    ]
    metrics = metrics_of(tmp_path, rows, {"planned": 7, "dropped": 1}, planned=7)
    assert metrics.not_sent == 4
    assert {row.name: row.value for row in metrics.common}["Failed Requests"] == 1
    assert sum(metrics.outcomes.values()) == 7
    assert metrics.kept_up.reasons == ("1 refused",)
    assert service_statement(metrics).endswith("; 50.0 % failed: 1 refused; 1 cut off; 4 not sent")


def test_the_stages_of_a_profile(tmp_path: Path) -> None:
    """Each stage has its rates and its state, and the highest rate that was kept up with is named."""
    moments = [*every(10, 10), *every(40, 5, 11), *every(5, 20, 16)]
    profile = [{"rate": rate, "concurrency": None, "duration_ns": n * S} for rate, n in ((10, 10), (40, 5), (5, 20))]
    metrics = metrics_of(tmp_path, queued(moments, 20), arrival="profile", profile=profile)
    assert [part.name for part in metrics.stages] == ["10/s", "40/s", "5/s"]
    assert [part.kept_up for part in metrics.stages][:2] == ["kept up", "overloaded"]
    assert metrics.stages[2].kept_up != "overloaded", "it works the queue off"
    assert metrics.stages[1].ttft_ms["P99"] is None
    assert metrics.kept_up.kept_up_to == 10
    assert 9.5 <= (metrics.kept_up.onset_s or 0) <= 11


def test_the_stages_of_a_ramp(tmp_path: Path) -> None:
    """A ramp has 8 equal steps of its rate; those above the capacity are overloaded, those below it are not."""
    rates = np.linspace(10, 90, 1_000)
    moments = (S + np.cumsum(np.concatenate(([0], S / rates[1:]))).astype(np.int64)).tolist()
    ramp = {"strategy": "linear", "start": 10, "end": 90}
    metrics = metrics_of(tmp_path, queued(moments, 50), arrival="ramp", ramp=ramp, planned=1_000)
    assert [part.asked_rate for part in metrics.stages] == [15, 25, 35, 45, 55, 65, 75, 85]
    assert [part.kept_up for part in metrics.stages][-2:] == ["overloaded", "overloaded"]
    assert "overloaded" not in [part.kept_up for part in metrics.stages][:4]
    assert metrics.kept_up.state == "overloaded"


class Later(LoadShape, frozen=True, kw_only=True):
    """A package's shape in a version that cannot do what it could when its load was sent."""

    name: ClassVar[str] = "later"

    scatter: Any = 0.0
    wanted: str = ""

    def rates(self, count: int) -> Any:
        return np.full(count, 20.0) if self.wanted != "rates" else np.full(count, 1 / len(""))

    @property
    def burstiness(self) -> Any:
        return self.scatter

    def stages(self, begun: Begun) -> Any:
        return [] if self.wanted != "stages" else {}["stages"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"scatter": "x"}, "The law of the load is left out: the load shape later cannot tell its law (its burstiness"),
        (
            {"scatter": 1.0, "wanted": "rates"},
            "The law of the load is left out: the load shape later cannot give its rat",
        ),
        (
            {"wanted": "stages"},
            "The stages of the load are left out: the load shape later cannot tell its stages (KeyErr",
        ),
    ],
)
def test_a_shape_that_fails_after_its_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], told: str
) -> None:
    """What a package's shape cannot tell of a load that was sent is left out with a note; all else is reported."""
    monkeypatch.setitem(SHAPES._found, "later", Later)
    requests = queued(every(20, 3), 40)
    load = {"arrival": "later", "planned": len(requests), "shape": {"type": "later", **fields}}
    found = metrics_of(tmp_path / "r", requests, **load)
    (note,) = [note for note in found.notes if "left out" in note]
    assert note.startswith(told)
    assert (found.success, found.stages, found.load.arrival_fit) == (60, (), None)
    assert actual_chart(Recording.open(tmp_path / "r"), "later") is None or fields["wanted"] == "stages"
