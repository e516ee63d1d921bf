"""P3, exactness: the client's token times against the service's own write stamps, request by request.

    python -m benchmarks.bench_exactness [--streams 100 500 1000] [--tokens 128] [--json FILE]

The service runs on this machine, so both use one clock. `lag` is the recorded arrival minus the moment just before
the service's write; `ITL error` and `TTFT error` are |client - service|. With two processors or more, the service has
one to itself and the client another.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmarks.place import describe, pin
from fastbench._core.ring import FLAGS
from fastbench.mock import Mock
from fastbench.recording.reader import Recording

QUANTILES = (50, 99, 100)


def run(url: str, streams: int, tokens: int, place: Path) -> Recording:
    """One run of the whole command; its recording."""
    command = [sys.executable, "-m", "fastbench", "perf", "--url", url, "--model", "mock", "--quiet", "-w", str(place)]
    command += ["--input-len", "64", "--output-len", str(tokens)]
    command += ["--concurrency", str(streams), "--num-prompts", str(streams)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, preexec_fn=lambda: pin(-1))
    return Recording.open(next(place.glob("*/performances/*/*_recording")))


def compare(recording: Recording, entries: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Errors in µs: of each token's arrival (`lag`), each gap (`ITL error`), each first token (`TTFT error`)."""
    told = {entry["id"]: entry for entry in entries}
    lag, itl, ttft = [], [], []
    for index, row in enumerate(recording.rows):
        if row["flags"] & FLAGS["warmup"]:
            continue
        entry = told[f"fb-{recording.header['run_id']}-{row['request']}"]
        arrived = recording.token_ns(index)
        written = np.array(entry["writes_ns"])
        lag.append(arrived - written)
        itl.append(np.abs(np.diff(arrived) - np.diff(written)))
        ttft.append(abs((row["first_token_ns"] - row["sent_ns"]) - (written[0] - entry["arrived_ns"])))
    errors = {"lag": np.concatenate(lag), "ITL error": np.concatenate(itl), "TTFT error": np.array(ttft)}
    return {name: values / 1000 for name, values in errors.items()}


def main() -> None:
    """Measures, prints a table, writes a JSON file when asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, nargs="+", default=[100, 500, 1000])
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for streams in options.streams:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            with Mock(ttft_ms=200, itl_ms=20, log=str(place / "log")) as mock:
                os.sched_setaffinity(mock.pid, {min(os.sched_getaffinity(0))})
                recording = run(mock.url, streams, options.tokens, place)
                errors = compare(recording, mock.log_entries(streams))
        for what, values in errors.items():
            rows.append((streams, what, *np.percentile(values, QUANTILES).tolist()))
    print(f"TTFT 200 ms, ITL 20 ms, {options.tokens} tokens a stream; errors in us")
    print(tabulate(rows, ["streams", "", "P50", "P99", "Max"], floatfmt=".2f"))
    if options.json:
        options.json.write_text(json.dumps({**describe(), "tokens": options.tokens, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
