"""The usual ways: aiohttp or httpx on uvloop, the clock read after each piece, each event decoded by orjson.

usual_clients aiohttp|httpx URL BODY STREAMS REQUESTS [OUT]: BODY is the file of a request's body; the requests are told
apart by their `x-request-id`, 0, 1, … Prints output events, seconds, user and system CPU seconds, all from the first
request on. OUT gets JSON: for each request when it was sent and when each of its output events arrived, ns.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import uvloop

Post = Callable[[bytes, dict[str, str]], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""A request's body and headers → the pieces of its response's body, as they are read."""


@asynccontextmanager
async def aiohttp_session(url: str) -> AsyncIterator[Post]:
    """Requests by aiohttp."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        @asynccontextmanager
        async def post(body: bytes, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
            async with session.post(url, data=body, headers=headers) as reply:
                yield reply.content.iter_any()

        yield post


@asynccontextmanager
async def httpx_session(url: str) -> AsyncIterator[Post]:
    """Requests by httpx."""
    import httpx  # needed by this client alone

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:

        @asynccontextmanager
        async def post(body: bytes, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[bytes]]:
            async with client.stream("POST", url, content=body, headers=headers) as reply:
                yield reply.aiter_raw()

        yield post


SESSIONS = {"aiohttp": aiohttp_session, "httpx": httpx_session}


async def read_reply(post: Post, body: bytes, name: str) -> tuple[int, list[int]]:
    """One request: when it was sent, and when each of its output events arrived, ns."""
    stamps: list[int] = []
    rest = b""
    sent = time.monotonic_ns()
    async with post(body, {"content-type": "application/json", "x-request-id": name}) as pieces:
        async for piece in pieces:
            stamp = time.monotonic_ns()
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line.startswith(b"data: ") and line != b"data: [DONE]":
                    choices = orjson.loads(line[6:])["choices"]
                    if choices and choices[0]["delta"].get("content"):
                        stamps.append(stamp)
    return sent, stamps


async def run(client: str, url: str, body: bytes, streams: int, requests: int) -> dict[str, tuple[int, list[int]]]:
    """`requests` requests by `streams` workers; the stamps of each."""
    todo = iter(range(requests))
    found: dict[str, tuple[int, list[int]]] = {}
    async with SESSIONS[client](url) as post:

        async def work() -> None:
            for number in todo:
                found[str(number)] = await read_reply(post, body, str(number))

        await asyncio.gather(*(work() for _ in range(streams)))
    return found


def main(client: str, url: str, body: str, streams: str, requests: str, out: str | None = None) -> None:
    """See above."""
    payload = Path(body).read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    found = uvloop.run(run(client, url, payload, int(streams), int(requests)))
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    events = sum(len(stamps) for _, stamps in found.values())
    print(events, wall, used.ru_utime - before.ru_utime, used.ru_stime - before.ru_stime)
    if out is not None:
        Path(out).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
