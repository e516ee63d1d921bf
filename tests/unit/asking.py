"""One request of a dialect over a real connection, its reply read by the core."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from replies import Result

from fastbench._core.wire import OutputSpec, ReplyReader
from fastbench.config.services import ServiceConfig
from fastbench.datasets import Sample
from fastbench.dialects import Speaker, known_model

TIMEOUT_S = 20.0


def ask(url: str, sample: Sample, kind: str, fault: str = "", **fields: Any) -> Result:
    """The result of `sample`, sent as the dialect `kind` sends it. fault: what the mock is asked to do wrong."""
    headers = {"X-Mock-Fault": fault} if fault else {}
    service = ServiceConfig(**{"type": kind, "abbr": "m", "url": url, "model": "mock", "headers": headers} | fields)
    speaker = Speaker(service, known_model(service) or "", urlsplit(url).netloc, "")
    reader = ReplyReader(OutputSpec(speaker.rules), stream=speaker.stream, keep_text=True)
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with socket.create_connection((host, port), TIMEOUT_S) as connection:
        connection.sendall(speaker.encode(sample, "r-1"))
        try:
            while not reader.complete and (data := connection.recv(65536)):
                reader.feed(data)
        except ConnectionResetError:
            return Result(reader.end("reset"))
    return Result(reader.end())
