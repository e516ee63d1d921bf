"""What goes out is the plan: nothing missing, nothing more, nothing early, and the same again from the same seed."""

import json
from pathlib import Path

import numpy as np
import pytest
from nursery import Mock
from running import Ended, perf, write_config
from shared_data import MOONCAKE, needs

from fastbench.plan.shapes.open import Ramp
from fastbench.plan.shapes.rates import steady
from fastbench.recording import Recording

S = 10**9
MS = 10**6
SHORT = ("--input-len", 8, "--output-len", 2, "--num-warmups", 0, "--quiet", "--no-plot")


def measured(recording: Recording) -> np.ndarray:
    """The final rows, by request."""
    rows = recording.rows[np.argsort(recording.rows["request"], kind="stable")]
    assert np.array_equal(rows["request"], np.arange(len(rows)))
    return rows


def offsets(recording: Recording) -> np.ndarray:
    """When each request was meant to go out, since the first."""
    intended = measured(recording)["intended_ns"]
    return intended - intended[0]


def check_none_early(recording: Recording) -> None:
    rows = measured(recording)
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])


@pytest.mark.parametrize(
    ("rate", "burstiness"),
    [
        (400, 0.4),
        *(pytest.param(1000, burstiness, marks=pytest.mark.slow) for burstiness in (0.0, 1.0, 0.4)),
        *(pytest.param(rate, burstiness, marks=pytest.mark.slow) for rate in (100, 5000) for burstiness in (0, 1, 0.4)),
    ],
)
def test_an_open_loop_is_its_schedule(tmp_path: Path, service: Mock, rate: int, burstiness: float) -> None:
    """The intended times in the recording are the process's array to the nanosecond, and no send is before its time."""
    count = min(rate, 1000)
    load = ("--rate", rate, "--burstiness", burstiness, "--arrival-seed", 5, "--num-prompts", count)
    ended = perf(tmp_path, "--url", service.url, *SHORT, *load, "--concurrency", 2000)
    recording = ended.recording
    assert np.array_equal(offsets(recording), steady(rate, count, burstiness, 5))
    check_none_early(recording)
    assert ended.trust["outcomes"] == {"ok": count}
    lateness = ended.trust["load"]["send_lateness"]["values"]
    assert {"Median", "P99", "Max"} <= set(lateness)
    late = ended.trust["effect"]["lateness_ms"] > max(1.0, 0.01 * ended.parameters()["TTFT"])
    assert any("were sent late" in reason for reason in ended.trust["reasons"]) == late


def test_a_ramp_is_its_schedule(tmp_path: Path, service: Mock) -> None:
    """A ramp of the guide's `traffic_cfg` goes out as its array says, with a request_rate of 0."""
    traffic = {"ramp_up_strategy": "exponential", "ramp_up_start_rps": 50, "ramp_up_end_rps": 500, "burstiness": 1}
    model = {"type": "openai_chat", "url": service.url, "batch_size": 500, "request_rate": 0, "traffic_cfg": traffic}
    dataset = {"type": "synthetic", "count": 150, "input_len": 8, "output_len": 2}
    config = write_config(tmp_path, models=[model], datasets=[dataset], arrival_seed=2)
    recording = perf(tmp_path, config, "-q").recording
    rows = recording.rows[recording.rows["flags"] & 8 == 0]
    intended = np.sort(rows["intended_ns"])
    expected = Ramp(start=50, end=500, strategy="exponential", burstiness=1.0).times(150, None, 2)
    assert np.array_equal(intended - intended[0], expected)


def test_the_same_seed_sends_the_same(tmp_path: Path, service: Mock) -> None:
    """Two runs of one seed have the same times and lengths; another one has other times, and prompts as long."""
    runs = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        directory = tmp_path / name
        directory.mkdir()
        load = ("--rate", 500, "--burstiness", 1, "--arrival-seed", seed, "--seed", seed, "--num-prompts", 60)
        lengths = ("--input-len", "5:50", "--output-len", 2, "--num-warmups", 0, "--quiet", "--no-plot")
        recording = perf(directory, "--url", service.url, *lengths, *load, "--concurrency", 500).recording
        rows = measured(recording)
        runs.append((offsets(recording).tolist(), rows["sent_bytes"].tolist(), rows["planned_input"].tolist()))
    assert runs[0] == runs[1]
    assert [first != other for first, other in zip(runs[0], runs[2], strict=True)] == [True, False, False]


def test_a_duration_ends_a_closed_loop(tmp_path: Path, service: Mock) -> None:
    """Nothing begins after the time, what is in flight ends by itself, and all that began is what was planned."""
    ended = perf(tmp_path, "--url", service.url, *SHORT, "--concurrency", 8, "--duration", "1s")
    recording = ended.recording
    rows = measured(recording)
    assert ended.code == 0
    assert rows["sent_ns"].max() - rows["intended_ns"].min() < S
    assert rows["end_ns"].max() - rows["intended_ns"].min() > 0.9 * S
    assert ended.trust["outcomes"] == {"ok": len(rows)}
    assert recording.footer is not None
    assert recording.footer["planned"] == len(rows) > 100
    assert recording.header["load"]["planned"] is None
    assert sorted(rows["sample"].tolist()) == list(range(len(rows))), (
        "made prompts go on beyond the 100 of the data set"
    )


def test_a_duration_ends_an_open_loop(tmp_path: Path, service: Mock) -> None:
    """As many requests go out as the rate makes in the time, though the data set has fewer."""
    ended = perf(tmp_path, "--url", service.url, *SHORT, "--rate", 400, "--duration", "500ms")
    assert ended.trust["outcomes"] == {"ok": 200}


def test_the_drain_has_a_limit(tmp_path: Path) -> None:
    """What is still in flight when the drain is over ends as cancelled, and is counted."""
    with Mock(ttft_ms=3_600_000) as stuck:
        ended = perf(
            tmp_path, "--url", stuck.url, *SHORT, "--concurrency", 3, "--duration", "300ms", "--drain", "300ms"
        )
    assert ended.trust["outcomes"] == {"ok": 0, "cancelled": 3}
    assert ended.code == 1


def test_what_is_beyond_the_limit_is_dropped(tmp_path: Path) -> None:
    """With `--on-full drop` a request that finds the limit reached is counted, and the verdict says so."""
    with Mock(ttft_ms=500, itl_ms=0) as slow:
        load = ("--rate", 100, "--num-prompts", 40, "--concurrency", 10, "--on-full", "drop")
        ended = perf(tmp_path, "--url", slow.url, *SHORT, *load)
    assert ended.trust["outcomes"] == {"ok": 10, "dropped": 30}
    (reason, *_) = [one for one in ended.trust["invalid_because"] if one["effect"] == "30 requests were dropped"]
    assert "--concurrency" in reason["remedy"]


def test_what_waits_keeps_its_time(tmp_path: Path) -> None:
    """Without dropping, what waits for a place keeps its intended time: the response time holds the wait."""
    with Mock(ttft_ms=200, itl_ms=0) as slow:
        load = ("--rate", 100, "--num-prompts", 40, "--concurrency", 10)
        ended = perf(tmp_path, "--url", slow.url, *SHORT, *load)
    figures = ended.trust["load"]
    assert ended.trust["outcomes"] == {"ok": 40}
    assert np.array_equal(offsets(ended.recording), 10 * MS * np.arange(40))
    # Four times ten requests of 200 ms each; the last was meant to go out after 390 ms.
    assert figures["response_time"]["values"]["Max"] >= 4 * 200 - 390
    assert figures["service_time"]["values"]["Max"] < 300


def test_pressure(tmp_path: Path, service: Mock) -> None:
    """Under pressure clients come at the rate up to the limit, and send without a pause until the time is over."""
    load = ("--pressure", "--pressure-time", 1, "--rate", 10, "--concurrency", 5, "--num-prompts", 3)
    ended = perf(tmp_path, "--url", service.url, *SHORT, *load)
    rows = measured(ended.recording)
    assert ended.code == 0
    sent, end = rows["sent_ns"] - rows["intended_ns"][0], rows["end_ns"] - rows["intended_ns"][0]
    for client in range(1, 6):
        begun = 100 * MS * (client - 1)
        assert sent[np.argsort(sent)][np.flatnonzero(np.sort(sent) >= begun - MS)[0]] >= begun - MS
        middle = begun + 50 * MS
        assert np.count_nonzero((sent <= middle) & (end > middle)) <= client
    assert ended.trust["load"]["peak_concurrency"] == 5
    assert sent.max() < S
    assert sorted(rows["sample"].tolist()) == list(range(len(rows)))


@needs(MOONCAKE)
def test_a_trace_is_sent_at_its_times(tmp_path: Path) -> None:
    """The beginning of a real trace goes out at its own times, faster by the speed, each to the nanosecond."""
    lines = MOONCAKE.read_text().splitlines()[:150]
    short = [{**json.loads(line), "input_length": 100, "output_length": 2, "hash_ids": [0]} for line in lines]
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in short))
    with Mock(ttft_ms=1, itl_ms=0) as mock:
        model = {"type": "openai_chat", "url": mock.url, "batch_size": 1000, "use_timestamp": True}
        config = write_config(tmp_path, models=[model], datasets=[{"type": "mooncake", "path": str(path)}])
        ended: Ended = perf(tmp_path, config, "--trace-speed", 50, "--num-warmups", 0, "-q")
    rows = measured(ended.recording)
    expected = np.sort([round(json.loads(line)["timestamp"] * MS / 50) for line in lines])
    assert np.array_equal(offsets(ended.recording), expected - expected[0])
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])
    assert ended.trust["outcomes"] == {"ok": 150}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_duration_ends_a_trace(tmp_path: Path, service: Mock, workers: int) -> None:
    """Nothing of a trace begins after the time, and what would have is not missing."""
    times = np.arange(60) * 20
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(f'{{"timestamp": {time}, "input_length": 9, "output_length": 2}}\n' for time in times))
    model = {"type": "openai_chat", "url": service.url, "use_timestamp": True}
    config = write_config(tmp_path, models=[model], datasets=[{"type": "mooncake", "path": str(path)}])
    ended = perf(tmp_path, config, "--duration", "400ms", "--workers", workers, "--num-warmups", 0, "-q")
    assert offsets(ended.recording).tolist() == [time * MS for time in times if time < 400]
    assert ended.trust["outcomes"] == {"ok": 20}
