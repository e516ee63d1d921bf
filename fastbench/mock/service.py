"""Runs the mock in this process: sockets, signals, the log's writer and the TLS relay around the compiled loop."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import BinaryIO

from fastbench.errors import ConfigError, ServiceError
from fastbench.mock.options import Options
from fastbench.mock.plan import make_form, make_plan, make_templates_of, make_timing, make_words
from fastbench.mock.replies.reply import Script
from fastbench.mock.replies.wire import Wire
from fastbench.mock.server.engine import Engine
from fastbench.mock.server.intake import Intake
from fastbench.mock.server.log import Log
from fastbench.mock.server.loop import Server
from fastbench.mock.server.sockets import Sockets

BACKLOG = 16384

logger = logging.getLogger("fastbench")


def serve(options: Options, on_ready: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; calls `on_ready(url)` once requests are accepted. Main thread only."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # one descriptor for each connection
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(_log_writer(options.log)) if options.log else None
        behind_relay = options.tls_cert is not None
        listener = stack.enter_context(_listen("127.0.0.1" if behind_relay else options.host, options, behind_relay))
        stop = stack.enter_context(_stop_pipe(options.until_stdin_ends))
        server = _make_server(options, log, listener, stop)
        address = listener.getsockname()
        if behind_relay:
            from fastbench.mock.tls import relay

            address = stack.enter_context(relay(options, address))
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        on_ready(f"{'https' if behind_relay else 'http'}://{host}:{address[1]}")
        server.run()


def _make_server(options: Options, log: Log | None, listener: socket.socket, stop: int) -> Server:
    plan = make_plan(options)
    engine = Engine(make_timing(options))
    script = Script(Wire(make_templates_of(options), make_words(options)), make_form(options))
    sockets = Sockets([listener.fileno()], stop)
    return Server(Intake(script, engine, plan), script, engine, log, plan, sockets)


def _listen(host: str, options: Options, behind_relay: bool) -> socket.socket:
    port = 0 if behind_relay else options.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        raise ServiceError(
            f"mock: cannot listen on {host} port {port}: {error.strerror}; choose another --host or --port"
        ) from error
    listener.setblocking(False)
    return listener


@contextlib.contextmanager
def _stop_pipe(until_stdin_ends: bool) -> Iterator[int]:
    """A descriptor that can be read once SIGINT or SIGTERM came (the loop holds no GIL, so no handler could run)."""
    read_end, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    if until_stdin_ends:
        threading.Thread(target=_watch_stdin, args=(write_end,), daemon=True).start()
    try:
        yield read_end
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(read_end)
        if not until_stdin_ends:  # the watching thread may still use it
            os.close(write_end)


def _watch_stdin(write_end: int) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    with contextlib.suppress(BrokenPipeError):  # stopped already
        os.write(write_end, b"\0")


@contextlib.contextmanager
def _log_writer(path: str) -> Iterator[Log]:
    """A log whose lines a thread writes to `path`, all of them by the end."""
    try:
        file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed below, after the thread
    except OSError as error:
        raise ConfigError(f"mock.log: cannot write {path}: {error.strerror}; choose another file") from error
    log = Log()
    finished = threading.Event()
    thread = threading.Thread(target=_write_log, args=(log, file, finished), daemon=True)
    thread.start()
    try:
        yield log
    finally:
        finished.set()
        os.eventfd_write(log.event_fd, 1)
        thread.join()
        _write_all(file, log.take())
        file.close()
        log.close()


def _write_log(log: Log, file: BinaryIO, finished: threading.Event) -> None:
    while not finished.is_set():
        os.eventfd_read(log.event_fd)
        _write_all(file, log.take())


def _write_all(file: BinaryIO, data: bytes) -> None:
    """All of it: one write may take a part. On a full disk the service drops this piece and reports it."""
    try:
        while data:
            data = data[file.write(data) :]
    except OSError as error:
        logger.warning("fastbench mock: %d bytes of the log were not written: %s", len(data), error.strerror)
