"""The protocols that take a text and `parameters`: TGI, Triton's generate extension, and MindIE's own."""

import json
from abc import abstractmethod
from typing import Any
from urllib.parse import quote

import orjson

from fastbench.backends.http import HttpBackend
from fastbench.backends.prompts import as_text
from fastbench.backends.rules import GENERATE_RULES, TRITON_RULES
from fastbench.backends.sample import SampleLike
from fastbench.config.service_schema import ServiceConfig


class GenerateBackend(HttpBackend):
    """A body of a text and its `parameters`, the output length among them."""

    def _fields(self, service: ServiceConfig, model: str, adapter: str | None) -> dict[str, Any]:
        # Settings of their own, so they win over sampling parameters of these names.
        given = {name: value for name, value in service.parameters.items() if name not in self._length.names}
        fields = self._asked_for() | given
        return fields | {"adapter_id": adapter} if adapter else fields

    def _asked_for(self) -> dict[str, Any]:
        """Parameters that fastbench sends where the user does not set them."""
        return {}

    def _body(self, sample: SampleLike, request_id: str, length: bytes | None) -> bytes:
        head, text, constant = self._head(request_id), orjson.dumps(as_text(sample)), self._constant.of(sample)
        parameters = constant.removesuffix(b",") if length is None else constant + length
        return b'{%b:%b,"parameters":%b}}' % (head, text, parameters)

    @abstractmethod
    def _head(self, request_id: str) -> bytes:
        """The body's members before the text, which is the last one's value."""


class TgiBackend(GenerateBackend):
    """`POST /generate_stream` and `POST /generate`."""

    name = "tgi_generate"
    rules = GENERATE_RULES

    def _endpoint(self, service: ServiceConfig, model: str) -> str:
        return "/generate_stream" if service.stream else "/generate"

    def _asked_for(self) -> dict[str, Any]:
        # The last record then tells how many tokens there were.
        return {"details": True}

    def _head(self, request_id: str) -> bytes:
        return b'"inputs"'


class MindieBackend(TgiBackend):
    """`POST /infer`; the records are much like TGI's."""

    name = "mindie_infer"

    def __init__(self, service: ServiceConfig, model: str, authority: str, base_path: str) -> None:
        super().__init__(service, model, authority, base_path)
        self._inputs = b'"stream":%b,"inputs"' % json.dumps(service.stream).encode()

    def _endpoint(self, service: ServiceConfig, model: str) -> str:
        return "/infer"

    def _head(self, request_id: str) -> bytes:
        return self._inputs


class TritonBackend(GenerateBackend):
    """`POST /v2/models/{model_name}/generate_stream` and `…/generate`.

    Which parameters there are, the model behind it alone decides; so nothing is added to the user's.
    """

    name = "triton_generate"
    rules = TRITON_RULES

    def _endpoint(self, service: ServiceConfig, model: str) -> str:
        return f"/v2/models/{quote(model, safe='')}/{'generate_stream' if service.stream else 'generate'}"

    def _head(self, request_id: str) -> bytes:
        return b'"id":"%b","text_input"' % request_id.encode("ascii")
