"""A long run against the simulated service: memory and descriptors flat, accounts whole (`make longrun`).

Prints a line each minute; ends with 1 where memory grows by more than 5 MB after the first minutes, where descriptors
are left open, or where the counts do not add up. `--at-once 10000` looks at so many streams at once instead.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent), str(HERE.parents[1])]

import numpy as np  # noqa: E402 - as the following ones, found by the path above
from running import Ended, Running  # noqa: E402

from fastbench.mock import Mock  # noqa: E402
from fastbench.recording import NOT_FINAL  # noqa: E402

MAX_GROWTH_KB = 5 << 10
SETTLED_SHARE = 0.2
"""The first part of the run, in which buffers and pools reach their size."""
LATE_S = 120.0


class Look(NamedTuple):
    """The client's process at a moment of the run, s."""

    at_s: float
    rss_kb: int
    descriptors: int


def look(pid: int, since: float) -> Look | None:
    """None = it has ended."""
    place = Path("/proc", str(pid))
    try:
        lines = (place / "smaps_rollup").read_text().splitlines()
        # Pages of files do not count: the recording's own are the kernel's to give back.
        anonymous = next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))
        return Look(time.monotonic() - since, anonymous, len(list((place / "fd").iterdir())))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return None


def looks(running: Running) -> Iterator[Look]:
    """A look each second until the process ends."""
    since = time.monotonic()
    while running.process.poll() is None:
        found = look(running.process.pid, since)
        if found is not None:
            yield found
        time.sleep(1)


def watch(running: Running) -> list[Look]:
    """All looks, a line printed each minute."""
    seen: list[Look] = []
    for found in looks(running):
        if not seen or found.at_s // 60 > seen[-1].at_s // 60:
            say(f"{found.at_s:7.0f} s   {found.rss_kb / 1024:8.1f} MB   {found.descriptors:6d} descriptors")
        seen.append(found)
    return seen


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def judge(seen: list[Look], ended: Ended, length_s: float) -> list[str]:
    """What is wrong, a sentence each."""
    wrong = []
    if ended.code:
        wrong.append(f"the command ended with {ended.code}: {ended.err}")
    settled = [found for found in seen if SETTLED_SHARE * length_s < found.at_s < length_s - 5]
    early, late = settled[: len(settled) // 4], settled[-len(settled) // 4 :]
    growth = max(found.rss_kb for found in late) - max(found.rss_kb for found in early)
    opened = max(found.descriptors for found in late) - max(found.descriptors for found in early)
    say(f"memory after the first {SETTLED_SHARE:.0%}: {growth / 1024:+.2f} MB; descriptors: {opened:+d}")
    if growth > MAX_GROWTH_KB:
        wrong.append(f"memory grew by {growth / 1024:.2f} MB")
    if opened > 0:
        wrong.append(f"{opened} descriptors were left open")
    rows = ended.recording.rows
    final = rows[rows["flags"] & NOT_FINAL == 0]
    outcomes = ended.trust["outcomes"]
    say(f"outcomes {outcomes}, {int(final['events'].sum())} tokens, {len(final)} rows")
    if sum(outcomes.values()) != len(final) or len(np.unique(final["request"])) != len(final):
        wrong.append("the counts do not add up")
    if outcomes["ok"] != len(final):
        wrong.append("not all requests succeeded")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs for long, and looks at memory and descriptors.")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--streams", type=int, default=1_000)
    parser.add_argument("--itl-ms", type=float, default=50.0)
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--at-once", type=int, help="Only see so many streams through, all at once.")
    asked = parser.parse_args()
    streams = asked.at_once or asked.streams
    load = ("--concurrency", streams, "--input-len", 16, "--output-len", asked.tokens, "--num-warmups", 1, "-q")
    limit = ("--num-prompts", streams) if asked.at_once else ("--duration", f"{asked.minutes * 60:.0f}s")
    with tempfile.TemporaryDirectory() as place:
        with (
            Mock(ttft_ms=200, itl_ms=asked.itl_ms) as mock,
            Running(Path(place), "--url", mock.url, *load, *limit, "--no-plot") as running,
        ):
            seen = watch(running)
            ended = running.end(LATE_S)
        if asked.at_once:
            say(json.dumps({"code": ended.code, "err": ended.err, **(ended.trust if not ended.code else {})})[:2000])
            return int(ended.code != 0 or ended.trust["outcomes"] != {"ok": streams})
        wrong = judge(seen, ended, asked.minutes * 60)
    for sentence in wrong:
        say(sentence)
    say(ended.out.split("\n", 1)[0])
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
