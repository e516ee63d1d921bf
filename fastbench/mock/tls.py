"""https for the mock: an asyncio relay that ends TLS in front of the plain port. For tests of clients; it is slow."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from fastbench.errors import ConfigError, ServiceError
from fastbench.mock.options import Options

CHUNK = 65536


@contextlib.contextmanager
def relay(options: Options, plain: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Relays to the `plain` address; gives the (host, port) at which TLS is spoken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(str(options.tls_cert), options.tls_key)
    except OSError as error:
        raise ConfigError(f"mock.tls_cert: cannot use {options.tls_cert} and {options.tls_key}: {error}") from error
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(_start(options, plain, context), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(options: Options, plain: tuple[Any, ...], context: ssl.SSLContext) -> tuple[Any, ...]:
    async def on_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service = await asyncio.open_connection(plain[0], plain[1])
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_copy(reader, service[1]), _copy(service[0], writer))

    try:
        server = await asyncio.start_server(on_client, options.host, options.port, ssl=context)
    except OSError as error:
        raise ServiceError(
            f"mock: cannot listen on {options.host} port {options.port}: {error.strerror}; "
            "choose another --host or --port"
        ) from error
    address: tuple[Any, ...] = server.sockets[0].getsockname()
    return address


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies to the end; a reset on either side is passed on as a reset."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        writer.transport.abort()


async def _cancel_all() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
