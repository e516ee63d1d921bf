"""Hugging Face's text-generation-inference: a text and its `parameters`."""

from fastbench.config.fields import FOR_CHAT, FOR_OPENAI
from fastbench.dialects.dialect import ERRORS, REASONS, BodyParts, Dialect, Rules
from fastbench.dialects.parameters import LengthField
from fastbench.dialects.prompts import as_text
from fastbench.dialects.template import OMITTED, Adapter, Members, Slot

GENERATE_RULES: Rules = (
    ("", "choice"),
    ("token.text", "text"),
    ("token.special", "special"),
    ("token.id", "token_ids"),
    ("generated_text", "final"),
    *REASONS,
    ("details.prefill", "prompt_token_ids"),
    ("details.tokens", "token_ids"),
    ("details.input_length", "usage_in"),
    ("details.generated_tokens", "usage_out"),
    *ERRORS,
)
"""A `token` in each event of a stream, `generated_text` in the last one and in a whole reply."""


def tgi_body(parts: BodyParts) -> Members:
    """`details` asks the last record for the token counts."""
    given = {"details": True, **parts.parameters}
    constant = {**given, "adapter_id": Adapter(given.get("adapter_id", OMITTED))}
    return {"inputs": Slot.PROMPT, "parameters": {**constant, Slot.ROW_FIELDS: ..., **parts.length}}


TGI_GENERATE = Dialect(
    name="tgi_generate",
    aliases=("tgi",),
    path="/generate",
    stream_path="/generate_stream",
    takes=frozenset({"text"}),
    prompt=as_text,
    length=LengthField("max_new_tokens"),
    adapters=True,
    reserved=frozenset({"details", "adapter_id"}),
    not_taken=FOR_CHAT | FOR_OPENAI,
    body=tgi_body,
    rules=GENERATE_RULES,
)
