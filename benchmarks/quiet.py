"""How quiet a processor is: quiet SECONDS LATE_US... spins on the clock for a time.

Prints JSON: the share of all moments at which even that loop would have been later than each LATE_US, and `longest`,
the longest time that it was kept away, us.
"""

import gc
import json
import sys
import time


def main(seconds: str, *late_us: str) -> None:
    """See above."""
    limits_ns = {limit: float(limit) * 1000 for limit in late_us}
    least_ns = min(limits_ns.values())
    gaps = []
    gc.disable()
    start = last = time.monotonic_ns()
    end = start + round(float(seconds) * 1e9)
    while last < end:
        now = time.monotonic_ns()
        if now - last > least_ns:
            gaps.append(now - last)
        last = now
    shares = {name: sum(max(0.0, gap - limit) for gap in gaps) / (last - start) for name, limit in limits_ns.items()}
    print(json.dumps({**shares, "longest": max(gaps, default=0) / 1000}))


if __name__ == "__main__":
    main(*sys.argv[1:])
