"""One request of a backend to the mock over a real connection, its reply read by the core."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from replies import Result

from fastbench._core.output import OutputSpec
from fastbench._core.reply import ReplyReader
from fastbench.backends.backend import known_model, make_backend
from fastbench.config.service_schema import ServiceConfig
from fastbench.datasets.sample import Sample

TIMEOUT_S = 20.0


def ask(url: str, sample: Sample, kind: str, fault: str = "", **fields: Any) -> Result:
    """The result of `sample`, sent as the backend `kind` sends it. fault: what the mock is asked to do wrong."""
    headers = {"X-Mock-Fault": fault} if fault else {}
    service = ServiceConfig(type=kind, abbr="m", url=url, model="mock", headers=headers, **fields)
    backend = make_backend(service, known_model(service) or "", urlsplit(url).netloc, "")
    reader = ReplyReader(OutputSpec(backend.rules), stream=backend.stream, keep_text=True)
    host, port = urlsplit(url).hostname, urlsplit(url).port
    with socket.create_connection((host, port), TIMEOUT_S) as connection:
        connection.sendall(backend.encode(sample, "r-1"))
        try:
            while not reader.complete and (data := connection.recv(65536)):
                reader.feed(data)
        except ConnectionResetError:
            return Result(reader.end("reset"))
    return Result(reader.end())
