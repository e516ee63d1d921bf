"""Triton's generate extension. Which parameters there are, the model behind it alone decides: none is added."""

from fastbench.config.fields import FOR_CHAT, FOR_OPENAI
from fastbench.dialects.dialect import ERRORS, REASONS, BodyParts, Dialect, Rules
from fastbench.dialects.parameters import LengthField
from fastbench.dialects.prompts import as_text
from fastbench.dialects.template import Members, Slot

TRITON_RULES: Rules = (
    ("", "choice"),
    ("text_output", "text"),
    *REASONS,
    ("details.generated_tokens", "usage_out"),
    *ERRORS,
)
"""No record is marked as the last: the end of the body is the reply's end. MindIE counts the tokens so far in each
event's `details`."""


def _body(parts: BodyParts) -> Members:
    parameters = {**parts.parameters, Slot.ROW_FIELDS: ..., **parts.length}
    return {"id": Slot.REQUEST_ID, "text_input": Slot.PROMPT, "parameters": parameters}


TRITON_GENERATE = Dialect(
    name="triton_generate",
    aliases=("triton",),
    path="/v2/models/{model}/generate",
    stream_path="/v2/models/{model}/generate_stream",
    takes=frozenset({"text"}),
    prompt=as_text,
    names_model="path",
    length=LengthField("max_new_tokens"),
    not_taken=FOR_CHAT | FOR_OPENAI,
    body=_body,
    rules=TRITON_RULES,
)
