"""P13 and P14, short replies: requests per second of one worker, and output tokens per second where a reply is short.

What embeddings, reranking and classification ask of a client, where a request is most of the work and its reply none.
In rounds and in turn against the same simulated service: a bare C loop (epoll, requests made beforehand, no parsing),
whose rate is what the service and the kernel give, and fastbench's whole command. fastbench's CPU time is that of the
whole process between two looks at it while the load ran: the thread that sends and reads, and all others (prompts,
recording, view). Starved: requests that were due before they were prepared. Quote the ratios: rates depend on the
machine.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate  # type: ignore[import-untyped]  # it has no types

from benchmarks.bench_mock import cpu_seconds
from benchmarks.clients import Clients, Run, service
from benchmarks.harness import Figure, Results, run_main
from fastbench.mock import Mock
from fastbench.recording import FLAGS

PROMISES = ("P13", "P14")
STREAMS, INPUT_LEN = 64, 64
LOADS = {"P13": (1, 100_000), "P14": (256, 60_000)}
"""Output tokens of a request, and requests of a turn: a few seconds each at the rates that are asked for."""
GOAL_REQUESTS, GOAL_TOKENS, GOAL_STARVED = 40e3, 6e6, 0.001
BUSY = 0.9
"""Of a processor: whoever has so much of it is the limit."""


def parameters(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of requests")


def measure(rounds: int, scale: float) -> Results:
    """For each load the turns of the C loop and of fastbench."""
    results: Results = {promise: {"C loop": [], "fastbench": []} for promise in LOADS}
    with tempfile.TemporaryDirectory() as place, service(ttft_ms=0, itl_ms=0) as mock:
        clients = Clients(mock.url, Path(place))
        for _ in range(rounds):
            for promise, (tokens, count) in LOADS.items():
                requests = max(STREAMS, round(count * scale))
                results[promise]["C loop"].append(_loop(clients, mock, requests, tokens))
                results[promise]["fastbench"].append(_fastbench(clients, mock, requests, tokens))
    return results


def _loop(clients: Clients, mock: Mock, requests: int, tokens: int) -> dict[str, float]:
    used = cpu_seconds(mock)
    whole = clients.epoll_loop(STREAMS, requests, tokens, "none").whole
    return {
        "requests_per_s": requests / whole.wall_s,
        "cpu_us": sum(whole.cpu) / requests * 1e6,
        "outside_us": whole.cpu.user / requests * 1e6,
        "service_core": (cpu_seconds(mock) - used) / whole.wall_s,
    }


def _fastbench(clients: Clients, mock: Mock, requests: int, tokens: int) -> dict[str, float]:
    used = cpu_seconds(mock)
    run = clients.fastbench(STREAMS, requests, tokens, input_len=INPUT_LEN)
    return {**_turn(run), "service_s": cpu_seconds(mock) - used}


def _turn(run: Run) -> dict[str, float]:
    rows = run.recording.rows
    rows = rows[(rows["flags"] & (FLAGS["warmup"] | FLAGS["superseded"])) == 0]
    start_ns, end_ns = int(rows["sent_ns"].min()), int(rows["end_ns"].max())
    client = (run.recording.footer or {})["client"]
    whole = run.threads.all(start_ns, end_ns)
    ended = np.count_nonzero((rows["end_ns"] > whole.start_ns) & (rows["end_ns"] <= whole.end_ns))
    return {
        "requests_per_s": rows.size / (end_ns - start_ns) * 1e9,
        "tokens_per_s": int(rows["output_tokens"].sum()) / (end_ns - start_ns) * 1e9,
        "starved": client["starved"] / rows.size,
        "cpu_us": whole.cpu_ns / 1000 / max(1, ended),
        "outside_us": whole.cpu_ns / 1000 / max(1, ended) * whole.user_share,
        "reactor_us": client["cpu_ns"] / 1000 / rows.size,
        "core": whole.cpu_ns / (whole.end_ns - whole.start_ns),
        "seconds": (end_ns - start_ns) / 1e9,
    }


def _median(results: Results, promise: str, client: str, field: str) -> float:
    return statistics.median(turn[field] for turn in results[promise][client])


def details(results: Results) -> str:
    """The clients' medians."""
    rows: list[tuple[Any, ...]] = []
    for promise in LOADS:
        for client in ("C loop", "fastbench"):
            own = client == "fastbench"
            found = {name: _median(results, promise, client, name) for name in results[promise][client][0]}
            rows.append(
                (
                    promise,
                    client,
                    f"{found['requests_per_s'] / 1e3:.1f}",
                    f"{100 * found['starved']:.2f} %" if own else "",
                    f"{found['cpu_us']:.1f}",
                    f"{found['outside_us']:.1f}",
                    f"{found['reactor_us']:.1f}" if own else "",
                    f"{found['core']:.2f}" if own else "",
                    f"{_service_core(found):.2f}",
                )
            )
    heads = ["", "client", "k requests/s", "starved", "CPU us/request", "outside the kernel", "of it reactor", "core"]
    return str(tabulate(rows, [*heads, "service's core"], disable_numparse=True))


def _service_core(found: dict[str, float]) -> float:
    return found["service_core"] if "service_core" in found else found["service_s"] / found["seconds"]


def _limit(results: Results, promise: str) -> str:
    """What keeps the rate from being greater, in words."""
    found = {name: _median(results, promise, "fastbench", name) for name in results[promise]["fastbench"][0]}
    loop = _median(results, promise, "C loop", "requests_per_s")
    shares = f"the client has {found['core']:.2f} of a processor, the service {_service_core(found):.2f}"
    if _service_core(found) >= BUSY:
        who = "the service is the limit"
    elif found["core"] >= BUSY:
        who = f"the client is the limit, at {found['cpu_us']:.1f} us a request ({found['reactor_us']:.1f} the reactor)"
    else:
        who = "neither is the limit alone"
    return f"{who}: {shares}; the C loop gets {loop / 1e3:.1f} k requests/s"


def figures(results: Results) -> list[Figure]:
    """Rates and starved shares."""
    requests, tokens = (
        _median(results, promise, "fastbench", name)
        for promise, name in (("P13", "requests_per_s"), ("P14", "tokens_per_s"))
    )
    ratios = {
        promise: _median(results, promise, "fastbench", "requests_per_s")
        / _median(results, promise, "C loop", "requests_per_s")
        for promise in LOADS
    }
    lines = [
        Figure.against(
            "P13",
            f"requests/s of one worker, {STREAMS} in flight, one output token each",
            "≥ 40 k/s",
            f"{requests / 1e3:.1f} k/s",
            requests >= GOAL_REQUESTS,
            _limit(results, "P13"),
            ratio=f"{ratios['P13']:.2f} x C loop",
        ),
        Figure.against(
            "P14",
            f"output tokens/s, {STREAMS} in flight, {LOADS['P14'][0]} tokens each",
            "≥ 6 M/s",
            f"{tokens / 1e6:.2f} M/s",
            tokens >= GOAL_TOKENS,
            _limit(results, "P14"),
            ratio=f"{ratios['P14']:.2f} x C loop",
        ),
    ]
    for promise in LOADS:
        starved = _median(results, promise, "fastbench", "starved")
        outside = _median(results, promise, "fastbench", "outside_us")
        lines.append(
            Figure.against(
                promise,
                "of them starved",
                "≤ 0.1 %",
                f"{100 * starved:.2f} %",
                starved <= GOAL_STARVED,
                _limit(results, promise),
                ratio=f"{outside:.1f} us a request outside the kernel",
            )
        )
    return lines


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
