"""The usual ways to send at planned times, without sending: when the code that would send really runs.

usual_pacing call_at|sleep RATE SECONDS: `call_at` of uvloop for every moment of the plan, or one asyncio task that
sleeps until the next one. Prints a JSON list: actual minus planned, ns.
"""

import asyncio
import json
import sys
import time

import uvloop

START_S = 0.1


async def by_call_at(planned_ns: list[int]) -> list[int]:
    """`loop.call_at`, in the loop's own time."""
    loop = asyncio.get_running_loop()
    # The loop's clock is CLOCK_MONOTONIC too, in seconds.
    late: list[int] = []
    over = asyncio.Event()

    def fire(due_ns: int) -> None:
        late.append(time.monotonic_ns() - due_ns)
        if len(late) == len(planned_ns):
            over.set()

    for due_ns in planned_ns:
        loop.call_at(due_ns / 1e9, fire, due_ns)
    await over.wait()
    return late


async def by_sleep(planned_ns: list[int]) -> list[int]:
    """`asyncio.sleep` until the next one is due; what is due already goes out at once."""
    late = []
    for due_ns in planned_ns:
        wait_ns = due_ns - time.monotonic_ns()
        if wait_ns > 0:
            await asyncio.sleep(wait_ns / 1e9)
        late.append(time.monotonic_ns() - due_ns)
    return late


def main(way: str, rate: str, seconds: str) -> None:
    """See above."""
    start = time.monotonic_ns() + round(START_S * 1e9)
    planned_ns = [start + round(k * 1e9 / float(rate)) for k in range(round(float(rate) * float(seconds)))]
    late = uvloop.run(by_call_at(planned_ns)) if way == "call_at" else asyncio.run(by_sleep(planned_ns))
    print(json.dumps(late))


if __name__ == "__main__":
    main(*sys.argv[1:])
