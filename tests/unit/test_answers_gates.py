"""`--assert`: what is read, what is refused, and how it is judged against a report."""

from pathlib import Path

import msgspec
import pytest
from recordings import MS, Request, header_of, record
from test_metrics_classes import REQUESTS

from fastbench.answers import check_classes, judge, parse_gate, statistics_of
from fastbench.api.judging import Asking, judged
from fastbench.errors import ConfigError, UsageError
from fastbench.metrics import Metrics, compute
from fastbench.recording import Recording

STATS = ("Average", "Median", "P90", "P99")


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """500 requests, one after the other each 100 ms: TTFT 50 ms, gaps 20 ms; 5 of them failed."""
    requests = []
    for number in range(500):
        sent = (1_000 + 100 * number) * MS
        failed = number % 100 == 50
        stamps = tuple(sent + after * MS for after in (50, 70, 90))
        requests.append(
            Request(number, sent, stamps, stamps[-1] + MS, outcome="http_error" if failed else "ok", status=503)
        )
    return compute(Recording.open(record(tmp_path_factory.mktemp("run"), requests)), STATS)


@pytest.mark.parametrize(
    ("text", "name", "statistic", "limit"),
    [
        ("ttft.p99<800ms", "ttft", "P99", 800.0),
        ("TTFT.median <= 0.2s", "ttft", "Median", 200.0),
        ("e2el.p99.9<1min", "e2el", "P99.9", 60_000.0),
        ("output_throughput>2000", "output_token_throughput", "", 2_000.0),
        ("request_throughput>=3.5", "request_throughput", "", 3.5),
        ("ttfa.p99<2s", "first_answer_token", "P99", 2_000.0),
        ("second_token.median<50ms", "second_token", "Median", 50.0),
        ("output_tokens.average>10", "output_tokens", "Average", 10.0),
        ("failed<0.1%", "failed", "", 0.1),
        ("failed<5", "failed", "", 5.0),
    ],
)
def test_what_is_read(text: str, name: str, statistic: str, limit: float) -> None:
    """A statement names a metric of the tables, a statistic where it has several, and a limit with its unit."""
    gate = parse_gate(text)
    assert (gate.name, gate.statistic, gate.limit) == (name, statistic, pytest.approx(limit))
    assert gate.in_percent == ("%" in text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ttft", "cannot be read"),
        ("tftt.p99<1s", "did you mean ttft"),
        ("ttft<1s", "which statistic"),
        ("ttft.p99<1000", "no unit of time"),
        ("ttft.p0<1s", "no statistic"),
        ("ttft.best<1s", "no statistic"),
        ("ttft.p99<soon", "no number"),
        ("output_throughput>2s", "has the unit s, but output_token_throughput is in token/s"),
        ("failed<5ms", "number of requests"),
        ("verdict=GOOD", "verdict=VALID"),
        ("verdict<1", "verdict=VALID"),
        ("ttft.p99[class=]<1s", "names no class"),
        ("verdict[class=chat]=VALID", "of the whole run"),
        ("ttft.p99[chat]<1s", "cannot be read"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    """What cannot be meant is an error of usage that says what to write."""
    with pytest.raises(ConfigError, match=said):
        parse_gate(text)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("ttft.median<50.1ms", True),
        ("ttft.median<50ms", False),
        ("ttft.p99<60ms", True),
        ("itl.average<=20ms", True),
        ("failed<=1%", True),
        ("failed<1%", False),
        ("failed<6", True),
        ("failed=5", True),
        ("success_requests>495", False),
        ("verdict=VALID", True),
        ("verdict=INVALID", None),
        ("first_answer_token.p90<1s", None),
    ],
)
def test_how_it_is_judged(metrics: Metrics, text: str, met: bool | None) -> None:
    """A statement is met or not by the number of the report; one without a number there cannot be told."""
    (found,) = judge([parse_gate(text)], metrics)
    assert found.met is met, found


def test_too_few_samples(metrics: Metrics) -> None:
    """A percentile that is marked for too few samples decides nothing."""
    marked = tuple(msgspec.structs.replace(row, n=50, marked=("P99",)) for row in metrics.parameters)
    few = msgspec.structs.replace(metrics, parameters=marked)
    p99, p90 = judge([parse_gate("ttft.p99<1s"), parse_gate("ttft.p90<1s")], few)
    assert (p99.met, p90.met) == (None, True)
    assert p99.why == "50 requests are too few for P99"


def test_an_invalid_measurement(metrics: Metrics) -> None:
    """Nothing is told of numbers that the client changed."""
    verdict = msgspec.structs.replace(metrics.verdict, valid=False)
    bad = msgspec.structs.replace(metrics, verdict=verdict)
    found = judge([parse_gate("ttft.median<1s"), parse_gate("failed<50%"), parse_gate("verdict=VALID")], bad)
    assert {one.met for one in found} == {None}


def test_the_columns_that_are_needed() -> None:
    """A report for some statements has the statistics that they are about, each once."""
    gates = [parse_gate(text) for text in ("ttft.p99<1s", "itl.p99<1s", "e2el.mean<9s", "failed<5")]
    assert statistics_of(gates) == ("P99", "Average")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ttft.p99[class=Chat]<800ms", "Chat"),
        ("TTFT.p99 [ class = a [b], c ] < 0.8s", "a [b], c"),
        ("ttft.p99<800ms[class=chat]", "chat"),
    ],
)
def test_a_class_is_read(text: str, name: str) -> None:
    """The name of a class is taken as it is written, the rest of the statement as without it."""
    assert parse_gate(text) == parse_gate("ttft.p99<800ms")._replace(text=text, class_name=name)


@pytest.mark.parametrize(
    ("text", "met", "value"),
    [
        ("ttft.average[class=chat]<102ms", True, 101.5),
        ("ttft.average[class=code]<102ms", False, 501),
        ("ttft.max[class=no class]<=50ms", True, 50),
        ("ttft.p60[class=code]<1s", None, 501.2),
        ("failed[class=code]<=25%", True, 25),
        ("failed[class=chat]<1", True, 0),
        ("not_sent[class=code]<1", True, 0),
        ("success_requests[class=chat]=4", True, 4),
        ("ttft.average[class=idle]<1s", None, None),
    ],
)
def test_a_class_is_judged(tmp_path: Path, text: str, met: bool | None, value: float | None) -> None:
    """A statement about a class is judged by the numbers of its requests alone; of none nothing can be told."""
    header = header_of(classes=["chat", "code", "idle"])
    run = Recording.open(record(tmp_path / "run", REQUESTS, header=header))
    asking = Asking(gates=[parse_gate(text)])
    (found,) = judged(run, ("Median", "Max"), "total", asking).metrics.assertions
    assert (found.met, found.value) == (met, pytest.approx(value))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "the requests of this run have none"),
        (("chat", "code"), r"'chatt', which this run does not have: did you mean chat\? its classes are chat, code"),
    ],
)
def test_a_class_that_there_is_not(names: tuple[str, ...], said: str) -> None:
    """A statement about a class that the run has not is an error of usage, which names those that it has."""
    with pytest.raises(UsageError, match=said):
        check_classes([parse_gate("ttft.p99[class=chatt]<1s")], names)
