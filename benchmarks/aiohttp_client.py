"""The usual way: aiohttp on uvloop, each event decoded by orjson. Prints events, seconds, CPU seconds."""

import asyncio
import resource
import sys
import time

import aiohttp
import orjson
import uvloop


async def read_reply(session: aiohttp.ClientSession, url: str, body: bytes) -> int:
    """One request; the number of output events in its reply."""
    events = 0
    rest = b""
    async with session.post(url, data=body, headers={"Content-Type": "application/json"}) as reply:
        async for piece in reply.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            stamp = time.monotonic_ns()
            for line in lines:
                if line.startswith(b"data: ") and line != b"data: [DONE]":
                    choices = orjson.loads(line[6:])["choices"]
                    if choices and choices[0]["delta"].get("content"):
                        events += stamp > 0
    return events


async def main(url: str, body: bytes, streams: int, requests: int) -> int:
    """`requests` requests by `streams` workers; output events in all."""
    connector = aiohttp.TCPConnector(limit=0)
    todo = iter(range(requests))
    async with aiohttp.ClientSession(connector=connector) as session:

        async def work() -> int:
            return sum([await read_reply(session, url, body) for _ in todo])

        return sum(await asyncio.gather(*(work() for _ in range(streams))))


if __name__ == "__main__":
    place, file, streams_, requests_ = sys.argv[1:]
    with open(file, "rb") as source:
        payload = source.read()
    start = time.perf_counter()
    total = uvloop.run(main(place, payload, int(streams_), int(requests_)))
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(total, wall, used.ru_utime + used.ru_stime)
