"""Makes a recording as a long run would leave it, without running one: lognormal gaps around 20 ms, rare stalls.

    python -m benchmarks.synthetic_recording DIRECTORY [--requests 250000] [--tokens 4096] [--seed 0]

The same seed gives the same numbers. DIRECTORY can then be read by `fastbench recalc`.
"""

import argparse
from pathlib import Path

import numpy as np

from fastbench._core.ring import Batch
from fastbench.recording import ESCAPE, FLAGS, OUTCOMES, ROW_DTYPE, SOURCES
from fastbench.recording.format import MARK_DTYPE, Kind
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_batches, pack_json

BLOCK_GAPS = 2 << 20
STALL_SHARE = 1e-4
START_NS = 1_000_000_000
EVERY_NS = 1_000_000
GAP_US = 20_000
INPUT_TOKENS = 4096


def make_recording(directory: Path, requests: int, tokens: int, seed: int = 0, every_ns: int = EVERY_NS) -> Path:
    """Writes the recording into a new `directory`; returns its file. every_ns: from one request sent to the next."""
    directory.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    header = {
        "task": {"model": "bench", "dataset": "synthetic"},
        "service": {"stream": True},
        "load": {"kind": "closed", "concurrency": 1000, "planned": requests},
        "stamps": "kernel",
    }
    file = BlockFile(directory)
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(header))
    per_block = max(1, BLOCK_GAPS // tokens)
    for first in range(0, requests, per_block):
        counts, payload = pack_batches([_batch(rng, first, min(per_block, requests - first), tokens, every_ns)])
        file.append(Kind.BATCH, payload, counts)
    file.append(Kind.FOOTER, pack_json({"planned": requests, "interrupted": False}))
    file.close()
    return next(directory.glob("*.fbr"))


def _batch(rng: np.random.Generator, first: int, n: int, tokens: int, every_ns: int) -> Batch:
    """`n` requests of `tokens` output events each, numbered from `first`."""
    us = rng.standard_normal((n, tokens - 1), np.float32)
    us *= 0.25
    np.exp(us, out=us)
    us *= GAP_US
    gaps_us = np.minimum(us, ESCAPE - 1).astype(np.int64)
    stalled = rng.random(us.shape, np.float32) < STALL_SHARE
    gaps_us[stalled] += ESCAPE
    rows = np.zeros(n, ROW_DTYPE)
    rows["request"] = np.arange(first, first + n)
    rows["intended_ns"] = START_NS + rows["request"] * every_ns
    rows["sent_ns"] = rows["intended_ns"] + rng.integers(1_000, 90_000, n)
    rows["first_token_ns"] = rows["sent_ns"] + rng.integers(100_000_000, 300_000_000, n)
    rows["last_token_ns"] = rows["first_token_ns"] + gaps_us.sum(axis=1) * 1000
    rows["end_ns"] = rows["last_token_ns"] + 50_000
    rows["events"] = rows["output_tokens"] = tokens
    rows["input_tokens"] = INPUT_TOKENS
    rows["escapes"] = stalled.sum(axis=1)
    rows["outcome"] = OUTCOMES.index("ok")
    rows["status"] = 200
    rows["input_source"] = rows["output_source"] = SOURCES.index("usage")
    rows["flags"] = FLAGS["stream"] | FLAGS["kernel"]
    gaps = np.where(stalled, ESCAPE, gaps_us).astype(np.uint16).ravel()
    return Batch(rows, gaps, gaps_us[stalled], np.empty(0, np.uint16), np.empty(0, MARK_DTYPE), [])


def main() -> None:
    """Makes one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--requests", type=int, default=250_000)
    parser.add_argument("--tokens", type=int, default=4_096)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(make_recording(options.directory, options.requests, options.tokens, options.seed))


if __name__ == "__main__":
    main()
