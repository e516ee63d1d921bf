"""OpenAI's chat completions and completions, as vLLM, SGLang, llama.cpp and others serve them."""

import json
from abc import ABC, abstractmethod
from typing import Any

import orjson

from fastbench.backends.request import PostTemplate
from fastbench.backends.rules import CHAT_RULES, COMPLETIONS_RULES, Rules
from fastbench.backends.sample import SampleLike
from fastbench.config.service_schema import ServiceConfig
from fastbench.errors import DatasetError


class OpenAIBackend(ABC):
    """What both endpoints share: a body of constant fields, then the prompt, then `max_tokens`."""

    name: str
    endpoint: str
    rules: Rules

    def __init__(self, service: ServiceConfig, model: str, authority: str, base_path: str) -> None:
        self.path = base_path + self.endpoint
        self.stream = service.stream
        self._template = PostTemplate(service, authority, self.path)
        self._constant = _constant_fields(service, model)
        self._max_out_len = service.max_out_len

    def encode(self, sample: SampleLike, request_id: str) -> bytes:
        """The finished request for `sample`. Raises DatasetError for a prompt of a kind not taken here."""
        length = sample.output_len or self._max_out_len
        body = b'%b%b,"max_tokens":%d}' % (self._constant, self._prompt_field(sample), length)
        return self._template.encode(request_id, body)

    @abstractmethod
    def _prompt_field(self, sample: SampleLike) -> bytes: ...


class ChatBackend(OpenAIBackend):
    """`POST /v1/chat/completions`."""

    name = "openai_chat"
    endpoint = "/v1/chat/completions"
    rules = CHAT_RULES

    def _prompt_field(self, sample: SampleLike) -> bytes:
        prompt = sample.prompt
        if isinstance(prompt, str):
            return b'"messages":[{"role":"user","content":%b}]' % orjson.dumps(prompt)
        if isinstance(prompt[0], int):
            raise _refused(sample, "token ids", "chat takes text or messages; use type openai_completions")
        return b'"messages":%b' % orjson.dumps(prompt)


class CompletionsBackend(OpenAIBackend):
    """`POST /v1/completions`."""

    name = "openai_completions"
    endpoint = "/v1/completions"
    rules = COMPLETIONS_RULES

    def _prompt_field(self, sample: SampleLike) -> bytes:
        if not isinstance(sample.prompt, str) and isinstance(sample.prompt[0], dict):
            raise _refused(sample, "chat messages", "completions take text or token ids; use type openai_chat")
        return b'"prompt":%b' % orjson.dumps(sample.prompt)


def _refused(sample: SampleLike, what: str, way_out: str) -> DatasetError:
    return DatasetError(f"row {sample.index} of the data set holds {what}, but {way_out}")


def _constant_fields(service: ServiceConfig, model: str) -> bytes:
    """The start of a body: all of it that is the same in every request, with a comma at its end."""
    fields: dict[str, Any] = {"model": model, "stream": service.stream, **service.generation_kwargs}
    options = fields.get("stream_options", {})
    if service.stream and isinstance(options, dict):
        fields["stream_options"] = {"include_usage": True, **options}
    # Settings of their own, so they win over sampling parameters of these names.
    fields["model"] = model
    fields.pop("max_tokens", None)
    return json.dumps(fields, separators=(",", ":")).encode("ascii")[:-1] + b","
