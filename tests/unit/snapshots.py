"""Snapshots of tasks made by hand."""

from typing import Any

from fastbench.live import Snapshot, Status
from fastbench.live.files import History, Owner, Spread, this_process

S = 1_000_000_000
MS = 1_000_000
GONE = Owner(pid=2**22 + 1, started=1, where=this_process().where)
"""A process that cannot be there: its number is above all that Linux gives."""


def guide_task(**changes: Any) -> Snapshot:
    """The task of the guide's example, 54 s after its start."""
    known: dict[str, Any] = {
        "task": "vllm-api-stream-chat/demo_gsm8k",
        "status": Status.INFERENCING,
        "pid": 744887,
        "owner": this_process(),
        "log": "logs/infer/vllm-api-stream-chat/demo_gsm8k.out",
        "started": 1762425227.0,
        "updated": 1762425281.0,
        "planned": 8,
        "elapsed_ns": 37 * S,
        "took_ns": 54 * S,
        "to_go_ns": 62 * S,
        "sent": 4,
        "ok": 3,
        "in_flight": 1,
    }
    return Snapshot(**(known | changes))


def busy_task(**changes: Any) -> Snapshot:
    """A task with something to tell in every line."""
    known: dict[str, Any] = {
        "planned": 2000,
        "sent": 1100,
        "ok": 1000,
        "failed": 36,
        "in_flight": 64,
        "failures": {"http_error": 4, "timeout": 32},
        "requests_per_s": 12.37,
        "events_per_s": 1583.6,
        "url": "http://10.0.0.7:8000/v1/chat/completions",
        "load": "closed loop, 64 in flight",
        "tokens_per_event": 2.0,
        "ttft": Spread(p50_ns=201 * MS, p90_ns=310 * MS, p99_ns=1234 * MS, count=60),
        "tpot": Spread(p50_ns=25 * MS, p90_ns=26 * MS, p99_ns=28 * MS, count=60),
        "itl": Spread(p50_ns=20_100_000, p90_ns=20_900_000, p99_ns=21_400_000, count=6000),
        "late_p99_ns": 450_000,
        "lag_p99_ns": 12_300,
        "stalls": 2,
        "history": History(
            in_flight=(8, 16, 32, 64),
            asked_per_s=(1.0, 6.0, 12.0, 12.0),
            requests_per_s=(0.0, 6.0, 12.0, 12.0),
            events_per_s=(100.0, 1600.0, 1600.0, 1600.0),
            ttft_ns=(None, 300 * MS, 150 * MS, 201 * MS),
            tpot_ns=(None, 25 * MS, 25 * MS, 25 * MS),
            itl_ns=(None, 21 * MS, 21 * MS, 20 * MS),
        ),
    }
    return guide_task(**(known | changes))


def drowning_task(**changes: Any) -> Snapshot:
    """An open loop whose service does not keep up."""
    known: dict[str, Any] = {
        "load": "open loop, constant at 40/s",
        "in_flight": 279,
        "failed": 0,
        "failures": {},
        "asked_per_s": 40.0,
        "requests_per_s": 11.4,
        "growing_per_s": 28.6,
        "overloaded_ns": 7 * S,
        "ttft": Spread(p50_ns=17_800 * MS, p90_ns=19_500 * MS, p99_ns=19_600 * MS, count=60),
    }
    return busy_task(**(known | changes))


def waiting_task(name: str = "m/d", place: int = 1, **changes: Any) -> Snapshot:
    """One that has not begun."""
    known: dict[str, Any] = {"task": name, "place": place, "owner": this_process(), "log": f"logs/{name}.out"}
    return Snapshot(**(known | changes))
