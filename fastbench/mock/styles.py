"""How the engines write their replies: the JSON of each event, with slots, by style.

A slot is written `@name@` inside a JSON string, or as a whole string `"@=name@"` where it stands for a number, a list
or null. `template` cuts a text at its slots into the pieces that `replies.wire.Wire` takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Pieces = list[bytes | str]
Templates = dict[tuple[str, str, bool], Pieces]

DIALECTS = ("completions", "chat", "tgi", "triton", "mindie")
"""The protocols, in the order of `types.Dialect`."""
GENERATE_DIALECTS = DIALECTS[2:]
"""Those beside OpenAI's."""

_SLOT = re.compile(rb'"@=(\w+)@"|@(id|text|reasoning|whole)@')


def template(text: bytes) -> Pieces:
    """Literal bytes and slot names in turn."""
    pieces: Pieces = []
    at = 0
    for match in _SLOT.finditer(text):
        if match.start() > at:
            pieces.append(text[at : match.start()])
        pieces.append((match[1] or match[2]).decode())
        at = match.end()
    if at < len(text):
        pieces.append(text[at:])
    return pieces


@dataclass(frozen=True)
class Reply:
    """The content of one route's events. Each style's functions take it and return the event's JSON.

    chat: /v1/chat/completions, else /v1/completions. model: the served name. reasoning: the reasoning field's name.
    counts_reasoning: whether usage has reasoning tokens; caches: whether it has those of the prefix cache. usage:
    whether this variant of the event has usage.
    """

    chat: bool
    model: str
    reasoning: str
    counts_reasoning: bool
    usage: bool = False
    caches: bool = False

    def counts(self, **more: Any) -> Json:
        """The usage object."""
        return {
            "prompt_tokens": "@=prompt@",
            "total_tokens": "@=total@",
            "completion_tokens": "@=completion@",
            **({"completion_tokens_details": {"reasoning_tokens": "@=reasoned@"}} if self.counts_reasoning else {}),
            **more,
            **({"prompt_tokens_details": {"cached_tokens": "@=cached@"}} if self.caches else {}),
        }

    def with_usage(self, event: Json) -> Json:
        return {**event, "usage": self.counts()} if self.usage else event


def _vllm_event(reply: Reply, choices: list[Json]) -> Json:
    kind, prefix = ("chat.completion.chunk", "chatcmpl-") if reply.chat else ("text_completion", "cmpl-")
    return {
        "id": prefix + "@id@",
        "object": kind,
        "created": "@=created@",
        "model": reply.model,
        "choices": choices,
    }


def vllm_role(reply: Reply) -> Json:
    delta = {"role": "assistant", "content": ""}
    choice = {"index": "@=index@", "delta": delta, "logprobs": None, "finish_reason": None}
    return {
        **reply.with_usage(_vllm_event(reply, [choice])),
        "prompt_token_ids": "@=prompt_ids@",
        "prompt_text": None,
    }


def vllm_output(reply: Reply, field: str | None, finishes: bool) -> Json:
    finish: Json = {"finish_reason": "@=finish@" if finishes else None}
    text = "@text@" if field != reply.reasoning else "@reasoning@"
    if not reply.chat:
        choice = {
            "index": "@=index@",
            "text": text if field else "",
            "logprobs": None,
            **finish,
            "stop_reason": None,
            "prompt_token_ids": "@=prompt_ids@" if field else None,
            "token_ids": "@=ids@" if field else None,
        }
        return reply.with_usage(_vllm_event(reply, [choice]))
    choice = {
        "index": "@=index@",
        "delta": {field: text} if field else {"content": ""},
        "logprobs": None,
        **finish,
        **({"stop_reason": None} if finishes else {}),
        "token_ids": "@=ids@" if field else None,
    }
    return reply.with_usage(_vllm_event(reply, [choice]))


def vllm_usage(reply: Reply) -> Json:
    return {**_vllm_event(reply, []), "usage": reply.counts(), "system_fingerprint": "fastbench-mock"}


def _llama_event(reply: Reply, choices: list[Json]) -> Json:
    identity = {"id": "chatcmpl-@id@@id@"}
    return {
        "choices": choices,
        "created": "@=created@",
        **(identity if reply.chat else {}),
        "model": reply.model,
        "system_fingerprint": "fastbench-mock",
        "object": "chat.completion.chunk" if reply.chat else "text_completion",
        **(identity if not reply.chat else {}),
    }


def llama_role(reply: Reply) -> Json:
    delta = {"role": "assistant", "content": None}
    choice = {"finish_reason": None, "index": "@=index@", "delta": delta}
    return reply.with_usage(_llama_event(reply, [choice]))


def llama_output(reply: Reply, field: str | None, finishes: bool) -> Json:
    finish = {"finish_reason": "@=finish@" if finishes else None}
    text = "@text@" if field != reply.reasoning else "@reasoning@"
    if reply.chat:
        choice = {**finish, "index": "@=index@", "delta": {field: text} if field else {}}
    else:
        choice = {"text": text if field else "", "index": "@=index@", "logprobs": None, **finish}
    return reply.with_usage(_llama_event(reply, [choice]))


def llama_usage(reply: Reply) -> Json:
    usage = reply.counts(prompt_tokens_details={"cached_tokens": 0})
    timings = {"cache_n": 0, "prompt_n": "@=prompt@", "predicted_n": "@=completion@"}
    return {**_llama_event(reply, []), "usage": usage, "timings": timings}


def _transformers_event(reply: Reply, choices: list[Json]) -> Json:
    return {
        "id": "@id@",
        "choices": choices,
        "created": "@=created@",
        "model": reply.model,
        "object": "chat.completion.chunk" if reply.chat else "text_completion",
        **({"system_fingerprint": ""} if reply.chat else {}),
    }


def transformers_role(reply: Reply) -> Json:
    return reply.with_usage(_transformers_event(reply, [{"delta": {"role": "assistant"}, "index": "@=index@"}]))


def transformers_output(reply: Reply, field: str | None, finishes: bool) -> Json:
    text = "@text@" if field != reply.reasoning else "@reasoning@"
    finish = {"finish_reason": "@=finish@"} if finishes else {}
    if reply.chat:
        choice = {"delta": {field: text} if field else {}, "index": "@=index@", **finish}
    else:
        choice = {**finish, "index": "@=index@", "text": text if field else ""}
    return reply.with_usage(_transformers_event(reply, [choice]))


def transformers_usage(reply: Reply) -> Json:
    return {**_transformers_event(reply, []), "usage": reply.counts()}


@dataclass(frozen=True)
class Style:
    """One engine: its events and the switches that an option may override. `usage`: [completions, chat]."""

    make_role: Callable[[Reply], Json]
    make_output: Callable[[Reply, str | None, bool], Json]
    make_usage: Callable[[Reply], Json]
    role: str
    finish: str
    usage: tuple[str, str]
    usage_always: bool
    done: int
    head_early: bool


STYLES = {
    "vllm": Style(
        vllm_role, vllm_output, vllm_usage,
        role="own", finish="last", usage=("own", "own"), usage_always=False, done=1, head_early=True,
    ),
    "llama": Style(
        llama_role, llama_output, llama_usage,
        role="joined", finish="own", usage=("finish", "joined"), usage_always=False, done=1, head_early=False,
    ),
    "transformers": Style(
        transformers_role, transformers_output, transformers_usage,
        role="own", finish="own", usage=("finish", "finish"), usage_always=True, done=0, head_early=True,
    ),
}  # fmt: skip

ENGINE_ERROR = {
    "error": {
        "message": "EngineCore encountered an issue. See stack trace (above) for the root cause.",
        "type": "InternalServerError",
        "param": None,
        "code": 500,
    }
}


def whole_reply(reply: Reply) -> tuple[Json, Json]:
    """A reply that is not a stream, with an empty list of choices; and one of its choices."""
    text: Json = {"text": "@text@"}
    if reply.chat:
        reasoning = {reply.reasoning: "@reasoning@"} if reply.counts_reasoning else {}
        text = {"message": {"role": "assistant", "content": "@text@", **reasoning}}
    choice = {
        "index": "@=index@",
        **text,
        "logprobs": None,
        "finish_reason": "@=finish@",
        "token_ids": "@=ids@",
    }
    whole = {**_vllm_event(reply, []), "usage": reply.counts()}
    whole["object"] = "chat.completion" if reply.chat else "text_completion"
    return whole, choice


def json_bytes(value: Json, *, spaced: bool) -> bytes:
    """JSON as an engine writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": ") if spaced else (",", ":")).encode()


def make_templates(
    style: Style, model: str, *, reasoning: str, counts_reasoning: bool, caches: bool, spaced: bool
) -> Templates:
    """All templates of a style, by (dialect, kind, with usage)."""

    def event(value: Json) -> Pieces:
        return template(b"data: " + json_bytes(value, spaced=spaced) + b"\n\n")

    templates: Templates = {}
    for chat in (False, True):
        for usage in (False, True):
            reply = Reply(chat, model, reasoning, counts_reasoning and chat, usage, caches)
            field = "content" if chat else "text"
            events: dict[str, Pieces] = {
                "role": event(style.make_role(reply)),
                "text": event(style.make_output(reply, field, False)),
                "reasoning": event(style.make_output(reply, reasoning, False)),
                "text_last": event(style.make_output(reply, field, True)),
                "reasoning_last": event(style.make_output(reply, reasoning, True)),
                "finish": event(style.make_output(reply, None, True)),
                "usage": event(style.make_usage(reply)),
                "error": [b"data: " + json.dumps(ENGINE_ERROR).encode() + b"\n\n"],
                "done": [b"data: [DONE]\n\n"],
            }
            whole, choice = whole_reply(reply)
            start, middle, end = json_bytes(whole, spaced=spaced).partition(b"[]")
            events["body_open"] = template(start + middle[:1])
            events["body_choice"] = template(json_bytes(choice, spaced=spaced))
            events["body_close"] = template(middle[1:] + end)
            for kind, pieces in events.items():
                templates["chat" if chat else "completions", kind, usage] = pieces
    return templates


# The replies of TGI, Triton's generate extension and MindIE. TGI frames its events without a space behind the colon.
# Each variant "with usage" is the one with `details`, which have the token counts; MindIE's Triton route gives them in
# each event.
_COUNTED: Json = {"generated_tokens": "@=completion@"}
_DETAILS: Json = {"finish_reason": "@=finish@", **_COUNTED, "seed": None}
_TGI_DETAILS: Json = {**_DETAILS, "input_length": "@=prompt@"}


@dataclass(frozen=True)
class Records:
    """The records of a dialect other than OpenAI's, by `details`. text, last: an event, the last one; whole: a reply
    that is no stream."""

    frame: bytes
    text: tuple[Json, Json]
    last: tuple[Json, Json]
    whole: tuple[Json, Json]
    error: Json


def _tgi() -> Records:
    token = {"id": "@=token@", "text": "@text@", "logprob": -0.5, "special": False}

    def event(whole: str | None, details: Json | None) -> Json:
        return {"index": "@=position@", "token": token, "generated_text": whole, "details": details}

    text = event(None, None)
    reply: Json = {"generated_text": "@text@"}
    return Records(
        frame=b"data:",
        text=(text, text),
        last=(event("@whole@", None), event("@whole@", _TGI_DETAILS)),
        whole=(reply, {**reply, "details": {**_TGI_DETAILS, "prefill": [], "tokens": []}}),
        error={"error": "Request failed during generation: CUDA error", "error_type": "generation"},
    )


def _mindie() -> Records:
    times = {"prefill_time": None, "decode_time": 16.8}
    text = {**times, "token": {"id": "@=ids@", "text": "@text@"}}

    def last(details: Json | None) -> Json:
        return {**times, "generated_text": "@whole@", "details": details, "token": {"id": "@=ids@", "text": None}}

    reply: Json = {"generated_text": "@text@"}
    return Records(
        frame=b"data: ",
        text=(text, text),
        last=(last(None), last(_DETAILS)),
        whole=(reply, {**reply, "details": _DETAILS}),
        error={"error": "Engine callback timeout.", "error_type": "Incomplete Generation"},
    )


def _triton(model: str) -> Records:
    event: Json = {"model_name": model, "model_version": "1", "text_output": "@text@"}
    last = {**event, "details": {"finish_reason": "@=finish@", **_COUNTED}}
    return Records(
        frame=b"data: ",
        text=(event, {**event, "details": _COUNTED}),
        last=(event, last),
        whole=(event, last),
        error={"error": "in ensemble 'mock', failed to run the model: out of memory"},
    )


def make_generate_templates(model: str, *, spaced: bool) -> Templates:
    """All templates of these dialects, by (dialect, kind, with details)."""
    templates: Templates = {}
    for dialect, records in {"tgi": _tgi(), "triton": _triton(model), "mindie": _mindie()}.items():
        for details in (False, True):
            start, _, end = json_bytes(records.whole[details], spaced=spaced).partition(b"@text@")
            kinds: dict[str, Pieces] = {
                "text": _event(records, records.text[details], spaced=spaced),
                "text_last": _event(records, records.last[details], spaced=spaced),
                "error": [records.frame + json_bytes(records.error, spaced=spaced) + b"\n\n"],
                "body_open": [start],
                "body_choice": ["text"],
                "body_close": template(end),
            }
            templates |= {(dialect, kind, details): pieces for kind, pieces in kinds.items()}
    return templates


def _event(records: Records, value: Json, *, spaced: bool) -> Pieces:
    return template(records.frame + json_bytes(value, spaced=spaced) + b"\n\n")
