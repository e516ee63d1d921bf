"""Health records: the client's state, as increments that add up to the whole run."""

import json
import time

import numpy as np
from driving import OK, Driver
from serving import Service, answering

from fastbench._core.counts import Hdr
from fastbench.client.health import BUCKETS_AN_ENTRY, HealthLog, merged_buckets

COUNTED = {"reads", "unstamped_reads", "turns", "starved", "cpu_ns", "ordinary_ns", "real_time_ns"}
FIELDS = COUNTED | {"t_ns", "lag", "stalls", "in_flight"}


def test_increments_add_up() -> None:
    """Over several records, counters, lag and stalls sum up to the reactor's own totals, nothing twice."""
    with Service(answering(OK)) as service, Driver(service.address, limit=2, spare=2) as driver:
        log = HealthLog(driver.reactor)
        driver.start()
        records = []
        for done in (10, 20, 30):
            driver.submit(10)
            driver.pump(lambda done=done: driver.rows() == done)
            records.append(log.record())
        ended = driver.finish()
        records.append(log.record())
        counts = driver.reactor.lag.counts.copy()
        assert [list(stall) for stall in driver.reactor.stalls_since(0)[1]] == [
            stall for record in records for stall in record["stalls"]
        ]
    for name in COUNTED:
        assert sum(record[name] for record in records) == ended.snapshot[name], name
    summed = np.zeros(len(counts) // BUCKETS_AN_ENTRY, np.int64)
    for record in records:
        for index, count in record["lag"]:
            assert count > 0
            summed[index // BUCKETS_AN_ENTRY] += count
    assert np.array_equal(summed, counts.reshape(-1, BUCKETS_AN_ENTRY).sum(axis=1))
    assert summed.sum() == ended.snapshot["reads"]
    assert all(record["reads"] for record in records[:3])


def test_a_record_is_what_the_format_says() -> None:
    """A record has the format's fields, is plain JSON, and tells the time and the requests in flight."""
    with Service(answering(OK)) as service, Driver(service.address) as driver:
        log = HealthLog(driver.reactor)
        before = time.monotonic_ns()
        record = log.record()
        driver.finish()
    assert set(record) == FIELDS
    assert json.loads(json.dumps(record)) == record
    assert before <= record["t_ns"] <= time.monotonic_ns()
    assert (record["in_flight"], record["reads"], record["lag"]) == (0, 0, [])


def test_lag_is_told_coarsely_and_never_too_low() -> None:
    """However many different lags there were, a record stays small; each percentile is at most 3.2 % too high."""
    exact, told = Hdr(), Hdr()
    exact.record_values(np.random.default_rng(0).lognormal(np.log(50_000), 2, 1_000_000).astype(np.int64))
    entries = merged_buckets(exact.counts)
    told.add_sparse(entries)
    assert len(json.dumps(entries)) < 16_000
    assert told.total == exact.total
    for percentile in (1, 25, 50, 75, 90, 99, 99.9, 100):
        value = exact.value_at_percentile(percentile)
        assert value <= told.value_at_percentile(percentile) <= value * 1.032 + 31
