"""What a report page draws, against the recording's own numbers."""

from pathlib import Path

import numpy as np
import pytest
from recordings import MS, Request, header_of, record
from test_report_page_document import unpacked

from fastbench.metrics import Selection
from fastbench.metrics.samples.statistics import ArraySamples, percent_of, samples_needed
from fastbench.metrics.samples.timeline import InFlight
from fastbench.recording import Recording
from fastbench.report.page.curves import curve, curves_of, supported
from fastbench.report.page.over_time import MOST_STRETCHES, client_series, counts_of, round_width
from fastbench.report.page.requests import lanes, micros, request_columns, sent_rows

REQUESTS = [
    Request(0, sent_ns=1_000 * MS, token_ns=(1_100 * MS, 1_120 * MS), end_ns=1_121 * MS, input_tokens=7),
    Request(2, sent_ns=1_050 * MS, token_ns=(), end_ns=1_060 * MS, outcome="timeout", status=0, output_tokens=0),
    Request(1, sent_ns=1_010 * MS, token_ns=(1_200 * MS, 1_210 * MS, 1_230 * MS), end_ns=1_231 * MS),
]


def whole(directory: Path, requests: list[Request] = REQUESTS, **header: object) -> Selection:
    """A recording of these requests."""
    return Selection(Recording.open(record(directory, requests, header=header_of(**header))))


def rates_of(selection: Selection, per_event: float | None) -> dict:
    return counts_of(selection, sent_rows(selection), per_event).packed()


def columns(selection: Selection) -> dict[str, list[int]]:
    packed = request_columns(selection)["columns"]
    return {name: unpacked(column).tolist() for name, column in packed.items()}


def test_requests_stand_by_their_start(tmp_path: Path) -> None:
    """The columns are in the order of the starts, in µs since the first, with no TTFT where no token came."""
    found = columns(whole(tmp_path / "r"))
    assert found["request"] == [0, 1, 2]
    assert found["start"] == [0, 10_000, 50_000]
    assert found["ttft"] == [100_000, 190_000, 0]
    assert found["e2e"] == [121_000, 221_000, 10_000]
    assert found["input"] == [7, 10, 10]
    assert "lane" not in found


def test_the_page_knows_the_ids(tmp_path: Path) -> None:
    """What an id begins with and the digits of its number, once for the run; null where none was sent."""
    run_id = "8e3c0d5a-9b1f-4c7e-a2d4"
    selection = whole(tmp_path / "r", run_id=run_id)
    assert request_columns(selection)["ids"] == [(f"{run_id}-0", 11)]
    assert "run" not in columns(selection)
    unsent = whole(tmp_path / "s", run_id=run_id, service={"request_id_header": None})
    assert request_columns(unsent)["ids"] == [None]


def test_each_part_has_the_ids_of_its_run(tmp_path: Path) -> None:
    """Where parts are of several runs, as shares are, each request's id is of its own part's."""
    directory = tmp_path / "r"
    record(directory, REQUESTS[:1], header=header_of(run_id="1a2b3c4d", share={"number": 0, "of": 2}))
    record(directory, REQUESTS[1:], header=header_of(run_id="4d3c2b1a", share={"number": 1, "of": 2}), part=1)
    selection = Selection(Recording.open(directory))
    assert request_columns(selection)["ids"] == [("fb-1a2b3c4d-", 1), ("fb-4d3c2b1a-", 1)]
    assert columns(selection)["run"] == [0, 1, 1]


def test_tokens_of_one_event_are_told_apart(tmp_path: Path) -> None:
    """A request whose tokens all came in one event is marked, as it has no TPOT; without such there is no column."""
    assert "at_once" not in columns(whole(tmp_path / "r"))
    alone = Request(9, token_ns=(2_000 * MS,), output_tokens=5, sent_ns=1_900 * MS, end_ns=2_010 * MS)
    assert columns(whole(tmp_path / "s", [*REQUESTS, alone]))["at_once"] == [0, 0, 0, 1]


def test_what_is_not_measured_is_not_drawn(tmp_path: Path) -> None:
    """Warm-up requests and attempts that were retried have no line."""
    others = [Request(7, flags=("stream", "warmup")), Request(8, flags=("stream", "superseded"))]
    assert columns(whole(tmp_path / "r", [*REQUESTS, *others]))["request"] == [0, 1, 2]


def test_without_a_stream_there_is_no_first_token(tmp_path: Path) -> None:
    """A run that did not ask for streams has no TTFT column."""
    requests = [Request(0, flags=("kernel",))]
    assert "ttft" not in columns(whole(tmp_path / "r", requests, service={"stream": False}))


def test_a_conversation_has_one_line() -> None:
    """Requests of one conversation share a line; lines are ranked by their first request."""
    assert lanes(np.array([9, 4, 9, 0, 4, 0], np.uint32)).tolist() == [1, 2, 1, 3, 2, 4]


def test_micros_round_to_the_nearest() -> None:
    """Half a microsecond goes up."""
    assert micros(np.array([499, 500, 1_499])).tolist() == [0, 1, 1]


def test_a_curve_is_exact() -> None:
    """Each point of a percentile curve is what numpy says, up to the last but one sample."""
    values = np.random.default_rng(0).integers(0, 10**9, 10_000)
    found = curve(ArraySamples(values), 1e6, values.size)
    assert found["values"] == pytest.approx(np.percentile(values, found["percents"]) / 1e6, abs=1e-4)
    assert found["percents"][0] == 0
    assert found["percents"][-1] == pytest.approx(99.99)


@pytest.mark.parametrize("name", ["P90", "P95", "P99", "P99.9"])
def test_a_curve_is_supported_as_the_tables_are(name: str) -> None:
    """A percentile is on the supported part of its curve with as many samples as the tables ask for, not with less."""
    percent = percent_of(name)
    assert percent is not None
    place, needed = -np.log10(1 - percent / 100), samples_needed(percent)
    assert supported(needed) >= place > supported(needed - 1)


def test_the_curves_of_a_run(tmp_path: Path) -> None:
    """A run has a curve for each latency; ITL's samples are all gaps, as they are in the table."""
    selection = whole(tmp_path / "r")
    found = curves_of(selection)
    assert {name: line["samples"] for name, line in found.items()} == {"TTFT": 2, "TPOT": 2, "ITL": 3, "E2EL": 2}
    assert found["ITL"]["values"][0] == 10.0


def test_a_curve_of_gaps_is_supported_by_its_requests(tmp_path: Path) -> None:
    """Where ITL's curve ceases to be supported, the number of requests decides, as it does for the tables' marks."""
    selection = whole(tmp_path / "r")
    found = curves_of(selection)
    assert found["ITL"]["supported"] == found["TTFT"]["supported"] == supported(2)


def test_rates_count_everything_once(tmp_path: Path) -> None:
    """The stretches hold every output event, start, success and failure."""
    found = rates_of(whole(tmp_path / "r"), 1.0)
    assert found["width"] == 1_000
    assert found["duration"] == 231_000
    sums = {name: int(unpacked(found[name]).sum()) for name in ("tokens", "sent", "ended", "failed")}
    assert sums == {"tokens": 5, "sent": 3, "ended": 2, "failed": 1}
    assert np.flatnonzero(unpacked(found["tokens"])).tolist() == [100, 120, 200, 210, 230]


def test_dropped_requests_count_when_they_were_due(tmp_path: Path) -> None:
    """What was never sent stands where it was to begin: at the start if that was earlier, and after the last end."""
    due = (900 * MS, 1_100 * MS, 1_500 * MS)
    dropped = [
        Request(number, intended_ns=at, sent_ns=0, token_ns=(), end_ns=at, outcome="dropped", output_tokens=0)
        for number, at in enumerate(due, 3)
    ]
    found = rates_of(whole(tmp_path / "r", [*REQUESTS, *dropped]), 1.0)
    assert np.flatnonzero(unpacked(found["dropped"])).tolist() == [0, 100, 500]
    assert (unpacked(found["sent"]).sum(), found["duration"]) == (3, 500_000)


def test_rates_without_a_stream_count_at_the_end(tmp_path: Path) -> None:
    """Without token times a request's tokens count when it ends."""
    requests = [Request(0, flags=("kernel",), output_tokens=40, end_ns=1_141 * MS)]
    found = rates_of(whole(tmp_path / "r", requests, service={"stream": False}), None)
    assert unpacked(found["tokens"])[141] == 40


@pytest.mark.parametrize("duration_us", [0, 19_999_999, 20_000_000, 3_600_000_000, 10**13])
def test_stretches_are_round_and_bounded(duration_us: int) -> None:
    """No run is cut into more stretches than a page can hold, and their width is 1, 2 or 5 times a power of ten."""
    width = round_width(duration_us)
    assert duration_us // width < MOST_STRETCHES
    assert str(width).rstrip("0") in ("1", "2", "5")


def test_the_clients_error_over_time() -> None:
    """States are summed up to few points, and each stall keeps its moment and length."""
    health = [{"t_ns": second * 10**9, "lag": [[1_000, 1]], "stalls": []} for second in range(1, 1_801)]
    health[10]["stalls"] = [[11 * 10**9, 3 * MS]]
    found = client_series(health, 10**9)
    assert found is not None
    assert len(found["at"]) == 600
    assert found["stalls"] == [[10.0, 3.0]]
    assert found["Median"][0] == pytest.approx(1.0, rel=0.01)


def test_no_states_no_error() -> None:
    """One state makes no line, and none at all neither."""
    assert client_series([], 0) is None
    assert client_series([{"t_ns": 1}], 0) is None


def test_requests_in_flight_agree(tmp_path: Path) -> None:
    """The drawn requests have the same peak in flight as the report."""
    selection = whole(tmp_path / "r")
    found = columns(selection)
    starts, ends = np.array(found["start"]), np.sort(np.add(found["start"], found["e2e"]))
    assert InFlight(starts, ends).peak == InFlight.of(selection.final).peak == 3
