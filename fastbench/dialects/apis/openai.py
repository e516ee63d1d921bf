"""OpenAI's chat completions and completions, as vLLM, SGLang, llama.cpp and others serve them."""

from collections.abc import Callable
from typing import Final

from fastbench.config.fields import FOR_CHAT
from fastbench.dialects.dialect import CHOICES, MESSAGE, BodyParts, Dialect, Rules, UsageField
from fastbench.dialects.parameters import NEWER, LengthField
from fastbench.dialects.prompts import as_messages, as_text_or_ids
from fastbench.dialects.template import Adapter, Members, Slot

SET_ELSEWHERE: Final = {"stream": "stream", "messages": "datasets", "prompt": "datasets"}
RESERVED: Final = frozenset({"model", "stream_options"})


def openai_body(prompt: str) -> Callable[[BodyParts], Members]:
    """The body of an API whose field `prompt` holds the prompt."""

    def body(parts: BodyParts) -> Members:
        # A setting of its own, so it wins over a sampling parameter of this name.
        parameters = {name: value for name, value in parts.parameters.items() if name != "model"}
        constant = {"model": Adapter(parts.model), "stream": parts.stream, **parameters, **parts.usage}
        return {**constant, Slot.ROW_FIELDS: ..., prompt: Slot.PROMPT, **parts.length}

    return body


CHAT_RULES: Rules = (
    ("choices[].delta", "piece"),
    ("choices[].message", "whole"),
    *((f"choices[].{part}.{path}", role) for part in ("delta", "message") for path, role in MESSAGE),
    *CHOICES,
)
"""`delta` in a stream, `message` in a whole reply."""

OPENAI_CHAT = Dialect(
    name="openai_chat",
    aliases=("chat",),
    path="/v1/chat/completions",
    takes=frozenset({"text", "messages"}),
    prompt=as_messages,
    multi_turn=True,
    names_model="body",
    usage=UsageField("stream_options", {"include_usage": True}),
    length=LengthField("max_tokens", newer=NEWER),
    adapters=True,
    set_elsewhere=SET_ELSEWHERE,
    reserved=RESERVED,
    body=openai_body("messages"),
    rules=CHAT_RULES,
)


COMPLETIONS_RULES: Rules = (
    *((f"choices[].{path}", role) for path, role in MESSAGE if role != "tool" and path != "content"),
    *CHOICES,
)
"""`text`, and what engines that separate reasoning put beside it."""

OPENAI_COMPLETIONS = Dialect(
    name="openai_completions",
    aliases=("completions",),
    path="/v1/completions",
    takes=frozenset({"text", "token_ids"}),
    prompt=as_text_or_ids,
    names_model="body",
    usage=UsageField("stream_options", {"include_usage": True}, always=True),
    length=LengthField("max_tokens"),
    adapters=True,
    set_elsewhere=SET_ELSEWHERE,
    reserved=RESERVED,
    not_taken=FOR_CHAT,
    body=openai_body("prompt"),
    rules=COMPLETIONS_RULES,
)
