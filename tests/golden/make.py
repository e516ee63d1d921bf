"""Makes the golden run of a format version, or its reports anew. See README.md beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "unit"))

from recordings import (  # noqa: E402  # needs the path above
    FOOTER,
    MS,
    Request,
    batch_of,
    header_of,
)

from fastbench._core.counts import Hdr  # noqa: E402
from fastbench.config import DEFAULT_STATS  # noqa: E402
from fastbench.recording import Recording  # noqa: E402
from fastbench.recording.format import Kind  # noqa: E402
from fastbench.recording.writing.files import BlockFile  # noqa: E402
from fastbench.recording.writing.packing import pack_batches, pack_json  # noqa: E402
from fastbench.report import publish  # noqa: E402


def requests() -> list[Request]:
    """A request of every kind that a recording can hold."""
    rng = np.random.default_rng(1)
    made = [Request(0, flags=("stream", "kernel", "warmup"))]
    for k in range(60):
        sent = (1_000 + 7 * k) * MS + int(rng.integers(0, 300_000))
        gaps = np.minimum(rng.lognormal(np.log(20_000), 0.5, int(rng.integers(1, 90))), 200_000).astype(int)
        tokens = sent + int(rng.integers(80, 120)) * MS + 1000 * np.cumsum([0, *gaps.tolist()])
        made.append(
            Request(
                k,
                sent_ns=sent,
                intended_ns=(1_000 + 7 * k) * MS,
                token_ns=tuple(tokens.tolist()),
                end_ns=int(tokens[-1]) + 90_000,
                input_tokens=int(rng.integers(5, 500)),
                output_tokens=None if k % 9 else 2 * tokens.size,
                event_tokens=None if k % 9 else (2,) * tokens.size,
                output_source="usage" if k % 5 else "token_ids",
                shared_events=k % 3,
                marks=((0, 2, 90), (2, 1, 40_000)) if k == 33 else (),
                attempt=int(k == 20),
                flags=(
                    "stream",
                    "kernel",
                    *(("reasoning",) if k % 4 == 0 else ()),
                    *(("left_open",) if k == 41 else ()),
                ),
                tried_ns=sent - 20_000,
                message_ns=int(tokens[-1]) + 1_090_000,
                cached_tokens=k % 4,
                finish=("length", "stop", "repetition")[k % 3],
                more=(
                    ("answer_ns", int(tokens[tokens.size // 2 if k % 4 == 0 else 0])),
                    ("record_ns", int(tokens[-1]) + 90_000),
                    ("burst_events", 1 + k % 3),
                    ("reasoning_tokens", tokens.size // 2 if k % 4 == 0 else -1),
                ),
            )
        )
    reset = {"outcome": "reset", "token_ns": (), "message": b"connection reset by peer", "status": 0}
    made.append(Request(20, flags=("stream", "superseded"), **reset))
    for k, outcome in enumerate(("http_error", "stream_error", "malformed", "truncated", "timeout", "reset")):
        made.append(Request(60 + k, outcome=outcome, token_ns=(), message=f"{outcome} \N{EM DASH} no".encode()))
    for k in (66, 67):
        tokens = 2_000 * MS + 1_000 * np.cumsum([0, *rng.integers(90_000, 120_000, 20).tolist()])  # slow: above a base
        made.append(Request(k, sent_ns=1_900 * MS, token_ns=tuple(tokens.tolist()), end_ns=int(tokens[-1]) + 90_000))
    return made


def make(version: Path) -> None:
    """Writes the run's recording: one part, or where the name ends in "-parts" those of two workers and of the run's
    continuation."""
    directory = version / "performances" / "mock" / "golden_recording"
    directory.mkdir(parents=True)
    if not version.name.endswith("-parts"):
        write(directory, 0, {}, requests())
        return
    shares: list[dict[str, Any]] = [{"share": {"number": number, "of": 2}} for number in range(2)]
    shares.append({"leg": 1, "resumes_ns": 4_000 * MS})
    made = requests()
    for number, more in enumerate(shares):
        write(directory, number, more, made[number::3])


def write(directory: Path, part: int, more: dict[str, Any], made: list[Request]) -> None:
    """One part. more: of its header."""
    file = BlockFile(directory, part)
    for _ in range(2):
        header = header_of(task={"dataset": "golden"}, load={"planned": 70, "concurrency": 64})
        file.append(Kind.HEADER, pack_json(header | more))
    lag = Hdr()
    lag.record_values(np.random.default_rng(2).lognormal(9, 1, 5_000).astype(np.int64))
    for batch in np.array_split(np.array(made, object), 3):
        counts, payload = pack_batches([batch_of(batch.tolist())])
        file.append(Kind.BATCH, payload, counts)
        health = {"t_ns": 2_000 * MS, "in_flight": 9, "lag": lag.sparse(), "stalls": [[1_500 * MS, 40 * MS]]}
        file.append(Kind.HEALTH, pack_json(health | {"reads": 5_000, "unstamped_reads": 1, "cpu_ns": 10**8}))
    footer = FOOTER | {"planned": 70, "interrupted": True, "reason": "Ctrl-C", "dropped": 1}
    file.append(Kind.FOOTER, pack_json(footer))
    file.close()


def report(version: Path) -> None:
    """Writes the run's reports."""
    task = version / "performances" / "mock"
    published = publish(Recording.open(task / "golden_recording"), task, "golden", DEFAULT_STATS, plot=False)
    (version / "golden.txt").write_text(published.text)


def main() -> None:
    """Makes what the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="such as v1, or v1-parts for a recording of several parts")
    parser.add_argument("--reports", action="store_true", help="the reports alone")
    args = parser.parse_args()
    if not args.reports:
        make(HERE / args.version)
    report(HERE / args.version)


if __name__ == "__main__":
    main()
