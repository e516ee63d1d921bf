"""OpenAI's completions, as vLLM, SGLang, llama.cpp and others serve them."""

from fastbench.config.fields import FOR_CHAT
from fastbench.dialects.apis.openai import RESERVED, SET_ELSEWHERE, openai_body
from fastbench.dialects.dialect import Dialect, UsageField
from fastbench.dialects.parameters import LengthField
from fastbench.dialects.prompts import as_text_or_ids
from fastbench.dialects.rules import CHOICES, MESSAGE, Rules

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
