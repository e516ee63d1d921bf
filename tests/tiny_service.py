"""A service of a few lines that keeps what it was asked, and answers what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

MODEL = "tiny-model"


class Asked(NamedTuple):
    """One request. headers: names in lower case. body: as JSON, {} without one."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class Answer(NamedTuple):
    status: int
    kind: str
    body: bytes


@dataclass
class Tiny:
    """A running service. asked: all requests so far."""

    url: str
    asked: list[Asked] = field(default_factory=list)

    def posts(self) -> list[Asked]:
        """The requests with a prompt."""
        return [asked for asked in self.asked if asked.body]


def usual(asked: Asked) -> Answer:
    """What an OpenAI service answers: its models, or a stream of two tokens with their usage."""
    if not asked.body:
        return Answer(200, "application/json", json.dumps({"data": [{"id": MODEL}]}).encode())
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    events = [
        {"choices": [{"index": 0, "delta": {"content": "Hel"}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    lines = [*map(json.dumps, events), "[DONE]"]
    return Answer(200, "text/event-stream", "".join(f"data: {line}\n\n" for line in lines).encode())


def refusing(status: int, body: bytes, kind: str = "application/json") -> Callable[[Asked], Answer]:
    """Lists its models, and answers each prompt with the same failure."""
    return lambda asked: Answer(status, kind, body) if asked.body else usual(asked)


@contextlib.contextmanager
def tiny_service(answer: Callable[[Asked], Answer] = usual, drop_first: int = 0) -> Iterator[Tiny]:
    """The service for the time of the `with` block, on a free port. drop_first: prompts to close the connection on."""
    to_drop = iter(range(drop_first))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve({})

        def do_POST(self) -> None:
            self._serve(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _serve(self, body: dict[str, Any]) -> None:
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            tiny.asked.append(asked)
            if body and next(to_drop, None) is not None:
                self.close_connection = True
                return
            status, kind, content = answer(asked)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keeps the tests' output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tiny = Tiny(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield tiny
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
