"""What a dialect is: one API, as requests and as the meaning of JSON paths in replies."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from msgspec import Struct

from fastbench.config.services import ADAPTERS, ServiceConfig
from fastbench.dialects.parameters import Fault, LengthField, OutputLength, adapters_of
from fastbench.dialects.prompts import SampleLike
from fastbench.dialects.template import Members, Slot
from fastbench.errors import ConfigError
from fastbench.registry import DIALECTS

Rule = tuple[str, str] | tuple[str, str, str, str]
"""(path, role), or (path, role, when_path, when_value): one that counts only in events in which the text at `when_path`
is `when_value`. The path "" is the whole document; of several rules for one path the last one that counts holds."""
Rules = tuple[Rule, ...]
"""Those of a dialect. Roles:

text, reasoning, tool: output where it is not empty, of any shape (a string, a list of parts, an object with a text);
special: true marks the text as a token that belongs to no output; choice: one choice of the event; index, token_ids (a
list, or one id): of that choice; finish: its finish reason; reason: the word alone, which completes nothing; piece,
whole: objects with output, of which the second is read only where the first does not stand beside it; final: the record
that ends the reply, as text the whole reply's text; prompt_token_ids; usage_in, usage_out, usage_total, usage_cached,
usage_reasoning; error: where it is not empty; error_word: where it is "error" or "failed"; code and message: an error
where both stand in an event without output; detail: one where there is no choice."""


def usage_rules(path: str) -> Iterator[Rule]:
    """For a usage at `path`: the names that services give to its counts."""
    for name in ("prompt_tokens", "input_tokens"):
        yield f"{path}.{name}", "usage_in"
        yield f"{path}.{name}_details.cached_tokens", "usage_cached"
    for name in ("completion_tokens", "output_tokens"):
        yield f"{path}.{name}", "usage_out"
        yield f"{path}.{name}_details.reasoning_tokens", "usage_reasoning"
    yield f"{path}.total_tokens", "usage_total"
    yield f"{path}.reasoning_tokens", "usage_reasoning"
    for name in ("cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens"):
        yield f"{path}.{name}", "usage_cached"


ERRORS: Rules = (
    *((name, "error") for name in ("error", "Error", "errors", "error_code", "error_msg", "error_message")),
    *((name, "error") for name in ("errorCode", "errorMessage", "response.error")),
    *((name, "error_word") for name in ("object", "type", "status")),
    *((name, "code") for name in ("code", "statusCode", "status_code")),
    *((name, "message") for name in ("message", "msg")),
    ("detail", "detail"),
)
"""Errors, as services of all kinds send them."""

CHOICES: Rules = (
    ("choices[]", "choice"),
    ("choices[].index", "index"),
    ("choices[].finish_reason", "finish"),
    ("choices[].finish_reason.type", "finish"),
    ("choices[].token_ids", "token_ids"),
    ("prompt_token_ids", "prompt_token_ids"),
    ("choices[].prompt_token_ids", "prompt_token_ids"),
    *((f"choices[].{name}", "error") for name in ("error", "error_code", "delta.error", "message.error")),
    *usage_rules("usage"),
    *usage_rules("choices[].usage"),
    *usage_rules("x_groq.usage"),
    *ERRORS,
)
"""Rules for replies made of `choices`, beside their output."""

MESSAGE: tuple[tuple[str, str], ...] = (
    *((name, "text") for name in ("content", "text", "refusal", "audio.transcript")),
    *((name, "reasoning") for name in ("reasoning", "reasoning_content", "reasoning_text", "reasoning_details")),
    *((name, "reasoning") for name in ("thinking", "thinking_content", "thinking_blocks", "thought", "thoughts")),
    *((name, "tool") for name in ("tool_calls", "function_call")),
)
"""(path, role) in a message: its output, as chat has it."""

REASONS: Rules = tuple(
    (path, "reason") for name in ("finish_reason", "details.finish_reason") for path in (name, f"{name}.type")
)
"""The finish reason outside of choices."""


PromptKind = Literal["text", "messages", "token_ids"]


class UsageField(NamedTuple):
    """The field of the body that asks a stream for its token counts."""

    name: str
    asks: Mapping[str, Any]
    """The object's value."""
    always: bool = False
    """Whether that goes over what the user has in the object, or the other way round."""


class BodyParts(NamedTuple):
    """The constant parts of a body, common to all requests to a service."""

    model: str
    stream: bool
    parameters: Mapping[str, Any]
    """The user's sampling parameters, those aside that are the output length or the field for usage."""
    usage: Members
    """The member that asks for usage; {} = none."""
    length: Members
    """The member that asks for an output length; {} = none."""


class Dialect(Struct, frozen=True, kw_only=True):
    """One API: plain data, and two functions, `prompt` and `body`."""

    name: str
    """`type` in a config."""
    aliases: tuple[str, ...] = ()
    """Further names, short ones for `--api`."""
    path: str
    """Follows the base URL's path; `{model}` in it stands for the model's name."""
    stream_path: str = ""
    """The path for a stream; "" = the same."""
    headers: Mapping[str, str] = {}
    """Further ones that every request has. Those of the config go over them."""
    key_header: str = "Authorization"
    """The header that carries `api_key`."""
    key_prefix: str = "Bearer "
    """The prefix of the key in it."""
    takes: frozenset[PromptKind]
    """The kinds of prompts. What takes no messages is sent their texts."""
    prompt: Callable[[SampleLike], Any]
    """A sample's prompt as the JSON value that it is in the body. Raises DatasetError for one of a kind not taken."""
    multi_turn: bool = False
    """Whether it can hold a conversation."""
    names_model: Literal["body", "path", "nowhere"] = "nowhere"
    """Where a request names its model. In the body: where the config has no name, `GET /v1/models` is asked for one."""
    usage: UsageField | None = None
    """None = a stream sends its token counts unasked, or never."""
    length: LengthField = LengthField()
    adapters: bool = False
    """Whether a request can ask for a LoRA adapter; the body then has an `Adapter`."""
    set_elsewhere: Mapping[str, str] = {}
    """Names of the body that are no sampling parameters: the setting that says each. Given twice they could differ."""
    reserved: frozenset[str] = frozenset()
    """Further names of the body, which an output length cannot have."""
    not_taken: frozenset[str] = frozenset()
    """Parameters of rows that it has no place for."""
    body: Callable[[BodyParts], Members]
    """The body of the requests to a service, with slots where each has its own."""
    rules: Rules
    """Which JSON paths of a reply mean what."""

    def request_path(self, service: ServiceConfig, model: str) -> str:
        """The path of the requests to `service`, behind the base URL's."""
        path = (service.stream and self.stream_path) or self.path
        return path.replace("{model}", quote(model, safe=""))

    def output_length(self, service: ServiceConfig) -> OutputLength:
        """The field for the output length in requests to `service`."""
        return self.length.of(service)

    def request_body(self, service: ServiceConfig, model: str) -> Members:
        """The body of the requests to `service`."""
        length = self.output_length(service)
        usage = {} if self.usage is None else _usage(self.usage, service)
        own = length.names if self.usage is None else length.names | {self.usage.name}
        parameters = {name: value for name, value in service.parameters.items() if name not in own}
        asked_length = {} if length.field is None else {length.field: Slot.LENGTH}
        return self.body(BodyParts(model, service.stream, parameters, usage, asked_length))

    def faults(self, service: ServiceConfig) -> Iterator[Fault]:
        """Settings of `service` that this dialect cannot use."""
        if service.length_field in self.reserved or service.length_field in self.set_elsewhere:
            found = f"is {service.length_field!r}, which holds something else"
            yield "length_field", f"{found}; leave it out, or name another"
        for name, setting in self.set_elsewhere.items():
            if name in service.generation_kwargs:
                yield f"generation_kwargs[{name!r}]", f"is not a sampling parameter; use {setting}"
        yield from self.output_length(service).faults()
        if ADAPTERS in service.generation_kwargs:
            yield from self._adapter_faults(service)
        if self.names_model == "path" and not known_model(service):
            yield "model_name", f"is missing; it must be the model's name, which {self.name} asks for by its URL"

    def _adapter_faults(self, service: ServiceConfig) -> Iterator[Fault]:
        field = f"generation_kwargs[{ADAPTERS!r}]"
        if not self.adapters:
            yield field, f"is set, but {self.name} knows no adapters; use openai_chat, tgi_generate or mindie_infer"
            return
        try:
            adapters_of(service)
        except ConfigError as error:
            yield field, str(error)


def _usage(field: UsageField, service: ServiceConfig) -> Members:
    """The user's own field, and usage asked for; where the user has it as None, it is left out."""
    given = service.parameters.get(field.name, {} if service.stream else None)
    if service.stream and isinstance(given, dict):
        return {field.name: {**given, **field.asks} if field.always else {**field.asks, **given}}
    return {} if given is None else {field.name: given}


def dialect_of(service: ServiceConfig) -> Dialect:
    """The dialect of `service`. Raises ConfigError where a package's cannot be loaded."""
    found: Dialect = DIALECTS.get(service.type)
    return found


def output_length(service: ServiceConfig) -> OutputLength:
    """The field for the output length in requests to `service`."""
    return dialect_of(service).output_length(service)


def known_model(service: ServiceConfig) -> str | None:
    """The model's name as the requests have it, "" where they have none; None = the service must be asked for it."""
    names_model = dialect_of(service).names_model
    if names_model == "path":
        return service.model_name or service.model
    return service.model or (None if names_model == "body" else "")


def not_taken(kind: str) -> frozenset[str]:
    """The parameters of rows that a type of service has no place for."""
    dialect: Dialect = DIALECTS.get(kind)
    return dialect.not_taken


def check_conversations(service: ServiceConfig, dataset: str) -> None:
    """Raises ConfigError where `service` cannot hold the conversations of several turns of the data set `dataset`."""
    if not dialect_of(service).multi_turn:
        raise ConfigError(
            f"the data set {dataset} holds conversations of several turns, which the model {service.abbr} cannot "
            f"hold by {service.type}; use type openai_chat (--api chat)"
        )
