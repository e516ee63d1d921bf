"""The charts of request rates."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, header_of, record
from test_report_page_document import unpacked

from fastbench.metrics import Selection
from fastbench.metrics.fidelity.load import Kind, kinds, smoothed, starts_of
from fastbench.plan.shapes.open import Ramp
from fastbench.plan.shapes.rates import steady
from fastbench.recording import Recording
from fastbench.report import planned_chart
from fastbench.report.page.rate_chart import actual_chart

POISSON = {"arrival": "poisson", "rate": 50.0, "burstiness": 1.0}


def data_of(page: bytes) -> dict:
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_kinds_of_intervals() -> None:
    """Below 1 ms an interval is short; off by more than half of what was asked it is a burst or a gap."""
    starts = np.cumsum([0, 20 * MS, MS, MS - 1, 10 * MS, 10 * MS - 1, 30 * MS, 30 * MS + 1])
    found = kinds(starts, np.full(starts.size, 50.0), 1.0).tolist()
    assert found == [Kind.NORMAL, Kind.BURST, Kind.SHORT, Kind.NORMAL, Kind.BURST, Kind.NORMAL, Kind.BURST]


def test_without_scatter_nothing_bursts() -> None:
    """With burstiness 0 only short intervals stand out."""
    starts = np.cumsum([0, 20 * MS, 90 * MS, MS - 1])
    assert kinds(starts, np.full(4, 50.0), 0.0).tolist() == [Kind.NORMAL, Kind.NORMAL, Kind.SHORT]


def test_a_high_rate_is_no_anomaly() -> None:
    """Where the asked interval itself is below 1 ms, an interval counts as short below half of it."""
    starts = np.array([0, 200_000, 400_000, 499_999])
    assert kinds(starts, np.full(4, 5_000.0), 0.0).tolist() == [Kind.NORMAL, Kind.NORMAL, Kind.SHORT]


@pytest.mark.parametrize(("count", "points"), [(1_000, 20), (10_000, 50), (100_000, 100), (100_001, 200)])
def test_the_smooth_rate_is_the_rate(count: int, points: int) -> None:
    """Requests at an even rate have that very rate, smoothed over more points the more there are."""
    rate, over = smoothed(steady(1_000.0, count, 0.0, 0))
    assert over == points
    np.testing.assert_allclose(rate, np.full(count - 1, 1_000.0), rtol=1e-6)


def test_the_smooth_rate_of_poisson_arrivals_is_not_biased() -> None:
    """The mean of smoothed intervals, and not of inverse ones, keeps to the rate of scattered arrivals."""
    rate, _ = smoothed(steady(100.0, 50_000, 1.0, 3))
    assert np.median(rate) == pytest.approx(100, rel=0.02)


def test_the_plan_is_drawn_as_it_is() -> None:
    """The page holds every planned start to the ns, and the kind of each interval."""
    offsets = steady(50.0, 500, 1.0, 1)
    chart = planned_chart(offsets, POISSON, "m/d")
    assert chart is not None
    data = data_of(chart.page)
    assert unpacked(data["planned"]["at"]).tolist() == offsets.tolist()
    assert sum(data["planned"]["intervals"]["counts"]) == 499
    assert "sent" not in data
    title = "Request Per Second(RPS) Distribution Analysis | Target Rate: 50.00"
    assert chart.summary.startswith(f"{title}\n")
    assert f"<h1>{title}</h1>" in chart.page.decode()


def test_anomalies_are_really_excluded() -> None:
    """The histogram of rates holds the normal intervals and no other."""
    chart = planned_chart(steady(50.0, 500, 1.0, 1), POISSON, "m/d")
    assert chart is not None
    planned = data_of(chart.page)["planned"]
    assert sum(planned["rates"]["counts"]) == np.count_nonzero(unpacked(planned["kind"]) == Kind.NORMAL) < 499
    edges = planned["rates"]["edges"]
    assert edges[0] >= 50 / 1.5 - 0.001
    assert edges[-1] <= 100.001


def test_only_what_is_drawn_is_explained() -> None:
    """Summary, legend and explanation have the same names, and nothing is explained that is in no chart."""
    ramp = {"strategy": "linear", "start": 10.0, "end": 80.0}
    even = planned_chart(steady(50.0, 500, 0.0, 1), {**POISSON, "burstiness": 0.0}, "m/d")
    scattered = planned_chart(steady(50.0, 500, 1.0, 1), POISSON, "m/d")
    rising = {**POISSON, "arrival": "ramp", "ramp": ramp}
    ramped_up = planned_chart(Ramp(start=10, end=80).times(300, None, 0), rising, "m/d")
    names = ("Normal RPS", "Time Interval Caused Anomaly", "Burstiness Caused Anomaly", "EWMA", "Theoretical Ramp-up")
    explained = []
    for chart in (even, scattered, ramped_up):
        assert chart is not None
        assert all(name in chart.summary for name in names[:3])
        meanings = chart.page.decode().split("What is what")[1].split("</section>")[0]
        explained.append([name in meanings for name in names])
        assert "Actual RPS" not in meanings
    assert explained[0] == [True, False, False, True, False]
    assert explained[1] == [True, True, True, True, False]
    assert explained[2][4]


def test_a_ramp_is_named_and_drawn() -> None:
    """A ramp stands in the title, and its rates as a curve."""
    offsets = Ramp(start=10, end=80, strategy="exponential").times(300, None, 0)
    load = {"arrival": "ramp", "burstiness": 0.0, "ramp": {"strategy": "exponential", "start": 10.0, "end": 80.0}}
    chart = planned_chart(offsets, load, "m/d")
    assert chart is not None
    assert "Target Rate: 80.00 | Exponential Ramp-up: 10.00→80.00" in chart.summary
    theory = data_of(chart.page)["planned"]["theory"]
    assert (theory["y"][0], theory["y"][-1]) == (10.0, 80.0)


@pytest.mark.parametrize(
    "load",
    [
        {"arrival": "concurrency", "rate": None},
        {"arrival": "trace", "rate": 5.0},
        {"arrival": "constant", "rate": 0.0005},
        {"arrival": "profile", "rate": None},
    ],
)
def test_no_rate_no_chart(load: dict) -> None:
    """Without a rate of at least 0.001 there is no chart, nor for time stamps."""
    assert planned_chart(np.arange(10) * MS, load, "m/d") is None


def test_too_few_requests_make_no_chart() -> None:
    """Two requests have one interval, which has no distribution."""
    assert planned_chart(np.array([0, MS]), POISSON, "m/d") is None


def recording_of(tmp_path: Path, requests: list[Request], **load: object) -> Recording:
    return Recording.open(record(tmp_path / "r", requests, header=header_of(load=load)))


def sent_at(number: int, intended_ms: int, sent_ms: int, end_ms: int, turn: int = 0) -> Request:
    moments = {"intended_ns": intended_ms * MS, "sent_ns": sent_ms * MS, "end_ns": end_ms * MS}
    return Request(number, token_ns=(sent_ms * MS + 1,), **moments)


def test_what_was_sent_stands_beside_the_plan(tmp_path: Path) -> None:
    """After a run the chart has the moments sent, with the kinds of their own intervals, and both in its summary."""
    requests = [sent_at(k, 1_000 + 20 * k, 1_000 + 20 * k + (15 if k == 5 else 0), 1_500 + k) for k in range(10)]
    load = {"kind": "open", "arrival": "constant", "rate": 50.0, "burstiness": 0.5, "ramp": None}
    chart = actual_chart(recording_of(tmp_path, requests, **load), "m/d")
    assert chart is not None
    data = data_of(chart.page)
    assert set(unpacked(data["planned"]["kind"]).tolist()) == {Kind.NORMAL}
    sent = unpacked(data["sent"]["kind"]).tolist()
    assert [k for k, kind in enumerate(sent) if kind == Kind.BURST] == [4, 5]
    assert re.search(r"^Planned +10 .* 9 \(100.00 %\)", chart.summary, re.MULTILINE)
    assert re.search(r"^Sent +10 .* 7 \(77.78 %\)", chart.summary, re.MULTILINE)


def test_a_share_has_no_rate_of_its_own(tmp_path: Path) -> None:
    """One share of a plan is not held against the rate of all of them."""
    requests = [sent_at(k, 1_000 + 20 * k, 1_000 + 20 * k, 1_500 + k) for k in range(10)]
    header = header_of(load={"kind": "open", "arrival": "constant", "rate": 100.0}) | {"share": {"number": 0, "of": 2}}
    directory = record(tmp_path / "r", requests, header=header)
    assert actual_chart(Recording.open(directory), "m/d") is None


def test_clients_of_a_pressure_load(tmp_path: Path) -> None:
    """Where clients are added one by one, the chart is about their first requests alone."""
    requests = [
        sent_at(0, 1_000, 1_000, 1_050),
        sent_at(1, 1_050, 1_050, 1_090),
        sent_at(2, 1_090, 1_090, 1_250),
        sent_at(3, 1_100, 1_101, 1_180),
        sent_at(4, 1_180, 1_180, 1_280),
        sent_at(5, 1_200, 1_200, 1_290),
        sent_at(6, 1_250, 1_250, 1_300),
    ]
    load = {"kind": "closed", "arrival": "pressure", "rate": 10.0, "burstiness": 0.0, "ramp": None, "concurrency": 3}
    recording = recording_of(tmp_path, requests, **load)
    starts = starts_of(Selection(recording))
    assert (starts.planned // MS).tolist() == [1_000, 1_100, 1_200]
    assert (starts.sent // MS).tolist() == [1_000, 1_101, 1_200]
    chart = actual_chart(recording, "m/d")
    assert chart is not None
    assert "Sent" in chart.summary
