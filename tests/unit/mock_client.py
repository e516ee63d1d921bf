"""A plain client for the mock's tests: http.client for the framing, json for the events."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
Json = dict[str, Any]


@dataclass
class Answer:
    """A response whose framing was complete."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        value: Json = json.loads(self.body)
        return value

    @property
    def data(self) -> list[str]:
        """The data of every event, [DONE] included."""
        blocks = self.body.decode().split("\n\n")
        assert blocks.pop() == ""
        return [block.removeprefix("data: ") for block in blocks if not block.startswith(":")]

    @property
    def events(self) -> list[Json]:
        return [json.loads(data) for data in self.data if data != "[DONE]"]

    @property
    def outputs(self) -> list[Json]:
        """The events that carry output."""
        return [event for event in self.events if any(text_of(choice) for choice in event.get("choices", ()))]


def text_of(choice: Json) -> str:
    """The output in one choice of an event."""
    delta = choice.get("delta", choice)
    return "".join(delta.get(name) or "" for name in ("reasoning", "reasoning_content", "content", "text"))


def chat(prompt: str = "one two", **fields: Any) -> Json:
    return {"model": "mock", "messages": [{"role": "user", "content": prompt}], **fields}


def ask(url: str, body: Json | bytes, path: str = CHAT, headers: dict[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    try:
        return ask_on(connection, body, path, headers)
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPConnection,
    body: Json | bytes,
    path: str = CHAT,
    headers: dict[str, str] | None = None,
) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, headers or {})
    response = connection.getresponse()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def get(url: str, path: str) -> Answer:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
    connection.request("GET", path)
    response = connection.getresponse()
    answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
    connection.close()
    return answer


def request_bytes(body: Json, path: str = CHAT, *more: str) -> bytes:
    """A request as it stands on the wire."""
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: mock", f"content-length: {len(data)}", *more, "", ""]
    return "\r\n".join(lines).encode() + data


def connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=120)


def read_all(connection: socket.socket) -> Iterator[bytes]:
    """What arrives until FIN; a reset raises ConnectionResetError after the bytes before it."""
    while data := connection.recv(65536):
        yield data


def chunks_of(body: bytes) -> list[tuple[bytes, bytes]]:
    """(size as written, data) of every HTTP chunk; the last one must be there."""
    chunks: list[tuple[bytes, bytes]] = []
    while True:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        data, body = rest[:length], rest[length:]
        assert body.startswith(b"\r\n")
        body = body[2:]
        if not length:
            assert body == b""
            return chunks
        chunks.append((size, data))
