"""No coordinated omission: what a user waits is told from the intended send on, whatever the service does."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from nursery import Mock
from recordings import MS, Request, header_of, record
from running import LIMIT_S, Running

from fastbench.metrics import compute
from fastbench.recording import Recording

S = 1_000 * MS
RATE = 400
FROZEN_S = 1.0


def test_the_pause_of_a_hundred_seconds(tmp_path: Path) -> None:
    """10,000 requests of 1 ms and then a pause of 100 s, 100 planned a second: response times are the analytic ones.

    Service times alone would say 1 ms up to P99.9: the case is HdrHistogram's own.
    """
    begin, pause = 10 * S, 110 * S
    requests = []
    for number in range(20_000):
        intended = begin + number * 10 * MS
        # What falls into the pause is answered at its end, all at once.
        sent, end = (intended, intended + MS) if intended < pause else (210 * S - MS, 210 * S)
        requests.append(Request(number, sent, (end,), end, intended))
    load = {"kind": "open", "arrival": "constant", "rate": 100.0, "concurrency": 10_000, "planned": 20_000}
    directory = record(tmp_path, requests, header=header_of(load=load), footer={"planned": 20_000})
    metrics = compute(Recording.open(directory), ("Median", "P75", "P90", "P99", "P99.9"))
    found = metrics.load.response_time.values
    late = np.sort([1.0] * 10_000 + [100_000 - 10.0 * k for k in range(10_000)])
    for name, percent in (("Median", 50), ("P90", 90), ("P99", 99)):
        assert found[name] == pytest.approx(np.percentile(late, percent), rel=1e-3)
    assert found["P90"] == pytest.approx(80_000, rel=1e-3)
    assert found["Max"] == pytest.approx(100_000, rel=1e-3)
    assert metrics.load.service_time.values["P99"] == pytest.approx(1.0, rel=1e-3)
    assert not metrics.verdict.valid


def test_a_frozen_service(tmp_path: Path) -> None:
    """A service that stands still for 1 s does not keep the client from sending: as many requests as were planned for
    that second carry the rest of it in their response time."""
    with Mock(ttft_ms=1, itl_ms=0, log=tmp_path / "log") as mock:
        load = ("--rate", RATE, "--num-prompts", 3 * RATE, "--concurrency", 3000, "--num-warmups", 1, "--quiet")
        lengths = ("--input-len", 8, "--output-len", 2)
        with Running(tmp_path, "--url", mock.url, *lengths, *load) as running:
            mock.log_entries(RATE // 2, seconds=LIMIT_S)
            begun = time.monotonic_ns()
            os.kill(mock.pid, signal.SIGSTOP)
            time.sleep(FROZEN_S)
            over = time.monotonic_ns()
            os.kill(mock.pid, signal.SIGCONT)
            ended = running.end()
    rows = ended.recording.rows
    rows = rows[rows["flags"] & 8 == 0]
    assert ended.trust["outcomes"] == {"ok": 3 * RATE}
    response = rows["end_ns"] - rows["intended_ns"]
    frozen = (rows["intended_ns"] > begun) & (rows["intended_ns"] < over)
    assert frozen.sum() == pytest.approx(RATE * (over - begun) / S, abs=2)
    # Each of them waits for the rest of the second at least; those before do not, but for the last of them.
    assert np.all(response[frozen] >= over - rows["intended_ns"][frozen])
    before = rows["intended_ns"] < begun
    assert np.median(response[before]) < np.median(response[frozen])
    assert np.all(rows["sent_ns"] >= rows["intended_ns"])
    assert ended.trust["load"]["peak_concurrency"] >= 0.9 * RATE * FROZEN_S
