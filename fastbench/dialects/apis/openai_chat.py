"""OpenAI's chat completions, as vLLM, SGLang, llama.cpp and others serve them; for prompts and for conversations."""

from fastbench.dialects.apis.openai import RESERVED, SET_ELSEWHERE, openai_body
from fastbench.dialects.dialect import Dialect, UsageField
from fastbench.dialects.parameters import NEWER, LengthField
from fastbench.dialects.prompts import as_messages
from fastbench.dialects.rules import CHOICES, MESSAGE, Rules

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
