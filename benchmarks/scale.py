"""P10, the scale of the card: a whole run of 250,000 requests x 4,096 in / 4,096 out, compressed in time.

    python -m benchmarks.scale [--requests 250000] [--tokens 4096] [--streams 256] [--keep DIRECTORY]

The simulated service sends without gaps, so the run takes minutes instead of hours; all else is as in any run: the
requests are made, sent, read, stamped, recorded and reported. Needs 2.3 GB of disk. Not part of `make bench`; it is
`make bench-scale`.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.harness import Figure, Results, run_main
from benchmarks.perf_run import perf
from fastbench.mock import Mock

PROMISES = ("P5", "P7", "P10")
MB = 1e6


def parameters(parser: argparse.ArgumentParser) -> None:
    """The run's size, and where its results stay."""
    parser.add_argument("--requests", type=int, default=250_000)
    parser.add_argument("--tokens", type=int, default=4_096, help="of each prompt and of each reply")
    parser.add_argument("--streams", type=int, default=256)
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep the report, without the recording, there")


def measure(requests: int, tokens: int, streams: int, keep: Path | None) -> Results:
    """One run from its command to its report."""
    sizes = ("--input-len", tokens, "--output-len", tokens, "--num-prompts", requests, "--concurrency", streams)
    with Mock(ttft_ms=0, itl_ms=0) as mock:
        run = perf(mock, *sizes, keep=keep)
    return {"requests": requests, "tokens": tokens, "streams": streams, **run._asdict()}


def details(results: Results) -> str:
    """The run's own report."""
    return str(results["output"])


def figures(results: Results) -> list[Figure]:
    """Time, completeness, size and memory."""
    requests, tokens, streams = results["requests"], results["tokens"], results["streams"]
    outcomes: dict[str, int] = results["trust"]["outcomes"]
    private, most = results["load_peak"], 150 * MB + 24_000 * streams
    size, room = results["recording_bytes"], 2.1 * requests * tokens + 256 * requests
    rate = requests * tokens / results["seconds"]
    ok, accounted = outcomes["ok"], sum(outcomes.values())
    what = f"{requests:,} x {tokens:,} in / {tokens:,} out"
    told = ", ".join(f"{outcome} {count:,}" for outcome, count in outcomes.items())
    return [
        Figure.against(
            "P10",
            f"{what}, command to report",
            "every request accounted for",
            f"{results['seconds']:.0f} s ({rate / 1e6:.1f} M tokens/s); {told}",
            ok == accounted == requests,
            f"{requests - ok} requests are not ok",
        ),
        Figure.against(
            "P5",
            f"recording of {what}",
            f"<= {room / MB:,.0f} MB",
            f"{size / MB:,.1f} MB",
            size <= room,
            f"{(size - room) / MB:.1f} MB too much",
            ratio=f"{size / (requests * tokens):.4f} B/token",
        ),
        Figure.against(
            "P7",
            f"peak private memory while load ran, {streams} streams",
            f"<= {most / MB:.0f} MB",
            f"{private / MB:.1f} MB",
            private <= most,
            f"{(private - most) / MB:.1f} MB too much",
            ratio=f"{private / most:.2f}",
        ),
    ]


if __name__ == "__main__":
    sys.exit(run_main(sys.modules[__name__]))
