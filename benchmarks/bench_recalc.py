"""Times the recalculation of a synthetic recording of any size, and checks a sample against numpy.

    python benchmarks/bench_recalc.py --requests 10000 --tokens 1024

The recording is made block by block in the temporary directory (or --dir), recalculated by `fastbench recalc`
in a process of its own with a warm page cache, and deleted. Private memory is its peak of anonymous pages.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fastbench._core.ring import ESCAPE, FLAGS, MARK_DTYPE, OUTCOMES, ROW_DTYPE, SOURCES, Batch
from fastbench.recording.blockfile import BlockFile
from fastbench.recording.format import Kind
from fastbench.recording.packing import pack_batches, pack_json
from fastbench.recording.reader import Recording

BLOCK_GAPS = 2 << 20
STALL_SHARE = 1e-4
START_NS = 1_000_000_000
CHILD = """
import sys, threading, time
peak, done = 0, threading.Event()
def watch():
    global peak
    while not done.wait(0.01):
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        peak = max(peak, int(status["RssAnon"].split()[0]))
watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
from fastbench.cli.recalc import recalc_command
recalc_command.main(sys.argv[1:], standalone_mode=False)
seconds = time.perf_counter() - start
done.set()
watcher.join()
print(f"SECONDS {seconds} PRIVATE_MB {peak / 1000}", file=sys.stderr)
"""


def main() -> None:
    """Makes, times, checks, deletes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=1_024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dir", type=Path, default=None, help="where to put the recording")
    args = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="fastbench-recalc-", dir=args.dir))
    try:
        directory = scratch / "synthetic_recording"
        directory.mkdir()
        made = make_recording(directory, args.requests, args.tokens, args.seed)
        size = (directory / "requests.fbr").stat().st_size
        tokens = args.requests * args.tokens
        rounds = [time_recalc(directory) for _ in range(args.rounds)]
        report = {
            "requests": args.requests,
            "tokens": tokens,
            "made_s": round(made, 2),
            "bytes_per_token": round((size - 144 * args.requests) / tokens, 4),
            "file_mb": round(size / 1e6, 1),
            "whole_process_s": round(min(wall for wall, _, _ in rounds), 3),
            "inside_s": round(min(inside for _, inside, _ in rounds), 3),
            "private_mb": round(max(private for _, _, private in rounds), 1),
            "sample_equals_numpy": sample_equals_numpy(args.seed),
        }
        print(json.dumps(report, indent=4))
    finally:
        shutil.rmtree(scratch)


def make_recording(directory: Path, requests: int, tokens: int, seed: int) -> float:
    """Writes the recording; returns the seconds it took."""
    begun = time.perf_counter()
    rng = np.random.default_rng(seed)
    file = BlockFile(directory)
    header = {
        "format": 1,
        "task": {"model": "bench", "dataset": "synthetic"},
        "service": {"stream": True},
        "load": {"kind": "closed", "concurrency": 1000, "planned": requests},
        "stamps": "kernel",
    }
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(header))
    per_block = max(1, BLOCK_GAPS // tokens)
    for first in range(0, requests, per_block):
        counts, payload = pack_batches([make_batch(rng, first, min(per_block, requests - first), tokens)])
        file.append(Kind.BATCH, payload, counts)
    file.append(Kind.FOOTER, pack_json({"planned": requests, "interrupted": False, "dropped": 0}))
    file.close()
    return time.perf_counter() - begun


def make_batch(rng: np.random.Generator, first: int, n: int, tokens: int) -> Batch:
    """Requests with lognormal gaps around 20 ms and rare stalls."""
    us = np.minimum(rng.lognormal(np.log(20_000), 0.25, (n, tokens - 1)).astype(np.int64), ESCAPE - 1)
    stalled = rng.random(us.shape, np.float32) < STALL_SHARE
    us[stalled] += ESCAPE
    rows = np.zeros(n, ROW_DTYPE)
    rows["request"] = np.arange(first, first + n)
    rows["intended_ns"] = START_NS + rows["request"] * 1_000_000
    rows["sent_ns"] = rows["intended_ns"] + rng.integers(1_000, 90_000, n)
    rows["first_token_ns"] = rows["sent_ns"] + rng.integers(100_000_000, 300_000_000, n)
    rows["last_token_ns"] = rows["first_token_ns"] + us.sum(axis=1) * 1000
    rows["end_ns"] = rows["last_token_ns"] + 50_000
    rows["events"] = rows["output_tokens"] = tokens
    rows["input_tokens"] = 1024
    rows["escapes"] = stalled.sum(axis=1)
    rows["outcome"] = OUTCOMES.index("ok")
    rows["status"] = 200
    rows["input_source"] = rows["output_source"] = SOURCES.index("usage")
    rows["flags"] = FLAGS["stream"] | FLAGS["kernel"]
    gaps = np.where(stalled, ESCAPE, us).astype(np.uint16).ravel()
    return Batch(rows, gaps, us[stalled], np.empty(0, np.uint16), np.empty(0, MARK_DTYPE), [])


def time_recalc(directory: Path) -> tuple[float, float, float]:
    """Seconds of a whole process, seconds inside it, and its peak of private memory in MB."""
    begun = time.perf_counter()
    child = subprocess.run([sys.executable, "-c", CHILD, str(directory)], check=True, capture_output=True, text=True)
    wall = time.perf_counter() - begun
    found = dict(re.findall(r"(\w+) ([\d.]+)", child.stderr))
    return wall, float(found["SECONDS"]), float(found["PRIVATE_MB"])


def sample_equals_numpy(seed: int) -> bool:
    """Whether the ITL percentiles of a small recording equal numpy's on the same gaps, to the last bit."""
    from fastbench.metrics.compute import compute

    stats = ("Median", "P75", "P90", "P99", "P99.9")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        make_recording(directory, 200, 500, seed)
        recording = Recording.open(directory)
        gaps = np.concatenate([recording.gaps_us(row) for row in range(len(recording.rows))])
        itl = next(row for row in compute(recording, stats).parameters if row.name == "ITL")
    expected = np.percentile(gaps, [50, 75, 90, 99, 99.9]) / 1000
    return bool(np.array_equal([itl.values[name] for name in stats], expected))


if __name__ == "__main__":
    main()
