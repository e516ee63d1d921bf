"""Both verdicts on many real runs (`make verdicts`): no false alarm, no silence.

Runs the quick start, alone and beside a busy process; closed loops of 1,000 streams; the same with the client stopped
twice a second; a service at 90 % of its capacity, and one above it. Prints a line for each kind and what was said of
the runs that came out wrong; ends with 1 where there are any. Some twelve minutes, on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent), str(HERE.parents[1])]

from running import EXAMPLES, Ended, Running, perf  # noqa: E402 - found by the path above

from fastbench.mock import Mock  # noqa: E402

STOPPED_S, EACH_S = 0.05, 0.5
LIMIT_S = 120.0
CLOSED = ("--concurrency", 1000, "--num-prompts", 2000, "--input-len", 64, "--output-len", 64, "--num-warmups", 1)
QUIET = ("-q", "--no-plot")
SEQUENCES, LENGTH, TTFT_MS, ITL_MS = 8, 64, 50, 5
CAPACITY = SEQUENCES / ((TTFT_MS + (LENGTH - 1) * ITL_MS) / 1_000)
"""Requests per second that the service with a limit of sequences can answer."""


def quick_start(directory: Path) -> str | None:
    """What is wrong with the verdict on the quick start; None = nothing."""
    return _valid(perf(directory, "--config", EXAMPLES / "quickstart.py", *QUIET))


def beside_a_busy_process(directory: Path) -> str | None:
    """The quick start, while another process computes."""
    with _busy():
        return quick_start(directory)


def closed_loop(directory: Path) -> str | None:
    """A closed loop of 1,000 streams, 20 ms a token."""
    with Mock(ttft_ms=200, itl_ms=20) as mock:
        return _valid(perf(directory, "--url", mock.url, *CLOSED, *QUIET))


def stopped_client(directory: Path) -> str | None:
    """The same, with the client stopped for 50 ms twice a second."""
    with (
        Mock(ttft_ms=200, itl_ms=20) as mock,
        Running(directory, *map(str, ("--url", mock.url, *CLOSED, *QUIET))) as running,
    ):
        while running.process.poll() is None:
            time.sleep(EACH_S - STOPPED_S)
            running.process.send_signal(signal.SIGSTOP)
            time.sleep(STOPPED_S)
            running.process.send_signal(signal.SIGCONT)
        trust = running.end().trust
    because = trust["invalid_because"]
    told = any("was stopped" in reason["cause"] for reason in because) and all(reason["remedy"] for reason in because)
    return None if trust["verdict"] == "INVALID" and told else f"{trust['verdict']} {trust['reasons']}"


def at_nine_tenths(directory: Path) -> str | None:
    """A service at 90 % of its capacity."""
    service = _at(directory, 0.9)["service"]
    return str(service["statement"]) if service["state"] == "overloaded" else None


def overloaded(directory: Path) -> str | None:
    """A service that is asked for 130 % of its capacity."""
    service = _at(directory, 1.3)["service"]
    return None if service["state"] == "overloaded" else str(service["statement"])


def _at(directory: Path, share: float) -> dict[str, object]:
    with Mock(ttft_ms=TTFT_MS, itl_ms=ITL_MS, max_num_seqs=SEQUENCES) as mock:
        rate = CAPACITY * share
        load = ("--rate", f"{rate:.4f}/s", "--num-prompts", int(10 * rate), "--input-len", 32, "--output-len", LENGTH)
        return perf(directory, "--url", mock.url, *load, "--num-warmups", 1, *QUIET).trust


def _valid(ended: Ended) -> str | None:
    trust = ended.trust
    return None if trust["verdict"] == "VALID" else f"{trust['verdict']} {trust['reasons']}"


@contextlib.contextmanager
def _busy() -> Iterator[None]:
    process = multiprocessing.Process(target=_compute, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _compute() -> None:
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until:
        sum(range(10_000))


KINDS: dict[Callable[[Path], str | None], int] = {
    quick_start: 10,
    beside_a_busy_process: 10,
    closed_loop: 10,
    stopped_client: 10,
    at_nine_tenths: 20,
    overloaded: 20,
}
"""Each kind of run, and how often."""


def main() -> int:
    """0 = every verdict was right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="Of the runs of each kind.  [default: all]")
    parser.add_argument("--only", choices=[kind.__name__ for kind in KINDS], help="One kind of run.")
    options = parser.parse_args()
    wrong_in_all = 0
    for kind, count in KINDS.items():
        if options.only in (None, kind.__name__):
            runs = max(1, round(count * options.share))
            wrong = [said for said in map(_once, [kind] * runs) if said is not None]
            print(f"{kind.__name__}: {runs - len(wrong)} of {runs} right", *wrong, sep="\n  ", flush=True)
            wrong_in_all += len(wrong)
    return int(wrong_in_all > 0)


def _once(kind: Callable[[Path], str | None]) -> str | None:
    with tempfile.TemporaryDirectory() as directory:
        return kind(Path(directory))


if __name__ == "__main__":
    sys.exit(main())
