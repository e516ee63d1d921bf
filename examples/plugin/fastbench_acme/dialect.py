"""The API of a service that fastbench does not know."""

from typing import Any

from fastbench.dialects import ERRORS, BodyParts, Dialect, LengthField, Members, SampleLike, Slot, as_messages


def turns(sample: SampleLike) -> list[dict[str, Any]]:
    return [{"who": message["role"], "says": message["content"]} for message in as_messages(sample)]


def body(parts: BodyParts) -> Members:
    how = {"live": parts.stream, **parts.parameters, Slot.ROW_FIELDS: ..., **parts.length}
    return {"trace": Slot.REQUEST_ID, "talk": {"turns": Slot.PROMPT}, "how": how}


ACME_ASK = Dialect(
    name="acme_ask",
    aliases=("acme",),
    path="/acme/{model}/ask",
    headers={"X-Acme-Version": "2"},
    key_header="X-Acme-Key",
    key_prefix="",
    takes=frozenset({"text", "messages"}),
    prompt=turns,
    multi_turn=True,
    names_model="path",
    length=LengthField("at_most"),
    reserved=frozenset({"live"}),
    body=body,
    rules=(
        *(("", "choice"), ("says", "text"), ("says", "reasoning", "kind", "thought"), ("ends_for", "finish")),
        *(("used.asked", "usage_in"), ("used.said", "usage_out"), *ERRORS),
    ),
)
