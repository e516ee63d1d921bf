"""OpenAI's chat completions and completions, as vLLM, SGLang, llama.cpp and others serve them."""

from abc import abstractmethod
from typing import Any, ClassVar

import orjson

from fastbench.backends.http import HttpBackend
from fastbench.backends.prompts import as_messages, as_text
from fastbench.backends.rules import CHAT_RULES, COMPLETIONS_RULES
from fastbench.backends.sample import SampleLike
from fastbench.config.service_schema import STREAM_OPTIONS, ServiceConfig


class OpenAIBackend(HttpBackend):
    """What both endpoints share: a body of constant fields, then the prompt, then the output length."""

    endpoint: ClassVar[str]

    def _endpoint(self, service: ServiceConfig, model: str) -> str:
        return self.endpoint

    def _fields(self, service: ServiceConfig, model: str, adapter: str | None) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": model, "stream": service.stream, **service.parameters}
        options = fields.pop(STREAM_OPTIONS, {} if service.stream else None)
        if service.stream and isinstance(options, dict):
            fields[STREAM_OPTIONS] = self._stream_options(options)
        elif options is not None:
            fields[STREAM_OPTIONS] = options
        # Settings of their own, so they win over sampling parameters of these names.
        fields["model"] = adapter or model
        return {name: value for name, value in fields.items() if name not in self._length.names}

    def _body(self, sample: SampleLike, request_id: str, length: bytes | None) -> bytes:
        constant, prompt = self._constant.of(sample), self._prompt_field(sample)
        return b"%b%b}" % (constant, prompt) if length is None else b"%b%b,%b}" % (constant, prompt, length)

    @abstractmethod
    def _stream_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """The user's stream options, and the usage asked for."""

    @abstractmethod
    def _prompt_field(self, sample: SampleLike) -> bytes: ...


class ChatBackend(OpenAIBackend):
    """`POST /v1/chat/completions`, for single prompts and for conversations."""

    name = "openai_chat"
    endpoint = "/v1/chat/completions"
    rules = CHAT_RULES

    def _stream_options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"include_usage": True, **given}

    def _prompt_field(self, sample: SampleLike) -> bytes:
        return b'"messages":%b' % orjson.dumps(as_messages(sample))


class CompletionsBackend(OpenAIBackend):
    """`POST /v1/completions`."""

    name = "openai_completions"
    endpoint = "/v1/completions"
    rules = COMPLETIONS_RULES

    def _stream_options(self, given: dict[str, Any]) -> dict[str, Any]:
        return {**given, "include_usage": True}

    def _prompt_field(self, sample: SampleLike) -> bytes:
        prompt = sample.prompt
        has_ids = not isinstance(prompt, str) and isinstance(prompt[0], int)
        return b'"prompt":%b' % orjson.dumps(prompt if has_ids else as_text(sample))
