"""MindIE's own API, much like TGI's: one path for both ways, and the body says which one is meant."""

from fastbench.config.fields import FOR_CHAT, FOR_OPENAI
from fastbench.dialects.apis.tgi import GENERATE_RULES, tgi_body
from fastbench.dialects.dialect import BodyParts, Dialect
from fastbench.dialects.parameters import LengthField
from fastbench.dialects.prompts import as_text
from fastbench.dialects.template import Members


def _body(parts: BodyParts) -> Members:
    return {"stream": parts.stream, **tgi_body(parts)}


# Its last event has a token's id and no text of its own; `token.id` is a list there.
MINDIE_INFER = Dialect(
    name="mindie_infer",
    aliases=("mindie",),
    path="/infer",
    takes=frozenset({"text"}),
    prompt=as_text,
    length=LengthField("max_new_tokens"),
    adapters=True,
    reserved=frozenset({"details", "adapter_id"}),
    not_taken=FOR_CHAT | FOR_OPENAI,
    body=_body,
    rules=GENERATE_RULES,
)
