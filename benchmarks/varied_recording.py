"""Makes a recording as a real run leaves it: a load that rises, inputs and outputs of all lengths, failures, stalls.

    python -m benchmarks.varied_recording DIRECTORY [--requests 250000] [--rate 500] [--sessions] [--seed 0]

Requests go out at `rate`; the more are in flight, the longer the first token takes. With sessions, four turns each.
DIRECTORY can then be read by `fastbench report`.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastbench._core.counts import Hdr
from fastbench._core.ring import Batch
from fastbench.recording import ESCAPE, FLAGS, OUTCOMES, ROW_DTYPE, SOURCES
from fastbench.recording.format import MARK_DTYPE, Kind
from fastbench.recording.writing.files import BlockFile
from fastbench.recording.writing.packing import pack_batches, pack_json

START_NS = 1_000_000_000
PER_BLOCK = 4_096
TURNS = 4
FAILED_SHARE = 0.01
MS = 1_000_000


def make_varied(directory: Path, requests: int, rate: float = 500.0, seed: int = 0, *, sessions: bool = False) -> Path:
    """Writes the recording into a new `directory`; returns it."""
    directory.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    file = BlockFile(directory)
    load = {"kind": "open", "arrival": "poisson", "concurrency": None, "rate": rate, "planned": requests}
    header = {
        "run_id": "8e3c0d5a-9b1f-4c7e-a2d4",
        "created": "2026-11-24T07:34:46+00:00",
        "task": {"model": "llama-70b", "dataset": "conversations" if sessions else "varied"},
        "service": {"url": "http://10.0.0.7:8000/v1/chat/completions", "backend": "openai-chat", "stream": True},
        "load": load,
        "stamps": "kernel",
    }
    for _ in range(2):
        file.append(Kind.HEADER, pack_json(header))
    # 500 ms more of everything in the middle third: something to find.
    sent = START_NS + np.cumsum(rng.exponential(1e9 / rate, requests)).astype(np.int64)
    for first in range(0, requests, PER_BLOCK):
        part = sent[first : first + PER_BLOCK]
        slow = (part > np.quantile(sent, 0.4)) & (part < np.quantile(sent, 0.6))
        counts, payload = pack_batches([_batch(rng, first, part, slow, sessions)])
        file.append(Kind.BATCH, payload, counts)
    for second in range(int((sent[-1] - START_NS) // 1_000_000_000) + 2):
        file.append(Kind.HEALTH, pack_json(_health(rng, START_NS + second * 1_000_000_000)))
    file.append(Kind.FOOTER, pack_json({"planned": requests, "interrupted": False}))
    file.close()
    return directory


def _batch(
    rng: np.random.Generator, first: int, sent: NDArray[np.int64], slow: NDArray[np.bool_], sessions: bool
) -> Batch:
    n = sent.size
    rows = np.zeros(n, ROW_DTYPE)
    rows["request"] = np.arange(first, first + n)
    rows["intended_ns"], rows["sent_ns"] = sent - rng.integers(1_000, 90_000, n), sent
    rows["input_tokens"] = np.clip(rng.lognormal(6.5, 0.9, n), 8, 32_000)
    ttft = 40 * MS + rows["input_tokens"] * 60_000.0 * rng.lognormal(0, 0.2, n) + slow * rng.exponential(400 * MS, n)
    rows["first_token_ns"] = sent + ttft.astype(np.int64)
    rows["events"] = rows["output_tokens"] = rng.integers(8, 120, n)
    gaps_us = (20_000 * rng.lognormal(0, 0.3, int(rows["events"].sum()) - n)).astype(np.int64)
    gaps_us[rng.random(gaps_us.size) < 1e-4] += ESCAPE
    owner = np.repeat(np.arange(n), rows["events"].astype(np.int64) - 1)
    decode = np.bincount(owner, gaps_us, n).astype(np.int64) * 1000
    rows["last_token_ns"] = rows["first_token_ns"] + decode
    rows["end_ns"] = rows["last_token_ns"] + 50_000
    escaped = gaps_us >= ESCAPE
    rows["escapes"] = np.bincount(owner, escaped, n)
    rows["outcome"] = np.where(rng.random(n) < FAILED_SHARE, OUTCOMES.index("timeout"), OUTCOMES.index("ok"))
    rows["status"] = 200
    rows["input_source"] = rows["output_source"] = SOURCES.index("usage")
    rows["flags"] = FLAGS["stream"] | FLAGS["kernel"]
    if sessions:
        rows["session"], rows["turn"] = rows["request"] // TURNS + 1, rows["request"] % TURNS
        # Each turn begins 50 ms after the one before has ended.
        took = rows["end_ns"] - rows["sent_ns"] + 50 * MS
        before = np.where(rows["turn"] > 0, np.roll(took, 1), 0)
        behind = np.array([before[at - turn + 1 : at + 1].sum() for at, turn in enumerate(rows["turn"].tolist())])
        begun = sent[np.arange(n) - rows["turn"]] + behind - sent
        for name in ("intended_ns", "sent_ns", "first_token_ns", "last_token_ns", "end_ns"):
            rows[name] += begun
    gaps = np.where(escaped, ESCAPE, gaps_us).astype(np.uint16)
    return Batch(rows, gaps, gaps_us[escaped], np.empty(0, np.uint16), np.empty(0, MARK_DTYPE), [])


def _health(rng: np.random.Generator, t_ns: int) -> dict[str, object]:
    lag = Hdr()
    lag.record_values(rng.lognormal(8.5, 0.7, 500).astype(np.int64))
    stalls = [[t_ns - 400 * MS, int(rng.integers(2, 30)) * MS]] if rng.random() < 0.05 else []
    return {"t_ns": t_ns, "lag": lag.sparse(), "stalls": stalls, "reads": 500, "in_flight": 100}


def main() -> None:
    """Makes one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--requests", type=int, default=250_000)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sessions", action="store_true")
    options = parser.parse_args()
    place, count, rate = options.directory, options.requests, options.rate
    print(make_varied(place, count, rate, options.seed, sessions=options.sessions))


if __name__ == "__main__":
    main()
