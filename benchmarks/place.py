"""Where a benchmark runs: which machine, on which of its processors."""

import os
import platform
import time


def pin(which: int) -> None:
    """Keeps this process on the first (0) or the last (-1) of its processors, where there are several."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) > 1:
        os.sched_setaffinity(0, {mine[which]})


def describe() -> dict[str, str]:
    """Date and machine, for a file of results."""
    return {
        "when": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": f"{platform.machine()} {platform.release()}, {os.cpu_count()} processors",
    }
