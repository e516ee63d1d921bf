"""The numbers of a report against plain arithmetic on the same requests."""

from pathlib import Path

import numpy as np
import oracle
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import MS, Request, header_of, record, write_blocks

from fastbench.errors import UsageError
from fastbench.metrics import Metrics, compute
from fastbench.recording import Recording

STATS = ("Average", "Min", "Max", "Median", "P10", "P75", "P99", "P99.9")
ROWS = (
    "E2EL",
    "TTFT",
    "TPOT",
    "ITL",
    "InputTokens",
    "OutputTokens",
    "OutputTokenThroughput",
    "PrefillTokenThroughput",
)
COMMON = (
    "Benchmark Duration",
    "Total Requests",
    "Failed Requests",
    "Success Requests",
    "Concurrency",
    "Max Concurrency",
    "Request Throughput",
    "Total Input Tokens",
    "Prefill Token Throughput",
    "Total Generated Tokens",
    "Input Token Throughput",
    "Output Token Throughput",
    "Total Token Throughput",
)


def metrics_of(directory: Path, *batches: list[Request], stats: tuple[str, ...] = STATS) -> Metrics:
    """The numbers of a recording of these requests, one block a batch."""
    return compute(Recording.open(write_blocks(directory, *batches, footer={})), stats)


def close(value: float | None, expected: float | None) -> bool:
    """Equal to double precision; nothing equals nothing alone."""
    if value is None or expected is None:
        return value is expected
    return value == pytest.approx(expected, rel=1e-12)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request of any kind that a run can leave, moments consistent."""
    sent = draw(st.integers(1, 5_000 * MS))
    gaps = draw(st.lists(st.sampled_from([0, 1, 20_000, 20_001, 65_534, 65_535, 400_000]), max_size=6))
    first = sent + draw(st.integers(1, 300 * MS))
    tokens = tuple((first + 1000 * np.cumsum([0, *gaps])).tolist())
    ok = draw(st.booleans())
    return Request(
        request=0,
        sent_ns=sent,
        intended_ns=max(1, sent - draw(st.integers(0, MS))),
        token_ns=tokens if ok or draw(st.booleans()) else (),
        end_ns=tokens[-1] + draw(st.integers(0, MS)),
        outcome="ok" if ok else draw(st.sampled_from(["timeout", "reset", "http_error"])),
        flags=draw(st.sampled_from([("stream",), ("stream", "warmup"), ("stream", "superseded"), ()])),
        input_tokens=draw(st.integers(-1, 50)),
        output_tokens=draw(st.sampled_from([None, -1, 1, 2, 9])),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(requests(), max_size=5), max_size=3))
def test_both_tables_are_what_arithmetic_says(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Request]]
) -> None:
    """Every cell of both tables equals rational arithmetic on the same requests, to double precision."""
    metrics = metrics_of(tmp_path_factory.mktemp("m"), *batches)
    flat = [request for batch in batches for request in batch]
    samples = oracle.samples(flat)
    assert tuple(row.name for row in metrics.parameters) == ROWS
    for row in metrics.parameters:
        assert row.samples == len(samples[row.name])
        for name in STATS:
            expected = oracle.statistic(samples[row.name], name)
            assert close(row.values[name], expected), (row.name, name)
    final = [r for r in flat if not {"warmup", "superseded"} & set(r.flags)]
    expected_common = oracle.common(flat, len(final))
    assert tuple(row.name for row in metrics.common) == COMMON
    for common in metrics.common:
        if common.name != "Max Concurrency":
            assert close(common.value, expected_common[common.name]), common.name
    assert metrics.load.peak_concurrency == oracle.peak_concurrency(flat)
    assert sum(metrics.outcomes.values()) == len(final)


def test_guide_example(tmp_path: Path) -> None:
    """The guide's figures: 12,100 input tokens over 8 times 2.006 s make 754 token/s, TPOT counts the end."""
    run = [
        Request(
            k,
            sent_ns=(1 + 12_300 * k) * MS,
            token_ns=((2_007 + 12_300 * k) * MS, (2_027 + 12_300 * k) * MS),
            end_ns=(12_301 + 12_300 * k) * MS,
            input_tokens=1_512 + (k % 2),
            output_tokens=512,
        )
        for k in range(8)
    ]
    metrics = metrics_of(tmp_path, run)
    values = {row.name: row.value for row in metrics.common}
    assert values["Benchmark Duration"] == 98_400
    assert values["Concurrency"] == 1
    assert values["Total Input Tokens"] == 12_100
    assert values["Prefill Token Throughput"] == pytest.approx(12_100 / (8 * 2.006))
    tpot = next(row for row in metrics.parameters if row.name == "TPOT")
    assert tpot.values["Average"] == pytest.approx((12_300 - 2_006) / 511)


def test_order_of_finishing_does_not_matter(tmp_path: Path) -> None:
    """The same requests in another order and in other blocks give bit-equal numbers."""
    rng = np.random.default_rng(5)
    run = [
        Request(
            k,
            sent_ns=int(rng.integers(1, 10**9)),
            token_ns=tuple((2 * 10**9 + 1000 * np.cumsum(rng.integers(0, 90_000, 20))).tolist()),
            end_ns=int(rng.integers(9 * 10**9, 10**10)),
            outcome="ok" if k % 7 else "reset",
            message=None if k % 7 else b"reset %d" % k,
        )
        for k in range(200)
    ]
    mixed = [run[k] for k in rng.permutation(200)]
    one = metrics_of(tmp_path / "one", run)
    other = metrics_of(tmp_path / "other", mixed[:3], mixed[3:90], mixed[90:])
    assert one == other


def test_non_stream_has_no_token_times(tmp_path: Path) -> None:
    """Without streaming the rows of token times are absent; the others stay, in order."""
    header = header_of(service={"stream": False})
    run = [Request(k, token_ns=(1_140 * MS,), flags=(), output_tokens=7) for k in range(3)]
    metrics = compute(Recording.open(record(tmp_path, run, header=header)), STATS)
    assert [row.name for row in metrics.parameters] == [
        "E2EL",
        "InputTokens",
        "OutputTokens",
        "OutputTokenThroughput",
    ]
    assert "Prefill Token Throughput" not in [row.name for row in metrics.common]
    assert metrics.verdict.valid


def test_nothing_succeeded(tmp_path: Path) -> None:
    """With no success every statistic is missing, the counts stand, and the run is not valid."""
    run = [Request(0, token_ns=(), outcome="refused", status=0), Request(1, token_ns=(), outcome="timeout")]
    metrics = metrics_of(tmp_path, run)
    assert all(value is None for row in metrics.parameters for value in row.values.values())
    values = {row.name: row.value for row in metrics.common}
    assert (values["Total Requests"], values["Failed Requests"], values["Success Requests"]) == (2, 2, 0)
    assert values["Benchmark Duration"] is None
    (sentence,) = metrics.verdict.sentences
    assert sentence.startswith("Nothing was measured, because no request succeeded: ")


def test_empty_recording(tmp_path: Path) -> None:
    """A recording without any request has all rows, and nothing in them."""
    metrics = metrics_of(tmp_path)
    assert tuple(row.name for row in metrics.parameters) == ROWS
    assert {row.n for row in metrics.parameters} == {0}
    assert metrics.outcomes == {"ok": 0}


def test_zero_length_window(tmp_path: Path) -> None:
    """A window of no length has no rates, and does not divide by zero."""
    instant = Request(0, sent_ns=5 * MS, token_ns=(5 * MS,), end_ns=5 * MS)
    values = {row.name: row.value for row in metrics_of(tmp_path, [instant]).common}
    assert values["Benchmark Duration"] == 0
    assert values["Request Throughput"] is values["Concurrency"] is None


def test_one_token_outputs(tmp_path: Path) -> None:
    """Replies of one token have a TTFT, but neither TPOT nor ITL."""
    metrics = metrics_of(tmp_path, [Request(k, token_ns=(1_100 * MS,)) for k in range(4)])
    n = {row.name: row.n for row in metrics.parameters}
    assert (n["TTFT"], n["TPOT"], n["ITL"], n["OutputTokens"]) == (4, 0, 0, 4)


def test_many_tokens_in_one_event(tmp_path: Path) -> None:
    """Replies whose tokens all came in one event have no TPOT: nobody saw how long one took."""
    run = [Request(k, token_ns=(1_100 * MS,), output_tokens=100) for k in range(4)]
    run.append(Request(4, output_tokens=100))
    tpot = next(row for row in metrics_of(tmp_path, run).parameters if row.name == "TPOT")
    assert (tpot.n, tpot.values["Max"]) == (1, pytest.approx(41 / 99))


def test_n_counts_requests_not_gaps(tmp_path: Path) -> None:
    """ITL's N is the number of requests with more than one output event."""
    run = [Request(0), Request(1), Request(2, token_ns=(1_100 * MS,))]
    itl = next(row for row in metrics_of(tmp_path, run).parameters if row.name == "ITL")
    assert (itl.n, itl.samples) == (2, 4)


def test_unknown_stage_is_an_error(tmp_path: Path) -> None:
    """A stage that no rule defines is refused."""
    recording = Recording.open(write_blocks(tmp_path, [Request(0)], footer={}))
    with pytest.raises(UsageError, match="'nonsense' is not a stage; it is total, stable, auto"):
        compute(recording, STATS, "nonsense")


@pytest.mark.parametrize(("limit", "shown"), [(None, 7), (3, 3)])
def test_max_concurrency_is_a_number(tmp_path: Path, limit: int | None, shown: int) -> None:
    """Without a limit in flight, as with time stamps, Max Concurrency is `batch_size`, as scripts read a number."""
    header = header_of(load={"kind": "open", "arrival": "trace", "concurrency": limit})
    header["config"] = {"models": [{"batch_size": 7}]}
    recording = Recording.open(record(tmp_path / "r", [Request(0)], header=header))
    metrics = compute(recording, ("Average",))
    (row,) = [row for row in metrics.common if row.name == "Max Concurrency"]
    assert row.value == shown
    assert metrics.load.max_concurrency == limit
